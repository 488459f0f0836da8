import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playCrashPoints, pointsOf } from './crash-points.ts';
import { faultSettings } from './settings.ts';

const moments = ['after-intent', 'after-effect'] as const;
/** Where a process that wakes up late could do harm: at the edges of what changes the cluster. */
const harmful = /^(start|stop|savepoint|restart|restore)\/(submit|stop-savepoint|stop-cancel|savepoint|restore-cancel|undo-start)\//;
/** The same steps are parts of several kinds; each once. */
const ofOneKindEach = /^(start\/(submit|undo-start)|stop\/|savepoint\/|restore\/restore-cancel)/;

test(`SIGSTOP beside every effect, ${moments.join(' and ')}, until another replica has taken over`, { timeout: 1_200_000 }, async (t) => {
  const only = (point: string) => harmful.test(point) && (faultSettings().everyFreeze || ofOneKindEach.test(point));
  const { fired } = await playCrashPoints(t, {
    mode: 'freeze',
    points: moments,
    replicas: 2,
    frozenForMs: faultSettings().frozenForMs,
    only,
  });
  assert.deepEqual(
    pointsOf(moments).filter((point) => only(point) && !fired.has(point)),
    [],
    'every point was passed and fired',
  );
});
