import type { Program } from './clock.ts';
import type { Request, Sight } from './cluster.ts';
import { NoAnswer, NothingSent } from './failures.ts';
import { type Execution, query } from './replica.ts';
import { call } from './run-step.ts';
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

export type Seen = Sight | { is: 'unknown' };
/** Deployer.look: no answer proves nothing. */
export function* look(x: Execution, id: string): Program<Seen> {
  const seen = yield* read<Sight>(x, { is: 'look', id });
  if (seen) return seen;
  return x.world.rules.unknownIs === 'gone' ? { is: 'gone', ended: false, allRunning: false } : { is: 'unknown' };
}
/** A question whose silence is no answer: undefined. */
export function* read<T>(x: Execution, request: Request): Program<T | undefined> {
  try {
    return yield* call<T>(x, request);
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof NothingSent) return undefined;
    throw error;
  }
}
export const targetOf = (x: Execution) => x.results['target']?.['runId'] as string;
/** settle-run.ts: records an end that is proven. */
export function* settle(x: Execution, runId: string, sight: Seen): Program<boolean> {
  if (sight.is === 'unknown' || (sight.is === 'seen' && !sight.ended)) return false;
  yield* query(x, () => {
    const run = x.world.store.runs.get(runId);
    if (run) run.ended = true;
  });
  return true;
}
