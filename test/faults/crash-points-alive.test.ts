import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { operationKinds } from '../../src/operations/kinds/index.ts';
import { touches } from '../../src/operations/run-step.ts';
import type { Step } from '../../src/operations/types.ts';
import { playCrashPoints, pointsOf } from './crash-points.ts';
import { faultSettings } from './settings.ts';

const { everyFreeze, frozenForMs } = faultSettings();
const moments = ['before-intent', 'after-intent', 'after-effect', 'after-result'] as const;
const freezeMoments = ['after-intent', 'after-effect'] as const;

/**
 * Where a process that wakes up late could do harm: what it changes may have been changed by its successor. What can be repeated without harm still
 * writes: to the cluster's store, the workspace, or the store of artifacts. To ask git for the commit changes nothing.
 */
const changes = (step: Step) => touches(step) || step.name === 'place' || (/^build-/.test(step.name) && step.name !== 'build-resolve');
/** `stop/stop-cancel/` of every kind; a step that several kinds share once, of the first of them, unless every one is wanted. */
function stepsToFreezeAt(): string[] {
  const seen = new Set<string>();
  return operationKinds.flatMap((kind) =>
    [...kind.steps, ...(kind.undo ?? [])].flatMap((step) => {
      if (!changes(step) || (seen.has(step.name) && !everyFreeze)) return [];
      seen.add(step.name);
      return [`${kind.kind}/${step.name}/`];
    }),
  );
}
const frozenSteps = stepsToFreezeAt();
// Half a minute for each of some 40 steps, and what they need besides.
const timeout = everyFreeze ? 45 * 60_000 : 20 * 60_000;

// Freezes wait most of their time: all go side by side, each in a world of its own.
describe('processes that do not die', { concurrency: true, timeout }, () => {
  test(`a fault of Sluice itself at every step of every kind, at each of ${moments.length} moments`, { timeout }, async (t) => {
    const { fired } = await playCrashPoints(t, { mode: 'throw', points: moments });
    assert.deepEqual(
      pointsOf(moments).filter((point) => !fired.has(point)),
      [],
      'every point was passed and fired',
    );
  });
  for (const moment of freezeMoments)
    test(`SIGSTOP ${moment} of every step that changes something, ${everyFreeze ? 'in every kind' : 'in one kind each'}, until another replica has taken over`, {
      timeout,
    }, async (t) => {
      const only = (point: string) => frozenSteps.some((step) => point.startsWith(step));
      const { fired } = await playCrashPoints(t, { mode: 'freeze', points: [moment], replicas: 2, frozenForMs, only });
      const wanted = pointsOf([moment]).filter(only);
      assert.ok(wanted.length > 0);
      assert.deepEqual(
        wanted.filter((point) => !fired.has(point)),
        [],
        'every point was passed and fired',
      );
    });
});
