import { text } from '../../core/message.ts';
import { findApproval } from '../approvals.store.ts';
import { askAgain } from '../ask-again.ts';
import { failureOutcome } from '../message.ts';
import { preflight } from '../steps/plan.ts';
import { endedWhileStopping, isSavepointFailure } from '../steps/savepoint.ts';
import { startSteps } from '../steps/start.ts';
import { restoreStopSteps } from '../steps/stop.ts';
import { targetStep } from '../steps/target.ts';
import { undoStart } from '../steps/undo-start.ts';
import type { OperationKind, StepContext } from '../types.ts';
import { runsOutcome, safetyChoices, unprovenOutcome } from './describe.ts';
import { canceledAfterStop } from './stopped-before.ts';

/** The safety savepoint, whichever way the run was ended. */
const safetyOf = (c: StepContext) => (c.results['stop-savepoint'] ?? c.results['restore-savepoint'])?.['path'];

/** Restore: safety savepoint of what runs, stop, start from the chosen point, proven by Flink's own word. */
export const restoreKind: OperationKind = {
  kind: 'restore',
  busyTitle: (op) => `Restoring ${op.job}`,
  steps: [preflight, targetStep(false), ...restoreStopSteps, ...startSteps],
  undo: [undoStart],
  async succeeded(c) {
    const approval = await findApproval(c.services.database.db, c.op.id);
    const who = approval?.decidedBy
      ? text('Asked by ', { person: c.op.actor }, ', approved by ', { person: approval.decidedBy }, `. Reason: ${approval.reason}`)
      : text(
          c.op.breakGlass ? 'Break-glass by ' : 'By ',
          { person: c.op.actor },
          `. Reason: ${String(c.op.input['reason'] ?? c.op.breakGlass ?? '')}`,
        );
    const safety = safetyOf(c);
    const proof = c.results['prove']?.['restored'];
    return runsOutcome(c, 'restored', [
      who,
      ...(proof ? [text('Flink confirms: restored from ', { code: String(proof) })] : []),
      ...(safety ? [text('Safety savepoint of what ran before: ', { code: String(safety) })] : []),
    ]);
  },
  async failed(c, step, error) {
    const { outcome: said } = failureOutcome(`${c.op.job} was not restored`, error);
    if (c.results['running']) return unprovenOutcome(c, said);
    if ((step === 'stop-savepoint' || step === 'restore-savepoint') && isSavepointFailure(error))
      return {
        ...said,
        title: `${c.op.job} was not restored: the safety savepoint failed. What ran goes on`,
        actions: safetyChoices(c.op),
      };
    if (endedWhileStopping(error))
      return {
        ...said,
        title: `${c.op.job} is down: it ended while it was being stopped for the restore`,
        actions: [
          { label: 'Resume', command: `start ${c.op.job}`, style: 'primary' },
          { label: 'Logs', command: `logs ${c.op.job}` },
        ],
      };
    if (!c.results['stop-ended']) return { ...said, actions: [askAgain(c.op)] };
    const safety = safetyOf(c);
    return {
      ...said,
      title: `${c.op.job} is down: it was stopped for the restore, and did not come up from the chosen point`,
      parts: [
        ...said.parts,
        ...(safety ? [text('The state of before is safe in ', { code: String(safety) }, `; /flink start ${c.op.job} resumes it.`)] : []),
      ],
      actions: [
        { label: 'Resume what ran before', command: `start ${c.op.job}`, style: 'primary' },
        { label: 'Logs', command: `logs ${c.op.job}` },
      ],
    };
  },
  canceled: (c) => canceledAfterStop(c, safetyOf(c)),
};
