import type { Program } from './clock.ts';
import type { Request, Savepoint, Sight } from './cluster.ts';
import { NoAnswer, NothingSent, Refused } from './failures.ts';
import { type Execution, fence, guarded, query } from './replica.ts';
import { call, sleep } from './run-step.ts';
import type { Facts } from './store.ts';

export type Observation = { is: 'done'; result: Facts } | { is: 'not-done' } | { is: 'unknown' };
/** What a step does to the world: the part of a `Step` that is not its shape. */
export interface Effect {
  when?(x: Execution): boolean;
  prepare?(x: Execution): Facts;
  recordIntent?(x: Execution, intent: Facts): void;
  observe?(x: Execution, intent: Facts): Program<Observation>;
  act(x: Execution, intent: Facts): Program<Facts>;
  record?(x: Execution, intent: Facts, result: Facts): void;
}

type Seen = Sight | { is: 'unknown' };
/** Deployer.look: no answer proves nothing. */
function* look(x: Execution, id: string): Program<Seen> {
  const seen = yield* read<Sight>(x, { is: 'look', id });
  if (seen) return seen;
  return x.world.rules.unknownIs === 'gone' ? { is: 'gone', ended: false, allRunning: false } : { is: 'unknown' };
}
/** A question whose silence is no answer: undefined. */
function* read<T>(x: Execution, request: Request): Program<T | undefined> {
  try {
    return yield* call<T>(x, request);
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof NothingSent) return undefined;
    throw error;
  }
}
const targetOf = (x: Execution) => x.results['target']?.['runId'] as string;
/** settle-run.ts: records an end that is proven. */
function* settle(x: Execution, runId: string, sight: Seen): Program<boolean> {
  if (sight.is === 'unknown' || (sight.is === 'seen' && !sight.ended)) return false;
  yield* query(x, () => {
    const run = x.world.store.runs.get(runId);
    if (run) run.ended = true;
  });
  return true;
}

function target(required: boolean): Effect {
  return {
    *act(x) {
      const run = yield* query(x, () => ({ ...x.world.store.runs.get('old') }) as { id?: string; ended?: boolean });
      const none = (): Facts => {
        if (required) throw new Refused('does not run');
        return {};
      };
      if (!run.id || run.ended) return none();
      const sight = yield* look(x, run.id);
      if (sight.is === 'unknown') throw new Refused('cannot be told');
      return (yield* settle(x, run.id, sight)) ? none() : { runId: run.id };
    },
  };
}
/** Reads, and may be repeated. */
const reads: Effect = {
  *act(x) {
    yield* call(x, { is: 'list' });
    return {};
  },
};
/** steps/start.ts `place`: no other run of this job may be alive. */
const place: Effect = {
  *act(x) {
    const live = yield* call<string[]>(x, { is: 'list' });
    const known = yield* query(x, () => [...x.world.store.runs.keys()]);
    if (live.some((id) => known.includes(id))) throw new Refused('runs already');
    return {};
  },
};
const submit: Effect = {
  prepare: (x) => ({ id: x.world.newId('job') }),
  recordIntent(x, intent) {
    const id = intent['id'] as string;
    x.world.store.runs.set(id, { id, ended: false });
  },
  *observe(x, intent) {
    const sight = yield* look(x, intent['id'] as string);
    if (sight.is === 'unknown') return { is: 'unknown' };
    return sight.is === 'seen' ? { is: 'done', result: { ...intent } } : { is: 'not-done' };
  },
  *act(x, intent) {
    fence(x);
    yield* call(x, { is: 'submit', id: intent['id'] as string });
    return { ...intent };
  },
};
const submitted = (x: Execution) => x.results['submit']?.['id'] as string;
const running: Effect = {
  *observe(x) {
    const sight = yield* look(x, submitted(x));
    return sight.is === 'unknown' ? { is: 'unknown' } : { is: 'not-done' };
  },
  *act(x) {
    const startedAtMs = x.world.clock.nowMs();
    for (let round = 0; ; round++) {
      const sight = yield* look(x, submitted(x));
      if (sight.is === 'unknown') throw new NoAnswer('look');
      if (sight.is === 'gone') throw new Refused('gone');
      if (sight.ended) throw new Refused('ended while starting');
      if (sight.allRunning) return {};
      if (x.world.clock.nowMs() - startedAtMs > 40_000) throw new Refused('tasks do not run');
      yield* sleep(x, Math.min(250, 20 * 1.4 ** round));
    }
  },
  record(x) {
    const run = x.world.store.runs.get(submitted(x));
    if (run) run.ended = false;
  },
};
const prove: Effect = {
  when: (x) => x.world.input['from'] !== undefined,
  *act(x) {
    yield* call(x, { is: 'look', id: submitted(x) });
    return {};
  },
};

