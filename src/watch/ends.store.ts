import type { Db, Tx } from '../db/db.ts';
import { sql } from '../db/query.ts';
import type { Run } from '../jobs/runs.store.ts';
import { findOperation } from '../operations/operations.store.ts';

type Operation = NonNullable<Awaited<ReturnType<typeof findOperation>>>;
export interface OperationBehind {
  op: Operation;
  /** It stopped the run, it canceled again what it had submitted, or somebody broke glass and took the run for gone. */
  how: 'stopped' | 'undone' | 'assumed-gone';
}

/** What a step of Sluice leaves a run in. */
const stopSteps: Record<string, readonly string[]> = {
  FINISHED: ['stop-savepoint'],
  CANCELED: ['stop-cancel', 'restore-cancel'],
  LOST: ['stop-savepoint', 'stop-cancel', 'restore-cancel'],
};

/**
 * The operations that ended these runs, also when they were parked or failed before they could say so, by run id; none for a run that nothing of Sluice
 * ended. A step that the cluster refused ended nothing.
 */
export async function operationsBehind(
  tx: Tx,
  runs: readonly Pick<Run, 'id' | 'job' | 'state' | 'operationId'>[],
): Promise<Map<string, OperationBehind>> {
  if (runs.length === 0) return new Map();
  const asked = runs.map(({ id, job, state, operationId }) => ({ id, job, state, operationId, steps: stopSteps[state] ?? [] }));
  const { rows } = await tx.execute<{ run: string; id: string; how: OperationBehind['how'] }>(sql`
    with asked as (select * from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb)
      as a(id text, job text, state text, "operationId" text, steps jsonb))
    select distinct on (run) run, id, how from (
      select a.id as run, s.operation_id as id, 'stopped' as how, s.started_at
      from asked a
      join operations o on o.job = a.job
      join operation_steps s on s.operation_id = o.id and a.steps ? s.name and s.state in ('running', 'done')
      join operation_steps t on t.operation_id = o.id and t.name = 'target' and t.result ->> 'runId' = a.id
      union all
      select a.id, s.operation_id, 'undone', s.started_at
      from asked a
      join operation_steps s on s.operation_id = a."operationId" and s.name = 'undo-start' and s.state in ('running', 'done')
      where a.state = 'CANCELED'
      union all
      select a.id, s.operation_id, 'assumed-gone', s.started_at
      from asked a
      join operations o on o.job = a.job
      join operation_steps s on s.operation_id = o.id and s.name = 'plan' and s.result ->> 'assumedGone' = a.id
      where a.state = 'LOST'
    ) behind order by run, started_at desc`);
  const found = new Map<string, OperationBehind>();
  for (const row of rows) {
    const op = await findOperation(tx, row.id);
    if (op) found.set(row.run, { op, how: row.how });
  }
  return found;
}

/** Jobs whose incidents on a cluster are over, since a person has stopped them, or the operation that one tells of has. */
export async function jobsStoppedSince(db: Db | Tx, cluster: string): Promise<string[]> {
  const { rows } = await db.execute<{ job: string }>(stoppedSince(cluster));
  return rows.map((row) => row.job);
}
/** The same as SQL, to ask whether there are any beside other things. */
export const stoppedSince = (cluster: string) => sql`
    select distinct i.job from incidents i
    left join lateral (select r.ended, r.end_reason, r.ended_at from runs r where r.job = i.job
      order by r.started_at desc, r.id desc limit 1) last on true
    where i.state <> 'resolved' and i.job is not null and i.cluster = ${cluster} and (
      (last.ended and last.end_reason = 'stopped' and last.ended_at > i.first_seen)
      or exists (select 1 from operations o where o.id = i.facts ->> 'byOperation' and o.kind = 'stop' and o.state = 'succeeded'))`;
