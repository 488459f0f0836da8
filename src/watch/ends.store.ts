import type { Tx } from '../db/db.ts';
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
 * The operation that ended a run, also when it was parked or failed before it could say so; undefined if none of Sluice did. A step that the cluster
 * refused ended nothing.
 */
export async function operationBehind(tx: Tx, run: Run): Promise<OperationBehind | undefined> {
  const steps = stopSteps[run.state] ?? [];
  const { rows } = await tx.execute<{ id: string; how: OperationBehind['how'] }>(sql`
    select id, how from (
      select s.operation_id as id, 'stopped' as how, s.started_at
      from operations o
      join operation_steps s on s.operation_id = o.id and s.name in ${[...steps, '']} and s.state in ('running', 'done')
      join operation_steps t on t.operation_id = o.id and t.name = 'target' and t.result ->> 'runId' = ${run.id}
      where o.job = ${run.job}
      union all
      select s.operation_id, 'undone', s.started_at
      from operation_steps s
      where s.operation_id = ${run.operationId} and s.name = 'undo-start' and s.state in ('running', 'done') and ${run.state} = 'CANCELED'
      union all
      select s.operation_id, 'assumed-gone', s.started_at
      from operations o
      join operation_steps s on s.operation_id = o.id and s.name = 'plan' and s.result ->> 'assumedGone' = ${run.id}
      where o.job = ${run.job} and ${run.state} = 'LOST'
    ) behind order by started_at desc limit 1`);
  const found = rows[0];
  const op = found && (await findOperation(tx, found.id));
  return op && { op, how: found.how };
}
