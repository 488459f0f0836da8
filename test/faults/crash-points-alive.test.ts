import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { playCrashPoints, pointsOf } from './crash-points.ts';
import { faultSettings } from './settings.ts';

const moments = ['before-intent', 'after-intent', 'after-effect', 'after-result'] as const;
const freezeMoments = ['after-intent', 'after-effect'] as const;
/** Where a process that wakes up late could do harm: at the edges of what changes the cluster. */
const harmful = /^(start|stop|savepoint|restart|restore)\/(submit|stop-savepoint|stop-cancel|savepoint|restore-cancel|undo-start)\//;
/** The same steps are parts of several kinds; each once. */
const ofOneKindEach = /^(start\/(submit|undo-start)|stop\/|savepoint\/|restore\/restore-cancel)/;

// Freezes wait most of their time: the two go side by side, each in a world of its own.
describe('processes that do not die', { concurrency: true, timeout: 1_200_000 }, () => {
  test(`a fault of Sluice itself at every step of every kind, at each of ${moments.length} moments`, { timeout: 1_200_000 }, async (t) => {
    const { fired } = await playCrashPoints(t, { mode: 'throw', points: moments });
    assert.deepEqual(
      pointsOf(moments).filter((point) => !fired.has(point)),
      [],
      'every point was passed and fired',
    );
  });
  test(`SIGSTOP beside every effect, ${freezeMoments.join(' and ')}, until another replica has taken over`, {
    timeout: 1_200_000,
  }, async (t) => {
    const only = (point: string) => harmful.test(point) && (faultSettings().everyFreeze || ofOneKindEach.test(point));
    const { fired } = await playCrashPoints(t, {
      mode: 'freeze',
      points: freezeMoments,
      replicas: 2,
      frozenForMs: faultSettings().frozenForMs,
      only,
    });
    assert.deepEqual(
      pointsOf(freezeMoments).filter((point) => only(point) && !fired.has(point)),
      [],
      'every point was passed and fired',
    );
  });
});
