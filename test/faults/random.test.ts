import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { playRandom } from './random.ts';
import { faultSettings } from './settings.ts';

const { seed, rounds, minutes } = faultSettings();
/** Rounds wait most of their time, so two worlds of their own go side by side and share the minutes; the second counts on from another seed. */
const worlds = [
  { seed, rounds: Math.ceil(rounds / 2) },
  { seed: seed + Math.ceil(rounds / 2), rounds: Math.floor(rounds / 2) },
].filter((world) => world.rounds > 0);

describe('people at work while everything breaks, on the stand-in of Flink', {
  concurrency: true,
  timeout: (minutes + 10) * 60_000,
}, () => {
  for (const world of worlds)
    test(`from seed ${world.seed}`, async (t) => {
      const result = await playRandom(t, { ...world, forMs: (minutes * 60_000) / worlds.length });
      t.diagnostic(
        `seeds ${world.seed} to ${world.seed + result.rounds - 1}: ${result.rounds} rounds, ${result.operations} operations, 0 violations`,
      );
      t.diagnostic(`faults: ${JSON.stringify(result.fired)}`);
      assert.ok(result.rounds > 0 && result.operations > 0);
    });
});
