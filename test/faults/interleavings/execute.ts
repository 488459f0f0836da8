import { nextMove, type RowShape } from '../../../src/operations/machine.ts';
import type { Step } from '../../../src/operations/types.ts';
import type { Program } from './clock.ts';
import type { Effect } from './effect.ts';
import { appliesTo, effectOf } from './effects.ts';
import { Fenced, Refused, StoreLoss } from './failures.ts';
import { type Execution, guarded, query } from './replica.ts';
import { runStep } from './run-step.ts';
import { finish, type Turn, writeStep, writeTurn } from './store.ts';

/** execute.ts `execute`: the same order of reads, guarded writes and steps, with the real nextMove in its middle. */
export function* execute(x: Execution): Program<void> {
  try {
    yield* carryOn(x);
  } catch (error) {
    if (x.aborted) throw x.aborted;
    if (error instanceof Fenced || error instanceof StoreLoss) throw error;
    yield* guarded(x, 'crash', () => countCrash(x));
    throw error;
  }
}
export function countCrash(x: Execution): number {
  return x.world.rules.countsCrashes ? ++x.world.store.op.crashes : 0;
}

/** execute.ts `carryOn` */
function* carryOn(x: Execution): Program<void> {
  const { store, kind, rules } = x.world;
  if (x.crashed) yield* guarded(x, 'crash', () => countCrash(x));
  const rows = new Map<string, RowShape>();
  for (const row of yield* query(x, () => [...store.steps.values()].map((r) => ({ ...r })))) {
    rows.set(row.name, { name: row.name, state: row.state });
    if (row.state === 'done') x.results[row.name] = row.result ?? {};
    if (row.intent && rules.keepsIntent) x.intents[row.name] = row.intent;
  }
  if (x.crashed) yield* refresh();
  const undo = kind.undo ?? [];
  const all = [...kind.steps, ...undo];
  for (let looked = true; ; ) {
    if (!looked) yield* refresh();
    looked = true;
    const { op } = x;
    const move = nextMove({
      steps: kind.steps,
      undo,
      rows: [...rows.values()],
      cancelRequested: op.cancelRequested,
      turned: op.turned !== undefined,
      crashes: op.crashes,
    });
    if (move.is === 'end') return yield* commit(op.turned?.into ?? 'succeeded');
    if (move.is === 'park') return yield* commit('parked');
    if (move.is === 'turn-back') {
      yield* turn({ into: 'canceled', step: '', unanswered: false, kind: 'canceled' });
      continue;
    }
    const step = all.find((candidate) => candidate.name === move.name) as Step;
    const effect = effectOf(step.name);
    const asked = op.turned !== undefined || appliesTo(x, step.name);
    if (!move.begun && (!asked || effect.when?.(x) === false)) {
      if (asked && !op.turned) yield* guarded(x, 'skip', () => writeStep(store, step.name, 'skipped'));
      rows.set(step.name, { name: step.name, state: 'skipped' });
      continue;
    }
    looked = false;
    if (!(yield* oneStep(step, effect, move.begun))) return;
  }

  /** False when it is parked. */
  function* oneStep(step: Step, effect: Effect, begun: boolean): Program<boolean> {
    const { op } = x;
    const done = yield* runStep(x, step, effect, begun ? (x.intents[step.name] ?? (rules.keepsIntent ? {} : undefined)) : undefined);
    if (done.is === 'done') {
      x.results[step.name] = done.result;
      rows.set(step.name, { name: step.name, state: 'done' });
      return true;
    }
    if (done.is === 'parked' || (op.turned && done.is === 'failed')) {
      yield* commit('parked');
      return false;
    }
    yield* turn({
      into: done.is === 'failed' ? 'failed' : 'canceled',
      step: step.name,
      unanswered: done.unanswered,
      kind: done.is === 'failed' && done.error instanceof Refused ? done.error.kind : done.is,
    });
    return true;
  }
  /** execute.ts `refresh` */
  function* refresh(): Program<void> {
    const fresh = yield* query(x, () => ({ ...store.op }));
    if (rules.refreshChecksEpoch && fresh.epoch !== x.op.epoch) throw new Fenced();
    x.op = fresh;
  }
  /** execute.ts `turn` */
  function* turn(how: Turn): Program<void> {
    if (rules.writesTurn) {
      yield* guarded(x, 'turn', () => writeTurn(store, how));
      yield* refresh();
    } else x.op = { ...x.op, turned: how };
  }
  /** ending.ts `commit` */
  function* commit(state: 'succeeded' | 'failed' | 'canceled' | 'parked'): Program<void> {
    yield* guarded(x, 'finish', () => finish(store, state));
  }
}
