import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { sleep } from '../../src/core/time.ts';
import { findOperation, listSteps } from '../../src/operations/operations.store.ts';
import { mutants, type Setting } from './mutants.ts';
import { mutantProcess } from './mutate.ts';
import { ask, lostRole, scenes, takenOver } from './scenes.ts';
import { operationEnds, settles, violationsOf } from './settle.ts';
import { staleWrites } from './stale-writes.ts';
import { channel, startFaultWorld } from './world.ts';

/** What the harness has to say about a scene that is played with a fault in the engine, or without one. */
async function play(t: TestContext, setting: Setting, env: Record<string, string>): Promise<string[]> {
  const files = ['mutate.ts', ...(setting.clocksAhead ? ['clock-ahead.ts'] : [])];
  const w = await startFaultWorld(t, {
    replicas: setting.replicas ?? (setting.at?.mode === 'freeze' ? 2 : 1),
    imports: files.map((file) => pathToFileURL(join(import.meta.dirname, file)).href),
    env,
  });
  const scene = [...scenes, lostRole, takenOver].find((one) => one.name === setting.scene);
  assert.ok(scene, `there is a scene "${setting.scene}"`);
  const found: string[] = [];
  try {
    const line = await scene.prepare(w, 'job-1');
    if (setting.at) w.fleet.arm({ [setting.at.point]: setting.at.mode });
    w.flink?.set({ savepointDelayMs: setting.savepointMs ?? (setting.beside ? 1500 : 0) });
    const id = await ask(w, line);
    // Typed once the step that it is about has begun.
    while (setting.beside && !(await listSteps(w.database.db, id)).some((row) => setting.at?.point.includes(`/${row.name}/`)))
      await sleep(20);
    const beside = setting.beside ? w.client.as('omar').says(`/flink ${setting.beside} job-1`, { channel, timeoutMs: 20_000 }) : undefined;
    const op = await operationEnds(w, id, 25_000);
    await beside;
    if (op.state !== scene.ends) found.push(`${scene.name} ended as ${op.state}`);
    if (setting.at)
      assert.deepEqual(
        w.fleet.fired.map((one) => one.point),
        [setting.at.point],
      );
    await settles(w, 40_000);
    assert.ok(await findOperation(w.database.db, id));
  } catch (error) {
    found.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
  // What watch may still mend is waited for only where nothing was planted.
  const waitMs = Object.keys(env).length > 0 ? 3000 : undefined;
  found.push(...(await violationsOf(w, {}, waitMs)).map((v) => `${v.invariant} ${v.what}`), ...(await staleWrites(w.database)));
  return [...found, ...w.fleet.surprises];
}

describe('a fault that is planted in the engine is found by the harness', { timeout: 900_000 }, () => {
  for (const mutant of mutants)
    test(mutant.name, async (t) => {
      const found = await play(t, mutant.shows, mutantProcess(mutant).env);
      t.diagnostic(found.join(' | ').slice(0, 400));
      assert.ok(found.length > 0, 'nobody noticed');
    });
  // The other way round: without a fault the same scenes are silent.
  for (const setting of new Set(mutants.map((mutant) => JSON.stringify(mutant.shows))))
    test(`and without one ${setting} is silent`, async (t) => {
      assert.deepEqual(await play(t, JSON.parse(setting) as Setting, {}), []);
    });
});
