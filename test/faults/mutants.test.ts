import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { sleep } from '../../src/core/time.ts';
import { findOperation, listSteps } from '../../src/operations/operations.store.ts';
import { mutants, type PlantedMutant } from './mutants.ts';
import { mutantProcess } from './mutate.ts';
import { ask, lostRole, scenes } from './scenes.ts';
import { operationEnds, settles, violationsOf } from './settle.ts';
import { staleWrites } from './stale-writes.ts';
import { channel, startFaultWorld } from './world.ts';

/** What the harness has to say about a scene that is played with a fault in the engine, or without one. */
async function play(t: TestContext, mutant: Omit<PlantedMutant, 'file' | 'from' | 'to'>, env: Record<string, string>): Promise<string[]> {
  const freezes = mutant.at?.mode === 'freeze';
  const w = await startFaultWorld(t, {
    replicas: freezes ? 2 : 1,
    imports: [pathToFileURL(join(import.meta.dirname, 'mutate.ts')).href],
    env,
  });
  const scene = [...scenes, lostRole].find((one) => one.name === mutant.scene);
  assert.ok(scene, `there is a scene "${mutant.scene}"`);
  const found: string[] = [];
  try {
    const line = await scene.prepare(w, 'job-1');
    if (mutant.at) w.fleet.arm({ [mutant.at.point]: mutant.at.mode });
    w.flink?.set({ savepointDelayMs: mutant.beside ? 1500 : 0 });
    const id = await ask(w, line);
    // Typed once the step that it is about has begun.
    while (mutant.beside && !(await listSteps(w.database.db, id)).some((row) => mutant.at?.point.includes(`/${row.name}/`)))
      await sleep(20);
    const beside = mutant.beside ? w.client.as('omar').says(`/flink ${mutant.beside} job-1`, { channel, timeoutMs: 20_000 }) : undefined;
    const op = await operationEnds(w, id, 25_000);
    await beside;
    if (op.state !== scene.ends) found.push(`${scene.name} ended as ${op.state}`);
    if (mutant.at)
      assert.deepEqual(
        w.fleet.fired.map((one) => one.point),
        [mutant.at.point],
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
      const found = await play(t, mutant, mutantProcess(mutant).env);
      t.diagnostic(found.join(' | ').slice(0, 400));
      assert.ok(found.length > 0, 'nobody noticed');
    });
  // The other way round: without a fault the same scenes are silent.
  for (const scene of new Set(mutants.map((mutant) => `${mutant.scene}|${JSON.stringify(mutant.at ?? null)}|${mutant.beside ?? ''}`))) {
    const [name = '', at = 'null', beside = ''] = scene.split('|');
    test(`and without one ${name} ${at === 'null' ? beside : at} is silent`, async (t) => {
      const point = JSON.parse(at) as PlantedMutant['at'] | null;
      assert.deepEqual(await play(t, { name, scene: name, ...(point ? { at: point } : {}), ...(beside ? { beside } : {}) }, {}), []);
    });
  }
});
