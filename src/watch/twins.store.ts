import type { Tx } from '../db/db.ts';
import { and, eq, isNotNull, sql } from '../db/query.ts';
import { runs } from '../db/schema/index.ts';
import type { Run } from '../jobs/runs.store.ts';

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
/** What a program is called that does not say so itself: no name of a job. */
const unnamed = sql.raw(`'^Flink (Streaming|Batch|Java) Job'`);
/**
 * Notes strangers at the last runs of jobs whose runs there had their name; at one that lives only where no other job's runs had it. Ids of the runs that
 * have one since now.
 */
export async function noteTwins(tx: Tx, cluster: string, strangers: readonly Stranger[]): Promise<string[]> {
  if (strangers.length === 0) return [];
  const { rows } = await tx.execute<{ id: string }>(sql`
    update runs last set twin = jsonb_build_object('flinkJobId', s."flinkJobId", 'startedAt', s."startedAt"),
      changed_in = pg_current_xact_id()::text::bigint
    from jsonb_to_recordset(${JSON.stringify(strangers)}::jsonb) as s("flinkJobId" text, name text, "startedAt" text)
    where last.cluster = ${cluster} and last.twin is null
      and (last.ended or (s.name !~ ${unnamed} and not exists (select 1 from runs o
        where o.cluster = last.cluster and o.flink_name = s.name and o.job <> last.job)))
      and exists (select 1 from runs n where n.job = last.job and n.cluster = last.cluster and n.flink_name = s.name)
      and not exists (select 1 from runs later where later.job = last.job and later.started_at > last.started_at)
      and not exists (select 1 from runs k where k.cluster = last.cluster and k.flink_job_id = s."flinkJobId")
    returning last.id`);
  return rows.map((row) => row.id);
}
/** Runs that live, each beside a stranger of its name. */
export async function runsWithTwin(tx: Tx, cluster: string): Promise<Run[]> {
  return tx
    .select()
    .from(runs)
    .where(and(eq(runs.cluster, cluster), eq(runs.ended, false), isNotNull(runs.twin)));
}
/** Forgets those that the cluster does not list as alive any more; the runs that had one. @param alive Flink job ids. */
export async function forgetTwins(tx: Tx, cluster: string, alive: readonly string[]): Promise<{ id: string; job: string }[]> {
  const { rows } = await tx.execute<{ id: string; job: string }>(sql`
    update runs set twin = null, changed_in = pg_current_xact_id()::text::bigint
    where cluster = ${cluster} and twin is not null and not (twin ->> 'flinkJobId' = any(${sql.param([...alive])}::text[]))
    returning id, job`);
  return rows;
}
