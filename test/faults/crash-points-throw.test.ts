import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playCrashPoints, pointsOf } from './crash-points.ts';

const moments = ['before-intent', 'after-intent', 'after-effect', 'after-result'] as const;

test(`a fault of Sluice itself at every step of every kind, ${moments.join(', ')}`, { timeout: 1_200_000 }, async (t) => {
  const { fired } = await playCrashPoints(t, { mode: 'throw', points: moments });
  assert.deepEqual(
    pointsOf(moments).filter((point) => !fired.has(point)),
    [],
    'every point was passed and fired',
  );
});
