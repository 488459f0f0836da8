import { text } from '../../core/message.ts';
import { findRun } from '../../jobs/runs.store.ts';
import { failureOutcome } from '../message.ts';
import { buildSteps, undoBuild } from '../steps/build.ts';
import { preflight } from '../steps/plan.ts';
import { endedWhileStopping, isSavepointFailure } from '../steps/savepoint.ts';
import { startSteps } from '../steps/start.ts';
import { stopSteps } from '../steps/stop.ts';
import { type Target, targetStep } from '../steps/target.ts';
import { undoStart } from '../steps/undo-start.ts';
import type { OperationKind } from '../types.ts';
import { buildFields } from './build.ts';
import { runsOutcome, savepointChoices, unprovenOutcome } from './describe.ts';
import { canceledAfterStop } from './stopped-before.ts';

/** Restart: build first with the old job untouched, stop with savepoint, start from it, prove it, or offer the way back. */
export const restartKind: OperationKind = {
  kind: 'restart',
  busyTitle: (op) => (op.input['build'] === true ? `Building and restarting ${op.job}` : `Restarting ${op.job}`),
  steps: [...buildSteps, preflight, targetStep(false), ...stopSteps, ...startSteps],
  undo: [undoBuild, undoStart],
  async succeeded(c) {
    return runsOutcome(c, 'restarted', c.results['build-bind'] ? [buildFields(c)] : []);
  },
  async failed(c, step, error) {
    const { outcome: said } = failureOutcome(`${c.op.job} was not restarted`, error);
    if (c.results['running']) return unprovenOutcome(c, said);
    if (step === 'stop-savepoint' && isSavepointFailure(error))
      return {
        ...said,
        title: `${c.op.job} was not restarted: its savepoint failed. The old run goes on`,
        actions: savepointChoices(c),
      };
    if (endedWhileStopping(error))
      return {
        ...said,
        title: `${c.op.job} is down: it ended while it was being stopped for the restart`,
        actions: [
          { label: 'Resume', command: `start ${c.op.job}`, style: 'primary' },
          { label: 'Logs', command: `logs ${c.op.job}` },
        ],
      };
    const target = c.results['target'] as Partial<Target> | undefined;
    if (target && !target.runId)
      return {
        ...said,
        title: `${c.op.job} is still down: it was not running before, and did not come up`,
        actions: [
          { label: 'Resume', command: `start ${c.op.job}`, style: 'primary' },
          { label: 'Logs', command: `logs ${c.op.job}` },
        ],
      };
    const stopped = c.results['stop-ended'];
    if (!stopped)
      return {
        ...said,
        title: `${c.op.job} was not restarted; what ran before was not touched`,
        actions: [{ label: 'Status', command: `status ${c.op.job}` }],
      };
    const old = await findRun(c.services.database.db, (c.results['target'] as unknown as Target).runId);
    const savepoint = c.results['stop-savepoint']?.['path'];
    return {
      ...said,
      title: `${c.op.job} is down: the old run was stopped, and the new one did not come up`,
      parts: [...said.parts, ...(savepoint ? [text('The state is safe in ', { code: String(savepoint) }, '.')] : [])],
      actions: [
        { label: `Go back to v${old?.version}`, command: `start ${c.op.job} --version v${old?.version}`, style: 'primary' },
        {
          label: 'Try again',
          command: `start ${c.op.job}${c.results['plan'] ? ` --version v${String(c.results['plan']['version'])}` : ''}`,
        },
        { label: 'Logs', command: `logs ${c.op.job}` },
      ],
    };
  },
  canceled: (c) => canceledAfterStop(c, c.results['stop-savepoint']?.['path']),
};
