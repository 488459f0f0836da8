/**
 * What an operation does next, from what is written down alone: no clock, no database, no cluster in here. The executor asks, then acts; the tests ask
 * the same functions in every order that two replicas, a person and a slow cluster can make.
 */

/** Deaths in one step after which a person has to look. */
export const maxCrashes = 3;
/** Doubtful answers, each followed by a look that shows nothing, after which a no is taken for one. */
export const maxDoubts = 3;

export interface StepShape {
  name: string;
  cancel: 'at-once' | 'finish-first' | 'compensate';
}
export interface RowShape {
  name: string;
  state: 'running' | 'done' | 'skipped' | 'failed';
}
export interface View {
  steps: readonly StepShape[];
  /** What undoes the steps after a failure or a cancel. */
  undo: readonly StepShape[];
  rows: readonly RowShape[];
  cancelRequested: boolean;
  /** It failed or was canceled, which is written down: from here on it only goes back. */
  turned: boolean;
  /** Deaths since the last step that was finished. */
  crashes: number;
}
export type Move =
  /** `begun`: an earlier owner stored the intent, so the world is asked before anything is done. */
  { is: 'step'; name: string; begun: boolean } | { is: 'turn-back' } | { is: 'park' } | { is: 'end' };

/** The next move of an operation. */
export function nextMove(view: View): Move {
  if (view.crashes >= maxCrashes) return { is: 'park' };
  const states = new Map(view.rows.map((row) => [row.name, row.state]));
  const list = view.turned ? view.undo : view.steps;
  // What has no row before one that has was not asked for.
  const last = list.findLastIndex((step) => states.has(step.name));
  let finishing = false;
  for (const [at, step] of list.entries()) {
    const state = states.get(step.name) ?? (at < last ? 'skipped' : undefined);
    if (state === 'done') finishing = step.cancel === 'finish-first';
    if (state !== undefined && state !== 'running') continue;
    const begun = state === 'running';
    if (view.cancelRequested && !view.turned && !mustFinish(step, begun, finishing)) return { is: 'turn-back' };
    return { is: 'step', name: step.name, begun };
  }
  return { is: 'end' };
}
/**
 * What may have had its effect is finished before a cancel counts, so that nothing that was made (a savepoint, a run) is forgotten; and what a
 * finish-first step began (a stop), the finish-first steps right after it (its proof) still finish.
 */
function mustFinish(step: StepShape, begun: boolean, finishing: boolean): boolean {
  return (begun && step.cancel !== 'at-once') || (finishing && step.cancel === 'finish-first');
}

/** What came back from one try of a step. */
export type Answer =
  /** It was done, by this try or (seen) by an earlier one. */
  | 'done'
  | 'seen-not-done'
  | 'cannot-tell'
  /** No answer: it may have been done. */
  | 'no-answer'
  /** The connection was refused, or nobody was there to take it: nothing was begun. */
  | 'nothing-sent'
  /** The other side said no without knowing it: it ran out of time, or hit a fault of its own. It may have been done, or be done yet. */
  | 'doubtful'
  /** The other side said no, or the input was wrong. */
  | 'refused'
  /** A fault of Sluice itself, in the middle of the step. */
  | 'fault';

export interface Trying {
  mayHaveActed: boolean;
  /** False for steps that only read, and may be cut off and repeated at any time. */
  hasEffects: boolean;
  /** A cancel that counts here: not where a try without an answer may yet stop the job, and only the step itself can join it. */
  cancelRequested: boolean;
  /** The step's time is over. */
  late: boolean;
  /** Connections have been refused for longer than a restart of the other side takes. */
  refusedForLong: boolean;
  /** Faults of Sluice in this step so far. */
  faults: number;
  /** Doubtful answers in this step so far. */
  doubts: number;
}
export type Next =
  | { is: 'record' }
  | { is: 'try' }
  /** Try again after a pause: observe first when `mayHaveActed`. */
  | { is: 'wait' }
  | { is: 'fail' }
  | { is: 'turn-back' }
  | { is: 'park' };

/**
 * What follows an answer, and whether the step may have had its effect from now on. "Cannot tell" ends in a person's hands, never in "failed"; a blind
 * repeat is never among the answers: after a try without an answer `mayHaveActed` makes the next try begin with an observation.
 */
export function afterAnswer(t: Trying, answer: Answer): { next: Next; mayHaveActed: boolean } {
  const stays = (next: Next) => ({ next, mayHaveActed: t.mayHaveActed });
  const acted = t.hasEffects;
  switch (answer) {
    case 'done':
      return stays({ is: 'record' });
    case 'seen-not-done':
      if (t.cancelRequested) return { next: { is: 'turn-back' }, mayHaveActed: false };
      return { next: { is: t.doubts >= maxDoubts ? 'fail' : 'try' }, mayHaveActed: false };
    case 'cannot-tell':
      return stays(t.late ? { is: acted ? 'park' : 'fail' } : { is: 'wait' });
    case 'doubtful':
      if (!acted) return stays({ is: 'fail' });
      return { next: { is: t.late ? 'park' : 'wait' }, mayHaveActed: true };
    case 'no-answer':
      return { next: t.late ? { is: acted ? 'park' : 'fail' } : { is: 'wait' }, mayHaveActed: acted };
    case 'nothing-sent':
      if (t.mayHaveActed) return stays({ is: t.late ? 'park' : 'wait' });
      if (t.cancelRequested) return stays({ is: 'turn-back' });
      return stays({ is: t.late || t.refusedForLong ? 'fail' : 'wait' });
    case 'refused':
      return stays({ is: 'fail' });
    case 'fault':
      if (t.faults < maxCrashes) return { next: { is: 'wait' }, mayHaveActed: acted };
      return { next: { is: acted ? 'park' : 'fail' }, mayHaveActed: acted };
  }
}
