import { failureOutcome } from '../message.ts';
import { buildSteps, undoBuild } from '../steps/build.ts';
import { startSteps } from '../steps/start.ts';
import { undoStart } from '../steps/undo-start.ts';
import type { OperationKind } from '../types.ts';
import { buildFields } from './build.ts';
import { runsOutcome, unprovenOutcome } from './describe.ts';

const verbs = { fresh: 'started', resume: 'resumed', upgrade: 'upgraded', restore: 'restored' } as const;

/** Start: resume, upgrade or fresh, with a build before it when asked for. */
export const startKind: OperationKind = {
  kind: 'start',
  busyTitle: (op) => (op.input['build'] === true ? `Building and starting ${op.job}` : `Starting ${op.job}`),
  steps: [...buildSteps, ...startSteps],
  undo: [undoBuild, undoStart],
  async succeeded(c) {
    const beginning = c.results['plan']?.['beginning'] as keyof typeof verbs;
    return runsOutcome(c, verbs[beginning], c.results['build-bind'] ? [buildFields(c)] : []);
  },
  async failed(c, _step, error) {
    const { outcome } = failureOutcome(`${c.op.job} was not started`, error);
    if (c.results['running']) return unprovenOutcome(c, outcome);
    return {
      ...outcome,
      actions: [
        { label: 'Start again', command: `start ${c.op.job}` },
        { label: 'Logs', command: `logs ${c.op.job}` },
      ],
    };
  },
};
