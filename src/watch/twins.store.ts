import type { Tx } from '../db/db.ts';
import { sql } from '../db/query.ts';

/** A live job on a managed cluster that no run of Sluice is known of. */
export interface Stranger {
  flinkJobId: string;
  /** What its program calls itself. */
  name: string;
  /** ISO time. */
  startedAt: string;
}

/** Remembers what the programs of runs call themselves, of those of which it was not known. */
export async function nameRuns(tx: Tx, names: readonly { id: string; name: string }[]): Promise<void> {
  if (names.length === 0) return;
  await tx.execute(sql`update runs r set flink_name = n.name, changed_in = pg_current_xact_id()::text::bigint
    from jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as n(id text, name text) where r.id = n.id`);
}
/** Notes strangers at the last runs, ended, of jobs whose runs there had their name; ids of the runs that have one since now. */
export async function noteTwins(tx: Tx, cluster: string, strangers: readonly Stranger[]): Promise<string[]> {
  if (strangers.length === 0) return [];
  const { rows } = await tx.execute<{ id: string }>(sql`
    update runs last set twin = jsonb_build_object('flinkJobId', s."flinkJobId", 'startedAt', s."startedAt"),
      changed_in = pg_current_xact_id()::text::bigint
    from jsonb_to_recordset(${JSON.stringify(strangers)}::jsonb) as s("flinkJobId" text, name text, "startedAt" text)
    where last.cluster = ${cluster} and last.ended and last.twin is null
      and exists (select 1 from runs n where n.job = last.job and n.cluster = last.cluster and n.flink_name = s.name)
      and not exists (select 1 from runs later where later.job = last.job and later.started_at > last.started_at)
      and not exists (select 1 from runs k where k.cluster = last.cluster and k.flink_job_id = s."flinkJobId")
    returning last.id`);
  return rows.map((row) => row.id);
}
/** Forgets those that the cluster does not list as alive any more; ids of the runs that had one. @param alive Flink job ids. */
export async function forgetTwins(tx: Tx, cluster: string, alive: readonly string[]): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update runs set twin = null, changed_in = pg_current_xact_id()::text::bigint
    where cluster = ${cluster} and twin is not null and not (twin ->> 'flinkJobId' = any(${sql.param([...alive])}::text[]))
    returning id`);
  return rows.map((row) => row.id);
}
