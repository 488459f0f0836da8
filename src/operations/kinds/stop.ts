import { text } from '../../core/message.ts';
import { findRun } from '../../jobs/runs.store.ts';
import { restorePointsOfRun } from '../../restore-points/restore-points.store.ts';
import { failureOutcome, outcome } from '../message.ts';
import { endedWhileStopping, isSavepointFailure } from '../steps/savepoint.ts';
import { stopSteps } from '../steps/stop.ts';
import { type Target, targetStep } from '../steps/target.ts';
import type { OperationKind } from '../types.ts';
import { savepointChoices, savepointFields } from './describe.ts';

/** Stop, with a savepoint unless a lead agreed to go without. */
export const stopKind: OperationKind = {
  kind: 'stop',
  busyTitle: (op) => `Stopping ${op.job}`,
  steps: [targetStep(true), ...stopSteps],
  async succeeded(c) {
    const target = c.results['target'] as unknown as Target;
    const run = await findRun(c.services.database.db, target.runId);
    const again = [{ label: 'Start again', command: `start ${c.op.job}` }];
    const savepoint = c.results['stop-savepoint'];
    if (savepoint) {
      const parts = [
        savepointFields(savepoint, run?.flinkVersion),
        text('It is the final state of the run; ', { code: `/flink start ${c.op.job}` }, ' resumes from it.'),
      ];
      if (savepoint['failedStopping'])
        return outcome(
          'warn',
          `${c.op.job} stopped, but failed while stopping; its savepoint is complete`,
          [text(String(savepoint['failedStopping'])), ...parts],
          again,
        );
      return outcome('good', `${c.op.job} stopped with savepoint`, parts, again);
    }
    const last = (await restorePointsOfRun(c.services.database.db, target.runId))[0];
    return outcome(
      'warn',
      `${c.op.job} stopped without a savepoint`,
      [
        last
          ? text('Its last checkpoint is kept: ', { code: last.path }, '. What came in since is read again at the next start.')
          : text('It had no checkpoint: its state is gone.'),
      ],
      again,
    );
  },
  async failed(c, step, error) {
    const { outcome: said } = failureOutcome(`${c.op.job} was not stopped`, error);
    if (step === 'stop-savepoint' && isSavepointFailure(error))
      return {
        ...said,
        title: `${c.op.job} was not stopped: its savepoint failed. It runs on`,
        actions: savepointChoices(c),
      };
    if (endedWhileStopping(error))
      return {
        ...said,
        title: `${c.op.job} is down: it ended while it was being stopped`,
        actions: [
          { label: 'Start again', command: `start ${c.op.job}` },
          { label: 'Logs', command: `logs ${c.op.job}` },
        ],
      };
    return { ...said, actions: [{ label: 'Status', command: `status ${c.op.job}` }] };
  },
};
