import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playRandom } from './random.ts';
import { faultSettings } from './settings.ts';

const { seed, rounds, minutes } = faultSettings();

test('people at work while everything breaks, on the stand-in of Flink', { timeout: (minutes + 10) * 60_000 }, async (t) => {
  const result = await playRandom(t, { seed, rounds, forMs: minutes * 60_000 });
  t.diagnostic(`seed ${seed}: ${result.rounds} rounds, ${result.operations} operations, 0 violations`);
  t.diagnostic(`faults: ${JSON.stringify(result.fired)}`);
  assert.ok(result.rounds > 0 && result.operations > 0);
});
