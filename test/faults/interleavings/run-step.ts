import { type Answer, afterAnswer, type Next } from '../../../src/operations/machine.ts';
import type { Step } from '../../../src/operations/types.ts';
import { type Program, waitFor } from './clock.ts';
import type { Request } from './cluster.ts';
import type { Effect } from './effect.ts';
import { countCrash } from './execute.ts';
import { Bug, Canceled, Doubtful, Fenced, NoAnswer, NothingSent, Refused, StoreLoss, TooLate } from './failures.ts';
import { type Execution, fence, guarded, query } from './replica.ts';
import type { Rules } from './rules.ts';
import { type Facts, writeIntent, writeStep } from './store.ts';

export type StepEnd =
  | { is: 'done'; result: Facts }
  | { is: 'failed'; error: unknown; unanswered: boolean }
  | { is: 'turn-back'; unanswered: boolean }
  | { is: 'parked' };

/** Steps of half an hour end in a minute here: their limit is met within a freeze or a restart. */
const longestMs = 60_000;

/** What a step's waits look at first, as a call with an aborted signal fails at once. */
function checkSignals(x: Execution): void {
  if (x.aborted) throw x.aborted;
  if (x.step?.aborted) throw x.step.aborted;
  if (x.step?.tooLate) throw new TooLate();
}
/** A request of a step. */
export function* call<T>(x: Execution, request: Request): Program<T> {
  checkSignals(x);
  const { op } = x.world.store;
  if (request.is === 'submit' || request.is === 'trigger' || request.is === 'cancel')
    x.world.sent.push({
      nothingSent: false,
      request,
      atMs: x.world.clock.nowMs(),
      owner: x.replica.owner,
      rowOwner: op.owner,
      turned: op.turned !== undefined,
    });
  const mine = x.world.sent.at(-1);
  try {
    const answer = yield* x.world.outside.call<T>(x.replica.host, request);
    if (request.is === 'look' || request.is === 'savepoint') {
      const id = 'id' in request ? request.id : request.triggerId;
      x.world.answeredAtMs.set(id, [...(x.world.answeredAtMs.get(id) ?? []), x.world.clock.nowMs()]);
    }
    return answer;
  } catch (error) {
    if (mine?.request === request && error instanceof NothingSent) mine.nothingSent = true;
    throw error;
  }
}
/** A pause of a step, cut off by an abort. */
export function* sleep(x: Execution, ms: number): Program<void> {
  checkSignals(x);
  yield* waitFor({ bySignal: true, begin: (settle) => x.world.clock.afterOn(x.replica.host, ms, () => settle({ value: undefined })) });
}

