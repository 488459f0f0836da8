import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { playRandom } from './random.ts';
import { faultSettings } from './settings.ts';

const { seed, rounds, minutes, worlds } = faultSettings();
const timed = rounds === Number.POSITIVE_INFINITY;
/** A world is left after so many rounds: every check reads all that ever happened in it. */
const roundsPerWorld = 20;
/** Rounds wait most of their time, so worlds of their own go side by side, each from a seed of its own, and share the minutes. */
const each = timed ? 1000 * minutes : Math.min(roundsPerWorld, Math.ceil(rounds / worlds));
const stretches = Array.from({ length: timed ? worlds : Math.ceil(rounds / each) }, (_, n) => ({
  seed: seed + n * each,
  rounds: Math.min(each, rounds - n * each),
}));

describe('people at work while everything breaks, on the stand-in of Flink', {
  concurrency: worlds,
  timeout: (minutes + 10) * 60_000,
}, () => {
  for (const stretch of stretches)
    test(`from seed ${stretch.seed}`, async (t) => {
      const result = await playRandom(t, { ...stretch, forMs: (minutes * 60_000) / (timed ? worlds : 1) }).catch((error: Error) => {
        // At once, not at the end of hours.
        t.diagnostic(error.message);
        throw error;
      });
      t.diagnostic(
        `seeds ${stretch.seed} to ${stretch.seed + result.rounds - 1}: ${result.rounds} rounds, ${result.operations} operations, 0 violations`,
      );
      t.diagnostic(`faults: ${JSON.stringify(result.fired)}`);
      assert.ok(result.rounds > 0 && result.operations > 0);
    });
});
