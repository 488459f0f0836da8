import type { Program } from './clock.ts';
import type { Savepoint } from './cluster.ts';
import { type Effect, look, read, settle, targetOf } from './effect.ts';
import { NoAnswer, Refused } from './failures.ts';
import { type Execution, fence, guarded } from './replica.ts';
import { call, sleep } from './run-step.ts';
import type { Facts } from './store.ts';

type TriggerSight = { state: 'running' | 'done' | 'failed' | 'not-known'; path?: string };
const askAgainMs = (round: number) => Math.min(1000, 40 * 1.5 ** round);
/** steps/savepoint.ts `awaitSavepoint` */
function* awaitSavepoint(x: Execution, intent: Facts): Program<Facts> {
  for (let round = 0; ; round++) {
    const sight = yield* read<TriggerSight>(x, { is: 'savepoint', triggerId: intent['triggerId'] as string });
    if (sight?.state === 'done') return { path: sight.path };
    if (sight?.state === 'failed') throw yield* whatIsLeft(x, intent);
    if (!sight || sight.state === 'not-known') throw new NoAnswer('forgotten');
    yield* sleep(x, askAgainMs(round));
  }
}
/** steps/savepoint.ts `madeSince` */
function* madeSince(x: Execution, intent: Facts): Program<{ path: string | undefined; answered: boolean }> {
  const listed = yield* read<Savepoint[]>(x, { is: 'statistics', jobId: targetOf(x) });
  const path = listed?.find((point) => point.atMs >= (intent['askedAtMs'] as number))?.path;
  return { path, answered: listed !== undefined || x.world.rules.silentStatistics === 'none' };
}
/** steps/savepoint.ts `writtenSince` */
function writtenSince(x: Execution, intent: Facts): string | undefined {
  if (!x.world.pathsReadable) return undefined;
  return x.world.cluster.savepoints.find((p) => p.jobId === targetOf(x) && p.atMs >= (intent['askedAtMs'] as number))?.path;
}
/** steps/savepoint.ts `whatIsLeft` */
function* whatIsLeft(x: Execution, intent: Facts): Program<Refused> {
  const made = yield* madeSince(x, intent);
  const keep = (path: string) => guarded(x, 'point', () => x.world.store.points.add(path));
  if (made.path) yield* keep(made.path);
  const sight = yield* look(x, targetOf(x));
  if (sight.is === 'unknown') throw new NoAnswer('look');
  if (sight.is === 'seen' && !sight.ended) return new Refused('savepoint-failed');
  const written = made.path || !x.world.rules.filesAfterFailure ? undefined : writtenSince(x, intent);
  if (written) yield* keep(written);
  else if (!made.answered) throw new NoAnswer('statistics');
  yield* settle(x, targetOf(x), sight);
  return new Refused('ended-while-stopping');
}
export function savepoint(stops: boolean, when?: Effect['when']): Effect {
  return {
    ...(when ? { when } : {}),
    prepare: (x) => ({ triggerId: x.world.newId('trigger'), askedAtMs: x.world.clock.nowMs() }),
    *observe(x, intent) {
      const runId = targetOf(x);
      const sight = yield* read<TriggerSight>(x, { is: 'savepoint', triggerId: intent['triggerId'] as string });
      if (!sight) return { is: 'unknown' };
      if (sight.state === 'done') return { is: 'done', result: { path: sight.path } };
      if (sight.state === 'running') return { is: 'done', result: yield* awaitSavepoint(x, intent) };
      if (sight.state === 'failed') throw yield* whatIsLeft(x, intent);
      const job = yield* look(x, runId);
      if (job.is === 'unknown') return { is: 'unknown' };
      const runs = job.is === 'seen' && !job.ended;
      if (runs && stops) return { is: 'not-done' };
      const made = yield* madeSince(x, intent);
      if (made.path) return { is: 'done', result: { path: made.path } };
      if (runs) return { is: 'not-done' };
      const written = writtenSince(x, intent);
      if (written) return { is: 'done', result: { path: written } };
      if (!made.answered) return { is: 'unknown' };
      yield* settle(x, runId, job);
      throw new Refused('ended-while-stopping');
    },
    *act(x, intent) {
      fence(x);
      yield* call(x, { is: 'trigger', jobId: targetOf(x), triggerId: intent['triggerId'] as string, stops });
      return yield* awaitSavepoint(x, intent);
    },
    record(x, _intent, result) {
      x.world.store.points.add(result['path'] as string);
    },
  };
}
/** steps/stop.ts `stopWithout` */
export function cancelRun(when: Effect['when']): Effect {
  return {
    ...(when ? { when } : {}),
    *act(x) {
      fence(x);
      try {
        yield* call(x, { is: 'cancel', jobId: targetOf(x) });
      } catch (error) {
        if (!(x.world.rules.goneIsCanceled && error instanceof Refused)) throw error;
      }
      return {};
    },
  };
}
export const runs = (x: Execution) => targetOf(x) !== undefined;
export const stopEnded: Effect = {
  when: runs,
  *act(x) {
    for (let round = 0; ; round++) {
      const sight = yield* look(x, targetOf(x));
      if (sight.is === 'unknown') throw new NoAnswer('look');
      if (yield* settle(x, targetOf(x), sight)) return {};
      yield* sleep(x, askAgainMs(round));
    }
  },
};
