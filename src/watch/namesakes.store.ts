import type { Tx } from '../db/db.ts';
import { sql } from '../db/query.ts';

/**
 * Jobs of a cluster that run under one name beside another: named by the beginning of the Flink id of one of their runs, as `orders-a1b2c3`. Which only happens
 * to be called so is none of them. Those that ended first come first.
 */
export async function namesakes(tx: Tx, cluster: string, plain: string): Promise<{ name: string; ended: boolean }[]> {
  const { rows } = await tx.execute<{ name: string; ended: boolean }>(sql`
    select j.name, coalesce(last.ended, true) as ended
    from jobs j
    join job_versions v on v.job = j.name and v.number = j.current_version and v.definition ->> 'cluster' = ${cluster}
    left join lateral (select r.ended, r.ended_at from runs r where r.job = j.name order by r.started_at desc, r.id desc limit 1) last on true
    where starts_with(j.name, ${`${plain}-`}) and exists (select 1 from runs r where r.job = j.name and r.cluster = ${cluster}
      and j.name in (${plain} || '-' || left(r.flink_job_id, 6), ${plain} || '-' || left(r.flink_job_id, 12)))
    order by last.ended_at, j.name`);
  return rows;
}
