import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '../../src/core/time.ts';
import { findOperation, listOperations, listSteps } from '../../src/operations/operations.store.ts';
import { useOwnPostgres } from './own-postgres.ts';
import type { Replica } from './replicas.ts';
import { ask } from './scenes.ts';
import { figureSettings } from './settings.ts';
import { assertNone, operationEnds, settles, violationsOf } from './settle.ts';
import { staleWrites } from './stale-writes.ts';
import { channel, type FaultWorld, startFaultWorld } from './world.ts';

const settings = figureSettings();
const otherHost = new URL('other-host.ts', import.meta.url).href;

/** `p50 16.20 s, p99 18.01 s, slowest 18.40 s of 300` */
function spread(valuesMs: readonly number[]): string {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (share: number) => `${((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1000).toFixed(2)} s`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, slowest ${at(1)} of ${sorted.length}`;
}
async function runningJobs(w: FaultWorld, count: number): Promise<string[]> {
  const jobs = Array.from({ length: count }, (_, n) => `job-${n + 1}`);
  for (const job of jobs) {
    await w.addJob(job);
    assert.equal((await operationEnds(w, await ask(w, `start ${job}`))).state, 'succeeded');
  }
  return jobs;
}
const ownerOf = async (w: FaultWorld, id: string) => (await findOperation(w.database.db, id))?.owner ?? '';
const pidOf = (owner: string) => Number(owner.split(':')[1]);

/**
 * Kills the process that carries slow savepoints on, again and again; how long until somebody else owns each of them.
 * @param gone the process stays away until all is taken over.
 */
async function killAndWait(w: FaultWorld, count: number, gone: boolean): Promise<number[]> {
  const jobs = await runningJobs(w, Math.min(8, count));
  const took: number[] = [];
  while (took.length < count) {
    w.flink?.set({ savepointDelayMs: gone ? 10_000 : 4000 });
    const ids = await Promise.all(jobs.map((job) => ask(w, `savepoint ${job}`)));
    for (const id of ids) while (!(await listSteps(w.database.db, id)).some((row) => row.name === 'savepoint')) await sleep(50);
    const owners = await Promise.all(ids.map((id) => ownerOf(w, id)));
    const victim = w.fleet.replicas.find((replica) => owners.some((owner) => pidOf(owner) === replica.pid())) as Replica;
    const mine = ids.filter((_, n) => pidOf(owners[n] ?? '') === victim.pid());
    w.fleet.revive = !gone;
    const killedAt = performance.now();
    await victim.kill();
    await Promise.all(
      mine.map(async (id) => {
        const before = owners[ids.indexOf(id)];
        while ((await ownerOf(w, id)) === before) await sleep(100);
        took.push(performance.now() - killedAt);
      }),
    );
    if (gone) victim.start();
    w.fleet.revive = true;
    w.flink?.set({ savepointDelayMs: 0 });
    for (const id of ids) assert.equal((await operationEnds(w, id)).state, 'succeeded');
    await w.fleet.ready();
  }
  await settles(w);
  assertNone(await violationsOf(w));
  assert.deepEqual(await staleWrites(w.database), []);
  return took;
}

test('what a host that died held is taken over by another', { timeout: 4 * 3_600_000 }, async (t) => {
  const w = await startFaultWorld(t, { replicas: 2, imports: [otherHost] });
  t.diagnostic(`takeover by another host after SIGKILL: ${spread(await killAndWait(w, settings.kills, true))}`);
});

test('what a process held that died is resumed when it is started again', { timeout: 4 * 3_600_000 }, async (t) => {
  const w = await startFaultWorld(t);
  t.diagnostic(`resume on restart after SIGKILL: ${spread(await killAndWait(w, settings.kills, false))}`);
});

test('operations while PostgreSQL is restarted every 5 to 10 s', { timeout: 4 * 3_600_000 }, async (t) => {
  const postgres = await useOwnPostgres();
  const w = await startFaultWorld(t, { replicas: 2 });
  t.after(() => postgres.stop());
  const jobs = await runningJobs(w, 10);
  let working = true;
  let restarts = 0;
  const restarting = (async () => {
    while (working) {
      await sleep(5000 + Math.random() * 5000);
      if (!working) return;
      await postgres.restart();
      restarts++;
    }
  })();
  const started = performance.now();
  await Promise.all(
    jobs.map(async (job, n) => {
      // A person who gets no answer, or is told that nothing was started, asks again.
      for (let left = Math.ceil(settings.restarts / jobs.length); left > 0; ) {
        const id = await ask(w, `savepoint ${job}`, ['emma', 'erik', 'omar'][n % 3]).catch(() => undefined);
        if (!id) await sleep(300);
        else {
          left--;
          await eventually(async () => ['succeeded', 'failed', 'parked'].includes((await findOperation(w.database.db, id))?.state ?? ''));
        }
      }
    }),
  );
  working = false;
  await restarting;
  await settles(w);
  const all = await listOperations(w.database.db, undefined, 1_000_000);
  assert.deepEqual(
    all.filter((op) => op.state !== 'succeeded').map((op) => [op.id, op.state, op.outcome]),
    [],
  );
  assertNone(await violationsOf(w));
  assert.deepEqual(await staleWrites(w.database), []);
  t.diagnostic(
    `${all.length} operations in ${Math.round((performance.now() - started) / 1000)} s, PostgreSQL restarted ${restarts} times: 0 violations`,
  );
});

test('replicas restarted one after the other during operations', { timeout: 4 * 3_600_000 }, async (t) => {
  const w = await startFaultWorld(t, { replicas: 2 });
  const jobs = await runningJobs(w, 5);
  let working = true;
  let lost = 0;
  let longestMs = 0;
  const asking = jobs.map(async (job) => {
    for (let n = 0; n < Math.max(2, settings.rollings / 2); n++) {
      w.flink?.set({ savepointDelayMs: 300 });
      const id = await ask(w, `savepoint ${job}`).catch(() => undefined);
      if (id) assert.equal((await operationEnds(w, id)).state, 'succeeded');
      else lost++;
      await sleep(200);
    }
  });
  const looking = (async () => {
    for (let lastAck = performance.now(); working; await sleep(50)) {
      const answered = await w.client
        .as('lars')
        .says('/flink whoami', { channel, timeoutMs: 5000 })
        .then(
          () => true,
          () => false,
        );
      longestMs = Math.max(longestMs, performance.now() - lastAck);
      if (answered) lastAck = performance.now();
    }
  })();
  for (let n = 0; n < settings.rollings; n++) {
    await w.fleet.replicas[n % 2]?.kill('SIGTERM');
    await w.fleet.ready();
  }
  await Promise.all(asking);
  working = false;
  await looking;
  await settles(w);
  assert.deepEqual(w.fleet.surprises, []);
  assertNone(await violationsOf(w));
  assert.deepEqual(await staleWrites(w.database), []);
  t.diagnostic(
    `${settings.rollings} rolling restarts: commands not taken ${lost}, longest time without an acknowledgement ${Math.round(longestMs)} ms`,
  );
});

async function eventually(look: () => Promise<boolean>): Promise<void> {
  while (!(await look().catch(() => false))) await sleep(100);
}
