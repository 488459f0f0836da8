import type { Tx } from '../db/db.ts';
import { untellEnd } from '../jobs/runs.store.ts';
import { listSteps } from './operations.store.ts';
import type { Operation } from './types.ts';

/**
 * Of an operation that is over without success: the run that it stopped for another one was not meant to stay down. Its end is told by watch, as an
 * incident, unless a later run came up.
 */
export async function tellLeftDown(tx: Tx, op: Pick<Operation, 'id' | 'kind'>): Promise<void> {
  if (op.kind === 'stop') return;
  const runId = (await listSteps(tx, op.id)).find((step) => step.name === 'target')?.result?.['runId'];
  if (typeof runId === 'string') await untellEnd(tx, runId);
}
