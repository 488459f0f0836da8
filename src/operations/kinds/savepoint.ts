import { findRun } from '../../jobs/runs.store.ts';
import { failureOutcome, outcome } from '../message.ts';
import { savepointStep } from '../steps/savepoint.ts';
import { type Target, targetStep } from '../steps/target.ts';
import type { OperationKind } from '../types.ts';
import { savepointFields } from './describe.ts';

/** A savepoint of a job that runs on. */
export const savepointKind: OperationKind = {
  kind: 'savepoint',
  busyTitle: (op) => `Taking a savepoint of ${op.job}`,
  steps: [targetStep(true), savepointStep],
  async succeeded(c) {
    const run = await findRun(c.services.database.db, (c.results['target'] as unknown as Target).runId);
    return outcome('good', `Savepoint of ${c.op.job} taken`, [savepointFields(c.results['savepoint'] ?? {}, run?.flinkVersion)]);
  },
  async failed(c, _step, error) {
    const { outcome: said } = failureOutcome(`No savepoint of ${c.op.job} was taken; nothing else changed`, error);
    return { ...said, actions: [{ label: 'Try again', command: `savepoint ${c.op.job}` }] };
  },
};
