import { AppError, UnreachableError, UpstreamError } from '../core/errors.ts';
import { formatDuration, sleep } from '../core/time.ts';
import { dbNow } from '../db/clock.ts';
import { answerOf } from './answer-of.ts';
import { type Answer, afterAnswer, type Next } from './machine.ts';
import { countCrash, FencedError, guarded, writeIntent, writeStep } from './operations.store.ts';
import { startStepClock } from './step-clock.ts';
import type { Json, Operation, OperationKind, Services, Step, StepContext } from './types.ts';

export interface Execution {
  /** The row as last read; its epoch guards every write. */
  op: Operation;
  kind: OperationKind;
  abort: AbortController;
  crashed: boolean;
  /** Set by the running step: called once when a cancel is seen. */
  onCancel?: () => void;
  /** Whether the lease is surely still ours, by this machine's monotonic clock, which goes on while the process is frozen. */
  leaseIsFresh?(): boolean;
  /** It waits for a turn and takes no place among those that run. */
  queued?: boolean;
  /** Called when that begins. */
  onQueued?(): void;
}

/** How a step ended: a failure and a question for a person are values, not exceptions. */
export type StepEnd =
  | { is: 'done'; result: Json }
  /** `unanswered`: some try got no answer, so a slow cluster may carry it out yet. */
  | { is: 'failed'; error: unknown; unanswered: boolean }
  | { is: 'turn-back'; unanswered: boolean }
  | { is: 'parked'; why: string; error: unknown };

/** The state store was lost: what was written is not known, so the operation is read again. */
export function isStoreLoss(error: unknown): boolean {
  return error instanceof UnreachableError && 'outcome' in error.details;
}
/** What can be cut off at any moment and has nothing to observe changes nothing outside. */
export const touches = (step: Step): boolean => step.observe !== undefined || step.cancel !== 'at-once';

class Canceled extends Error {}

/**
 * Runs one step: intent stored, then act, or observe first when an earlier try may have acted; the result is stored with the rows that belong to it.
 * @param earlierIntent what an earlier owner stored, when it had begun the step.
 * @throws FencedError; the state store's loss; what `prepare` and the records throw: then the step is as it was and will be begun again.
 */
