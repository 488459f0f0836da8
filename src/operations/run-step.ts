import { AppError, UnreachableError, UpstreamError } from '../core/errors.ts';
import { formatDuration, sleep } from '../core/time.ts';
import { dbNow } from '../db/clock.ts';
import { guarded, writeIntent, writeStep } from './operations.store.ts';
import type { Json, Operation, OperationKind, Services, Step, StepContext } from './types.ts';

export interface Execution {
  /** The row as last read; its epoch guards every write. */
  op: Operation;
  kind: OperationKind;
  abort: AbortController;
  crashed: boolean;
  /** Set by the running step: called once when a cancel is seen. */
  onCancel?: () => void;
}

/** Thrown into a step that cancels at once. */
export class CanceledError extends AppError {
  constructor() {
    super('conflict', 'Canceled.');
  }
}

/** A step that ran out of time without knowing what the world did. */
export class ParkError extends AppError {
  constructor(message: string) {
    super('unreachable', message);
  }
}

/** The state store was lost: what was written is not known, so the operation is read again. */
export function isStoreLoss(error: unknown): boolean {
  return error instanceof UnreachableError && 'outcome' in error.details;
}

/** Flink did not answer, and what it did is unknown (`refused`: nothing can have happened). */
function isUnknown(error: unknown): boolean {
  return error instanceof UnreachableError && !isStoreLoss(error);
}

/** What can be cut off at any moment and has nothing to observe changes nothing outside. */
const canHaveEffects = (step: Step) => step.observe !== undefined || step.cancel !== 'at-once';

/** A step whose effect can be unknown is parked for a person; one that changes nothing outside just fails. */
function late(step: Step): AppError {
  const sentence = `"${step.title}" was not finished after ${formatDuration(step.deadlineMs)}.`;
  return canHaveEffects(step)
    ? new ParkError(`${sentence} It may still come to an end by itself.`)
    : new UpstreamError(sentence, { hint: 'Look at the log, then try again.' });
}

/**
 * Runs one step: intent stored, then act, or observe first when an earlier try may have acted; the result is stored with the rows that belong to it.
 * @throws ParkError when its time is over and what was done is not known; CanceledError; FencedError; what the step itself throws.
 */
export async function runStep(
  services: Services,
  execution: Execution,
  step: Step,
  at: { name: string; seq: number; title: string },
  earlierIntent: Json | undefined,
  contextOf: (signal: AbortSignal) => StepContext,
  notes: Map<string, string>,
): Promise<Json> {
  const { database } = services;
  const stepAbort = new AbortController();
  const tooLate = AbortSignal.timeout(step.deadlineMs);
  const signal = AbortSignal.any([execution.abort.signal, stepAbort.signal, tooLate]);
  if (step.cancel === 'at-once') {
    execution.onCancel = () => stepAbort.abort(new CanceledError());
    if (execution.op.cancelRequestedAt) execution.onCancel();
  }
  const c = contextOf(signal);
  const startedAt = await dbNow(database.db);
  const deadline = startedAt.getTime() + step.deadlineMs;
  const intent = earlierIntent ?? (await step.prepare?.(c)) ?? {};
  if (!earlierIntent)
    await guarded(database, execution.op, async (tx) => {
      await writeIntent(tx, execution.op, at, intent);
      await step.recordIntent?.(tx, c, intent);
    });
  execution.op = { ...execution.op, step: step.name };
  let mayHaveActed = earlierIntent !== undefined;
  let result: Json | undefined;
  for (let attempt = 0; result === undefined; attempt++) {
    try {
      if (mayHaveActed && step.observe) {
        const seen = await step.observe(c, intent);
        if (seen.is === 'done') result = seen.result;
        else if (seen.is === 'unknown') await waitOrPark(seen.why, attempt);
        else mayHaveActed = false;
        if (seen.is !== 'not-done') continue;
      }
      result = await step.act(c, intent);
    } catch (error) {
      if (stepAbort.signal.aborted) throw stepAbort.signal.reason;
      if (tooLate.aborted && !execution.abort.signal.aborted) throw late(step);
      if (execution.abort.signal.aborted || !isUnknown(error)) throw error;
      const details = (error as UnreachableError).details;
      const nothingHappened = details['refused'] === true || details['sent'] === false;
      if (!nothingHappened) mayHaveActed = true;
      // Refused connections: nothing was done, so giving up is safe; a JobManager that restarts gets 30 s.
      if (nothingHappened && !mayHaveActed && (await dbNow(database.db)).getTime() > Math.min(deadline, startedAt.getTime() + 30_000))
        throw error;
      await waitOrPark((error as Error).message, attempt).catch((reason) => {
        throw reason instanceof ParkError && (!canHaveEffects(step) || (nothingHappened && !mayHaveActed)) ? error : reason;
      });
    }
  }
  delete execution.onCancel;
  const final = result;
  return guarded(database, execution.op, async (tx) => {
    const more = await step.record?.(tx, c, intent, final);
    const whole = { ...final, ...more };
    await writeStep(tx, execution.op, at, { state: 'done', result: whole, note: notes.get(step.name) ?? null });
    return whole;
  });

  function outOfTime(why: string): ParkError {
    return new ParkError(
      `"${step.title}" could not be finished in ${formatDuration(step.deadlineMs)}, and whether it was done is not known: ${why}`,
    );
  }
  async function waitOrPark(why: string, attempt: number): Promise<void> {
    if ((await dbNow(database.db)).getTime() > deadline) throw outOfTime(why);
    c.note(`cannot tell yet: ${why}`);
    await sleep(Math.min(5000, 500 * 2 ** Math.min(attempt, 4)), signal).catch((reason) => {
      if (tooLate.aborted && !stepAbort.signal.aborted && !execution.abort.signal.aborted) throw outOfTime(why);
      throw reason;
    });
  }
}
