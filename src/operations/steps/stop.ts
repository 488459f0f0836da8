import { AppError, UnreachableError } from '../../core/errors.ts';
import { sleep } from '../../core/time.ts';
import { samePathKey } from '../../deploy/restore-path.ts';
import { isOfRun } from '../message.ts';
import { provenSight } from '../proven-sight.ts';
import { noLongerThere, restorePathProblem } from '../restore-path-problem.ts';
import { settleRun } from '../settle-run.ts';
import type { Step, StepContext } from '../types.ts';
import { askAndAwait, observeSavepoint, prepareSavepoint, recordSavepoint, savepointStep } from './savepoint.ts';
import { type Target, targetOf } from './target.ts';

const runs = (c: StepContext) => Boolean((c.results['target'] as Partial<Target> | undefined)?.runId);
const withoutSavepoint = (c: StepContext) => c.op.input['noSavepoint'] === true;
/** A restore to a checkpoint of the very run that has to end for it. */
const fromItsOwn = (c: StepContext) => isOfRun(c.op.input, c.results['target']);

/** Stop with savepoint: one trigger id, persisted before, the same at every try. */
const stopWithSavepoint: Step = {
  name: 'stop-savepoint',
  title: 'Stop with savepoint',
  cancel: 'finish-first',
  deadlineMs: 15 * 60_000,
  holds: true,
  when: (c) => runs(c) && !withoutSavepoint(c) && !fromItsOwn(c),
  prepare: prepareSavepoint(true),
  observe: observeSavepoint,
  act: askAndAwait,
  record: recordSavepoint(true),
};

const stopWithout: Step = {
  name: 'stop-cancel',
  title: 'Stop without a savepoint',
  cancel: 'finish-first',
  deadlineMs: 5 * 60_000,
  holds: true,
  when: (c) => runs(c) && withoutSavepoint(c),
  async act(c) {
    const { run, open } = (await targetOf(c))!;
    await open.deployer.cancel(run.flinkJobId, { signal: c.signal, beforeSend: c.fence }).catch((error: unknown) => {
      // An earlier try may have worked, and the cluster forgotten the job since: the next step proves the end.
      if (!(error instanceof AppError && error.details['kind'] === 'job-not-found')) throw error;
    });
    return {};
  },
};

/** Proves the end and records it. */
const ended: Step = {
  name: 'stop-ended',
  title: 'See it ended',
  cancel: 'finish-first',
  deadlineMs: 5 * 60_000,
  holds: true,
  when: runs,
  async act(c) {
    const { run, open } = (await targetOf(c))!;
    for (let round = 0; ; round++) {
      const sight = await provenSight(c.services.database.db, open, run.flinkJobId, { signal: c.signal });
      if (sight.is === 'unknown') throw new UnreachableError(sight.why);
      const settled = await settleRun(c.services.database, open, run, sight, 'stopped');
      if (settled.run.ended) return { state: settled.run.state, at: new Date().toISOString() };
      c.note(sight.is === 'seen' ? sight.state.toLowerCase() : 'gone');
      await sleep(Math.min(1000, 40 * 1.5 ** round), c.signal);
    }
  },
};

/** Stop what the `target` step found, with or without savepoint, and prove it. */
export const stopSteps: readonly Step[] = [stopWithSavepoint, stopWithout, ended];

/** A stop with savepoint would end in FINISHED, where Flink deletes the very checkpoint that was chosen (flink.md fact 7): so save first, then cancel. */
const saveFirst: Step = { ...savepointStep, name: 'restore-savepoint', title: 'Take the safety savepoint', when: fromItsOwn };

/** The run went on while the savepoint was written, so newer checkpoints may have replaced the chosen one. */
const lookAgain: Step = {
  name: 'restore-check',
  title: 'See that the chosen checkpoint is still kept',
  cancel: 'at-once',
  deadlineMs: 30_000,
  holds: true,
  when: fromItsOwn,
  async act(c) {
    const { run, open } = (await targetOf(c))!;
    const from = c.op.input['from'] as string;
    const problem = await restorePathProblem(from, c.op.job, open.cluster);
    if (problem) throw problem;
    // Where the files cannot be read, Flink's own list may still know.
    const sight = await open.deployer.checkpoints(run.flinkJobId, { signal: c.signal, timeoutMs: 5000 }).catch(() => undefined);
    const listed = sight?.completed.find((p) => p.path !== undefined && samePathKey(p.path) === samePathKey(from));
    if (listed?.discarded) throw noLongerThere(from, c.op.job, 'Flink has replaced it by a newer one');
    return {};
  },
};

/** Retained checkpoints stay on a cancel (RETAIN_ON_CANCELLATION, set at every submit). */
const cancelKept: Step = { ...stopWithout, name: 'restore-cancel', title: 'Cancel the run; its checkpoints stay', when: fromItsOwn };

/** The stop of a restore: with savepoint, or, where the chosen checkpoint is one of what runs, savepoint first and then cancel. */
export const restoreStopSteps: readonly Step[] = [saveFirst, lookAgain, cancelKept, stopWithSavepoint, ended];
