import type { Db } from '../db/db.ts';
import { sql } from '../db/query.ts';
import type { WatcherFacts } from './dead-man.rule.ts';

/** When clusters were polled, a message was taken, and how long one has been due, by the database: the same for every replica. @throws UnreachableError */
export async function watcherFacts(db: Db): Promise<WatcherFacts> {
  const { rows: polls } = await db.execute<{ cluster: string; ok: number | null; tried: number | null; failures: number }>(
    sql`select c.name as cluster, extract(epoch from sluice_now() - v.last_ok_at)::float8 * 1000 as ok,
      extract(epoch from sluice_now() - greatest(v.last_tried_at, v.last_ok_at))::float8 * 1000 as tried, coalesce(v.failures, 0) as failures
      from clusters c left join cluster_views v on v.cluster = c.name order by c.name`,
  );
  const { rows: outbox } = await db.execute<{ sent: number | null; unsent: number | null }>(
    // What was never seen waits since it was wanted, however often its words were changed; what was sent before, or has moved, since it was wanted last;
    // what most of its recipients have does not wait.
    sql`select (select extract(epoch from sluice_now() - max(sent_at))::float8 * 1000 from outbox_messages) as sent,
      (select extract(epoch from sluice_now() - min(case when sent_version = 0 and moved_from is null then created_at else updated_at end))::float8 * 1000
        from outbox_messages where state = 'pending' and (sent_ts is null or sent_version < desired_version)) as unsent`,
  );
  const tried = polls.flatMap((row) => (row.tried === null ? [] : [row.tried]));
  return {
    polls: polls.map((row) => ({ cluster: row.cluster, ageMs: row.ok ?? undefined, failures: row.failures })),
    lastTriedAgeMs: tried.length === 0 ? undefined : Math.min(...tried),
    lastPostAgeMs: outbox[0]?.sent ?? undefined,
    oldestUnsentAgeMs: outbox[0]?.unsent ?? undefined,
  };
}
