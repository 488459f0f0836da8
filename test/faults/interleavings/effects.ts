import type { Program } from './clock.ts';
import { type Effect, look, settle } from './effect.ts';
import { NoAnswer, NothingSent, Refused } from './failures.ts';
import { type Execution, fence, query } from './replica.ts';
import { call, sleep } from './run-step.ts';
import { cancelRun, runs, savepoint, stopEnded } from './stop-effects.ts';
import type { Facts } from './store.ts';

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
/** steps/place.ts `place`: no other run of this job may be alive. */
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

/** steps/undo-start.ts `undoStart` */
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
    for (let round = 0; ; round++) {
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