/** run-step.ts `runStep`: the same order of intent, observation, act and result, with the real afterAnswer in its middle. */
export function* runStep(x: Execution, step: Step, effect: Effect, earlierIntent: Facts | undefined): Program<StepEnd> {
  const { store, clock, rules } = x.world;
  const own = { aborted: undefined as Error | undefined, tooLate: false };
  x.step = own;
  const deadlineMs = Math.min(step.deadlineMs, longestMs);
  clock.afterOn(x.replica.host, deadlineMs, () => {
    if (x.step !== own) return;
    own.tooLate = true;
    x.task?.interrupt(new TooLate());
  });
  const turned = x.op.turned !== undefined;
  if (step.cancel === 'at-once' && !turned) {
    x.onCancel = () => {
      own.aborted = new Canceled();
      x.task?.interrupt(own.aborted);
    };
    if (x.op.cancelRequested) x.onCancel();
  }
  const startedAtMs = yield* query(x, () => clock.nowMs());
  const hasEffects = step.observe !== undefined || step.cancel !== 'at-once';
  let unanswered = earlierIntent !== undefined && hasEffects;
  let intent = earlierIntent;
  try {
    if (!intent) {
      const chosen = effect.prepare?.(x) ?? {};
      yield* guarded(
        x,
        'intent',
        () => {
          writeIntent(store, step.name, chosen);
          effect.recordIntent?.(x, chosen);
        },
        step.name,
      );
      intent = chosen;
      x.intents[step.name] = chosen;
    }
    const chosen = intent;
    const end = yield* tries(chosen, earlierIntent !== undefined);
    if (end.is !== 'done') return end;
    yield* guarded(
      x,
      'result',
      () => {
        effect.record?.(x, chosen, end.result);
        writeStep(store, step.name, 'done', end.result);
      },
      step.name,
    );
    return end;
  } catch (error) {
    if (own.aborted && !x.aborted) return { is: 'turn-back', unanswered };
    if (error instanceof Refused || error instanceof NoAnswer || error instanceof NothingSent) return { is: 'failed', error, unanswered };
    throw error;
  } finally {
    x.onCancel = undefined;
    x.step = undefined;
  }

  function* tries(intent: Facts, begun: boolean): Program<StepEnd> {
    let mayHaveActed = begun;
    let faults = 0;
    let doubts = 0;
    for (let attempt = 0; ; attempt++) {
      let answer: Answer;
      let result: Facts = {};
      let error: unknown;
      try {
        const seen = mayHaveActed && effect.observe && rules.observes ? yield* effect.observe(x, intent) : undefined;
        if (seen?.is === 'done') [answer, result] = ['done', seen.result];
        else if (seen?.is === 'unknown') answer = 'cannot-tell';
        else if (seen) answer = 'seen-not-done';
        else {
          fence(x);
          if (x.world.bugs > 0) {
            x.world.bugs--;
            throw new Bug();
          }
          [answer, result] = ['done', yield* effect.act(x, intent)];
        }
      } catch (thrown) {
        if (x.aborted) throw x.aborted;
        if (own.aborted) return { is: 'turn-back', unanswered };
        if (thrown instanceof Fenced || thrown instanceof StoreLoss) throw thrown;
        [answer, error] = [own.tooLate ? 'no-answer' : answerOf(thrown, rules), thrown];
        if (answer === 'doubtful') doubts++;
        if (answer === 'fault') faults = yield* guarded(x, 'crash', () => countCrash(x));
      }
      const nowMs = yield* query(x, () => clock.nowMs());
      const mustJoin = rules.finishesUnanswered && unanswered && step.cancel === 'finish-first';
      const after = afterAnswer(
        {
          mayHaveActed,
          hasEffects,
          cancelRequested: x.op.cancelRequested && !turned && !mustJoin,
          late: own.tooLate || nowMs > startedAtMs + deadlineMs,
          refusedForLong: nowMs > startedAtMs + 30_000,
          faults,
          doubts,
        },
        answer,
      );
      mayHaveActed = after.mayHaveActed;
      if (hasEffects && (answer === 'no-answer' || answer === 'doubtful' || answer === 'fault')) unanswered = true;
      const end = ending(after.next, result, error);
      if (end) return end;
      if (after.next.is === 'wait') yield* pause(attempt);
    }
  }
  function ending(next: Next, result: Facts, error: unknown): StepEnd | undefined {
    if (next.is === 'record') return { is: 'done', result };
    if (next.is === 'fail') return { is: 'failed', error, unanswered };
    if (next.is === 'turn-back') return { is: 'turn-back', unanswered };
    if (next.is === 'park') return { is: 'parked' };
    return undefined;
  }
  function* pause(attempt: number): Program<void> {
    try {
      yield* sleep(x, Math.min(5000, 500 * 2 ** Math.min(attempt, 4)));
    } catch (reason) {
      if (own.tooLate && !own.aborted && !x.aborted) return;
      throw x.aborted ?? reason;
    }
  }
}

function answerOf(error: unknown, rules: Rules): Answer {
  if (error instanceof NothingSent) return 'nothing-sent';
  if (error instanceof Doubtful) return rules.doubtIs;
  if (error instanceof NoAnswer || error instanceof TooLate) return 'no-answer';
  return error instanceof Refused ? 'refused' : 'fault';
}
