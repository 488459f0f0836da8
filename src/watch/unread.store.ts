import type { Db } from '../db/db.ts';
import { sql } from '../db/query.ts';

/** Running jobs of a cluster that make checkpoints, and those of them whose checkpoints were not read for too long. */
export interface Unread {
  runs: number;
  unread: number;
  /** How long that is at least, in milliseconds. */
  afterMs: number;
}
/** So late a run may be read: a busy cluster, and one that was away, has time to answer for all its jobs. */
const graceMs = 4 * 60_000;

/**
 * By cluster, as the database knows it: the same for every replica, also for one that has just taken over. Those of a cluster or an application that does
 * not answer do not count: that is told already.
 * @param everyMs how often they are to be read. @throws UnreachableError
 */
export async function unreadRuns(db: Db, everyMs: number): Promise<Map<string, Unread>> {
  const afterMs = everyMs + graceMs;
  const { rows } = await db.execute<{ cluster: string; runs: number; unread: number }>(
    sql`select v.cluster, count(r.id)::int as runs,
        count(r.id) filter (where v.failures = 0
          and coalesce(r.checkpoints_read_at, r.running_at) < sluice_now() - ${afterMs}::double precision * interval '1 millisecond')::int as unread
      from cluster_views v left join runs r on r.cluster = v.cluster and not r.ended and r.state = 'RUNNING' and r.running_at is not null
        and r.silent_since is null and r.checkpoint_interval_ms is distinct from 0
      where v.last_ok_at is not null group by v.cluster order by v.cluster`,
  );
  return new Map(rows.map(({ cluster, ...counted }) => [cluster, { ...counted, afterMs }]));
}