/** steps/start.ts `undoStart` */
const undoStart: Effect = {
  when: (x) => x.intents['submit'] !== undefined && !(x.results['running'] && x.op.turned?.into === 'failed'),
  *act(x) {
    if (x.results['running']) return { said: 'runs' };
    const id = x.intents['submit']?.['id'] as string;
    const run = yield* query(x, () => ({ ...x.world.store.runs.get(id) }) as { ended?: boolean });
    if (run.ended) return {};
    const mayComeLate = !x.results['submit'] && x.op.turned?.unanswered !== false;
    let asked = false;
    let unseenSinceMs: number | undefined;
    for (let round = 0; round < 60; round++) {
      const sight = yield* look(x, id);
      if (sight.is === 'gone') {
        unseenSinceMs ??= x.world.clock.nowMs();
        if (!mayComeLate || x.world.clock.nowMs() - unseenSinceMs > x.world.rules.lateSubmitMs) {
          yield* settle(x, id, sight);
          return {};
        }
      } else unseenSinceMs = undefined;
      if (yield* sight.is === 'seen' ? settle(x, id, sight) : settle(x, id, { is: 'unknown' })) return {};
      if (sight.is === 'seen' && !asked) {
        fence(x);
        asked = yield* cancelTaken(x, id);
      }
      yield* sleep(x, Math.min(1000, 50 * 1.4 ** round));
    }
    return { said: 'could not be proven to have ended' };
  },
};
function* cancelTaken(x: Execution, jobId: string): Program<boolean> {
  try {
    yield* call(x, { is: 'cancel', jobId });
    return true;
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof NothingSent || error instanceof Refused) return false;
    throw error;
  }
}

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
function savepoint(stops: boolean, when?: Effect['when']): Effect {
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
function cancelRun(when: Effect['when']): Effect {
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
const runs = (x: Execution) => targetOf(x) !== undefined;
const stopEnded: Effect = {
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
/** Steps of a build change nothing on a cluster. */
const works: Effect = {
  *act(x) {
    yield* sleep(x, 200);
    return {};
  },
};
const fromItsOwn = (x: Execution) => runs(x) && x.world.input['from'] === 'own';
const noSavepoint = (x: Execution) => x.world.input['noSavepoint'] === true;

const effects: Readonly<Record<string, Effect>> = {
  'build-resolve': works,
  'build-clone': works,
  'build-compile': works,
  'build-publish': works,
  'build-bind': works,
  preflight: reads,
  plan: reads,
  target: { act: (x, intent) => target(x.world.kind.kind === 'stop' || x.world.kind.kind === 'savepoint').act(x, intent) },
  place,
  submit,
  running,
  prove,
  savepoint: savepoint(false),
  'restore-savepoint': savepoint(false, fromItsOwn),
  'restore-check': { ...reads, when: fromItsOwn },
  'restore-cancel': cancelRun(fromItsOwn),
  'stop-savepoint': savepoint(true, (x) => runs(x) && !noSavepoint(x) && !fromItsOwn(x)),
  'stop-cancel': cancelRun((x) => runs(x) && noSavepoint(x)),
  'stop-ended': stopEnded,
  'undo-start': undoStart,
  'undo-build': { ...works, when: (x) => x.intents['build-resolve'] !== undefined && !x.results['build-bind'] },
};
/** @throws Error for a step that the simulation does not know yet: a new step needs its effect here. */
export function effectOf(name: string): Effect {
  const effect = effects[name];
  if (!effect) throw new Error(`The simulation has no effect for the step "${name}": add it to effects.ts.`);
  return effect;
}
/** message.ts `stepApplies` */
export function appliesTo(x: Execution, name: string): boolean {
  const { input } = x.world;
  if (name.startsWith('build-')) return input['build'] === true;
  if (name.startsWith('restore-')) return input['from'] === 'own';
  if (name === 'stop-cancel') return input['noSavepoint'] === true;
  if (name === 'stop-savepoint') return input['noSavepoint'] !== true;
  return true;
}
