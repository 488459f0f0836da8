import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { operationKinds } from '../../src/operations/kinds/index.ts';
import { endPoints, listPoints, stepPoints } from '../../src/operations/points.ts';
import type { FaultMode } from './app.ts';
import { ask, type Scene, scenes } from './scenes.ts';
import { assertNone, operationEnds, settles, violationsOf } from './settle.ts';
import { staleWrites } from './stale-writes.ts';
import { type FaultWorld, startFaultWorld } from './world.ts';

export interface CrashRun {
  mode: FaultMode;
  /** Moments of each step at which it is done; one scene is played once for each. */
  points: readonly (typeof stepPoints)[number][];
  scenes?: readonly Scene[];
  replicas?: number;
  frozenForMs?: number;
  /** Leaves points out: a freeze takes half a minute, and where nothing can happen outside it proves nothing. */
  only?(point: string): boolean;
}

/**
 * Plays every scene once per moment; at each step the operation passes, the process dies (or freezes, or throws) at that moment: as many faults as the
 * operation has steps. In the end all invariants are checked over everything.
 * @returns the points that fired.
 */
export async function playCrashPoints(t: TestContext, run: CrashRun): Promise<{ fired: Set<string>; w: FaultWorld }> {
  const w = await startFaultWorld(t, {
    replicas: run.replicas ?? 1,
    release: '2.3.0',
    ...(run.frozenForMs === undefined ? {} : { frozenForMs: run.frozenForMs }),
  });
  const fired = () => new Set(w.fleet.fired.map((one) => one.point));
  let n = 0;
  const problems: string[] = [];
  for (const scene of run.scenes ?? scenes)
    for (const moment of run.points) {
      // Each point once: what an earlier scene has fired is left alone, and a scene that has nothing left is not played.
      const arm = Object.fromEntries(Object.entries(armFor(scene.kind, moment, run)).filter(([point]) => !fired().has(point)));
      if (Object.keys(arm).length === 0) continue;
      const job = `job-${++n}`;
      const line = await scene.prepare(w, job);
      await settles(w);
      w.fleet.arm(arm);
      const op = await operationEnds(w, await ask(w, line), 600_000);
      await w.fleet.ready();
      w.fleet.arm({});
      if (process.env['FAULTS_TRACE']) console.log(`${scene.name}, ${moment}: ${op.state}, ${w.fleet.fired.length} fired`);
      if (op.state !== scene.ends)
        problems.push(`${scene.name}, ${run.mode} at each ${moment}: ${op.state}, ${JSON.stringify(op.outcome)}`);
    }
  await settles(w);
  assert.deepEqual(problems, []);
  assert.deepEqual(w.fleet.surprises, [], 'no process ended by itself');
  assert.deepEqual(w.flink?.refusedCalls, []);
  assertNone(await violationsOf(w));
  assert.deepEqual(await staleWrites(w.database), []);
  t.diagnostic(`${n} operations, ${w.fleet.fired.length} × ${run.mode} at ${fired().size} points, 0 violations`);
  return { fired: fired(), w };
}
function armFor(kind: string, moment: (typeof stepPoints)[number], run: CrashRun): Record<string, FaultMode> {
  // The moments of the end go with the first and the last of a step.
  const end = moment === stepPoints[0] ? endPoints[0] : moment === stepPoints.at(-1) ? endPoints[1] : undefined;
  const points = listPoints(operationKinds.filter((k) => k.kind === kind)).filter(
    (point) => point.endsWith(`/${moment}`) || (end !== undefined && point.endsWith(`/end/${end}`)),
  );
  return Object.fromEntries(points.filter((point) => run.only?.(point) ?? true).map((point) => [point, run.mode]));
}

/** The points of these moments (and the ends' that go with them), of all kinds: what a whole run has to have fired. */
export function pointsOf(moments: readonly (typeof stepPoints)[number][]): string[] {
  return [
    ...new Set(
      operationKinds.flatMap((kind) =>
        moments.flatMap((moment) => Object.keys(armFor(kind.kind, moment, { mode: 'kill', points: moments }))),
      ),
    ),
  ];
}
