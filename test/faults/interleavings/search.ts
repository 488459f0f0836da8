import fc from 'fast-check';
import { violations } from './invariants.ts';
import { type Rules, soundRules } from './rules.ts';
import { type Focus, type Schedule, schedulesOf } from './schedule.ts';
import { simulate } from './simulate.ts';

export interface Search {
  runs: number;
  seed: number;
  /** Faults that were met in all runs together. */
  fired: number;
  ends: Record<string, number>;
  tookMs: number;
  /** The smallest schedule that breaks an invariant, and what it breaks. */
  found: { schedule: Schedule; violations: string[]; afterRuns: number } | undefined;
}

/** Simulates schedules until one breaks an invariant, then makes that one small. */
export function search(runs: number, seed: number, rules: Rules = soundRules, focus: Focus = {}, shrinks = true): Search {
  const started = performance.now();
  let fired = 0;
  const ends: Record<string, number> = {};
  let count = 0;
  const details = fc.check(
    fc.property(schedulesOf(focus), (schedule) => {
      const end = simulate(schedule, rules);
      count++;
      fired += end.fired;
      const { state } = end.world.store.op;
      ends[state] = (ends[state] ?? 0) + 1;
      return violations(end).length === 0;
    }),
    { numRuns: runs, seed, endOnFailure: !shrinks },
  );
  const schedule = details.counterexample?.[0];
  const found = schedule && { schedule, violations: violations(simulate(schedule, rules)), afterRuns: details.numRuns };
  return { runs: found ? details.numRuns : count, seed: details.seed, fired, ends, tookMs: performance.now() - started, found };
}

if (import.meta.main) {
  const [runs = '2000', seed = '1'] = process.argv.slice(2);
  const { found, ...result } = search(Number(runs), Number(seed));
  console.log(JSON.stringify(result));
  if (found) {
    console.log(`${found.violations.join('\n')}\n${JSON.stringify(found.schedule)}`);
    process.exitCode = 3;
  }
}