export async function runStep(
  services: Services,
  execution: Execution,
  step: Step,
  at: { name: string; seq: number; title: string },
  earlierIntent: Json | undefined,
  contextOf: (signal: AbortSignal) => StepContext,
  noteOf: () => string | undefined,
): Promise<StepEnd> {
  const { database } = services;
  const point = async (name: string) => services.onPoint?.(`${execution.kind.kind}/${step.name}/${name}`);
  const stepAbort = new AbortController();
  const clock = startStepClock(step.deadlineMs);
  const tooLate = clock.signal;
  const signal = AbortSignal.any([execution.abort.signal, stepAbort.signal, tooLate]);
  const turned = execution.op.turned !== null;
  if (step.cancel === 'at-once' && !turned) {
    execution.onCancel = () => stepAbort.abort(new Canceled());
    if (execution.op.cancelRequestedAt) execution.onCancel();
  }
  const c: StepContext = {
    ...contextOf(signal),
    queue: (work) =>
      clock.still(async () => {
        execution.queued = true;
        execution.onQueued?.();
        try {
          return await work();
        } finally {
          execution.queued = false;
        }
      }),
  };
  let startedAt = 0;
  const hasEffects = touches(step);
  let unanswered = earlierIntent !== undefined && hasEffects;
  let intent = earlierIntent;
  try {
    if (!intent) {
      await point('before-intent');
      const chosen = (await step.prepare?.(c)) ?? {};
      const began = await guarded(database, execution.op, async (tx) => {
        const began = await writeIntent(tx, execution.op, at, chosen);
        await step.recordIntent?.(tx, c, chosen);
        return began;
      });
      startedAt = began.getTime();
      intent = chosen;
      c.intents[step.name] = chosen;
      await point('after-intent');
    } else startedAt = (await dbNow(database.db)).getTime();
    execution.op = { ...execution.op, step: step.name };
    const end = await tries(intent, earlierIntent !== undefined);
    if (end.is !== 'done') return end;
    const result = await guarded(database, execution.op, async (tx) => {
      const more = await step.record?.(tx, c, intent as Json, end.result);
      const whole = { ...end.result, ...more };
      await writeStep(tx, execution.op, at, { state: 'done', result: whole, note: noteOf() ?? null });
      return whole;
    });
    await point('after-result');
    return { is: 'done', result };
  } catch (error) {
    if (stepAbort.signal.aborted && !execution.abort.signal.aborted) return { is: 'turn-back', unanswered };
    // Refusals that a record meets in its transaction (a version that another one took) are answers too; nothing of it was saved.
    if (error instanceof AppError && !(error instanceof FencedError) && !isStoreLoss(error)) return { is: 'failed', error, unanswered };
    throw error;
  } finally {
    clock.stop();
    delete execution.onCancel;
  }

  async function tries(intent: Json, begun: boolean): Promise<StepEnd> {
    let mayHaveActed = begun;
    let faults = 0;
    let doubts = 0;
    let doubt: unknown;
    let refusedSince: number | undefined;
    for (let attempt = 0; ; attempt++) {
      let answer: Answer;
      let result: Json = {};
      let error: unknown;
      try {
        const seen = mayHaveActed && step.observe ? await step.observe(c, intent) : undefined;
        if (seen?.is === 'done') [answer, result] = ['done', seen.result];
        else if (seen?.is === 'unknown') [answer, error] = ['cannot-tell', new UnreachableError(seen.why)];
        else if (seen) answer = 'seen-not-done';
        else {
          c.fence();
          [answer, result] = ['done', await step.act(c, intent)];
          await point('after-effect');
        }
      } catch (thrown) {
        if (execution.abort.signal.aborted) throw execution.abort.signal.reason;
        if (stepAbort.signal.aborted) return { is: 'turn-back', unanswered };
        if (thrown instanceof FencedError || isStoreLoss(thrown)) throw thrown;
        // Cut off by our own limit: whatever class of error came of it, what was done is not known.
        [answer, error] = !tooLate.aborted
          ? [answerOf(thrown), thrown]
          : ['no-answer', thrown instanceof UnreachableError ? thrown : lateError(step)];
        if (answer === 'fault') {
          services.log.error(
            { operationId: execution.op.id, step: step.name, error: thrown instanceof Error ? thrown.stack : String(thrown) },
            'fault in a step; it is looked at again',
          );
          faults = await guarded(database, execution.op, (tx) => countCrash(tx, execution.op));
        }
      }
      if (hasEffects && (answer === 'no-answer' || answer === 'doubtful' || answer === 'fault')) unanswered = true;
      if (answer === 'doubtful') [doubts, doubt] = [doubts + 1, error];
      if (answer === 'done') return { is: 'done', result };
      const nowMs = (await dbNow(database.db)).getTime();
      refusedSince = answer === 'nothing-sent' ? (refusedSince ?? nowMs) : undefined;
      const after = afterAnswer(
        {
          mayHaveActed,
          hasEffects,
          // What a finish-first step asked for without an answer may come late, and nothing else would record it: it is joined, not left.
          cancelRequested: execution.op.cancelRequestedAt !== null && !turned && !(unanswered && step.cancel === 'finish-first'),
          late: clock.late(nowMs, startedAt),
          // Refused connections: nothing was done, so giving up is safe; a JobManager that restarts gets 30 s.
          refusedForLong: refusedSince !== undefined && nowMs > refusedSince + 30_000,
          faults,
          doubts,
        },
        answer,
      );
      mayHaveActed = after.mayHaveActed;
      // Seen not to be done, again and again: then what Flink said is the reason.
      const end = ending(after.next, result, error ?? doubt);
      if (end) return end;
      if (after.next.is === 'wait') await pause(attempt, (error as Error | undefined)?.message ?? '');
    }
  }
  function ending(next: Next, result: Json, error: unknown): StepEnd | undefined {
    if (next.is === 'record') return { is: 'done', result };
    if (next.is === 'fail') return { is: 'failed', error, unanswered };
    if (next.is === 'turn-back') return { is: 'turn-back', unanswered };
    if (next.is === 'park') return { is: 'parked', why: parkedWords(step, error), error };
    return undefined;
  }
  async function pause(attempt: number, why: string): Promise<void> {
    c.note(`cannot tell yet: ${why}`);
    await sleep(Math.min(5000, 500 * 2 ** Math.min(attempt, 4)), signal).catch((reason) => {
      // Its time is over: one more look decides, with `late` set.
      if (tooLate.aborted && !stepAbort.signal.aborted && !execution.abort.signal.aborted) return;
      throw execution.abort.signal.aborted ? execution.abort.signal.reason : reason;
    });
  }
}

function lateError(step: Step): AppError {
  return new UpstreamError(`"${step.title}" was not finished after ${formatDuration(step.deadlineMs)}.`, {
    hint: 'Look at the log, then try again.',
  });
}
function parkedWords(step: Step, error: unknown): string {
  if (!(error instanceof AppError)) return `Something went wrong inside Sluice in the step "${step.title}", again and again.`;
  const why = error instanceof UnreachableError ? `, and whether it was done is not known: ${error.message}` : '.';
  return `"${step.title}" could not be finished in ${formatDuration(step.deadlineMs)}${why}`;
}
