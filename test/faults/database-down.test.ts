import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { sleep } from '../../src/core/time.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../src/db/embedded.ts';
import { listOperations, listSteps } from '../../src/operations/operations.store.ts';
import { makeTemplate } from '../helpers/test-server.ts';
import { ask } from './scenes.ts';
import { assertNone, operationEnds, settles, violationsOf } from './settle.ts';
import { channel, type FaultWorld, startFaultWorld } from './world.ts';

/** Slack gives a command three seconds. */
const slackWaitsMs = 3000;
const downMs = 10_000;
/** Aimed at are 3 s; asserted is that it happens, on a machine that may be busy. */
const generousMs = 30_000;

// A PostgreSQL that can be stopped and started: the worlds of this file use it, and it goes after them.
let server: EmbeddedPostgres | undefined;
let dataDir: string | undefined;
const open = async (dir: string) => {
  server = await startEmbedded({ dataDir: dir, log: silentLog });
  return server;
};
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-down-pg-'));
  const { connection } = await open(dataDir);
  const template = 'sluice_template_down';
  await makeTemplate(connection.host, template);
  process.env['SLUICE_TEST_PG'] = connection.host;
  process.env['SLUICE_TEST_TEMPLATE'] = template;
});
after(async () => {
  await server?.stop();
  if (dataDir) await rm(dataDir, { recursive: true, force: true });
});
async function says(w: FaultWorld, line: string): Promise<{ text: string; tookMs: number }> {
  const asked = performance.now();
  const { text } = await w.client.as('emma').says(`/flink ${line}`, { channel, timeoutMs: 15_000 });
  return { text, tookMs: performance.now() - asked };
}
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;

/** The database goes for 10 s while a savepoint is taken; what people are told meanwhile and how soon everything works again. */
async function outage(t: TestContext, w: FaultWorld, job: string, how: { name: string; down(): Promise<void>; up(): Promise<void> }) {
  w.flink?.set({ savepointDelayMs: 6000 });
  const id = await ask(w, `savepoint ${job}`);
  while (!(await listSteps(w.database.db, id)).some((row) => row.name === 'savepoint')) await sleep(50);
  const known = (await listOperations(w.database.db, undefined, 1000)).length;
  await how.down();
  const downAt = performance.now();
  let slowest = 0;
  for (const line of [`status ${job}`, `savepoint ${job}`, `stop ${job}`, 'list']) {
    const { text, tookMs } = await says(w, line);
    assert.match(text, /The state store does not answer; nothing was started\./, line);
    assert.ok(tookMs < slackWaitsMs, `${line} was answered after ${Math.round(tookMs)} ms`);
    slowest = Math.max(slowest, tookMs);
  }
  await sleep(Math.max(0, downMs - (performance.now() - downAt)));
  await how.up();
  const backAt = performance.now();
  let refused = 0;
  for (let answered = ''; !answered.includes(job); refused++) {
    assert.ok(performance.now() - backAt < generousMs, `not answered ${seconds(generousMs)} after the database was back: ${answered}`);
    answered = (await says(w, 'list')).text;
  }
  const answeredMs = performance.now() - backAt;
  const op = await operationEnds(w, id);
  const endedMs = performance.now() - backAt;
  assert.equal(op.state, 'succeeded', JSON.stringify(op.outcome));
  await w.client.as('emma').sees((m) => !m.ephemeral && m.text.includes(id) && /Savepoint of/.test(m.text), {
    channel,
    since: 'start',
    timeoutMs: generousMs,
  });
  const toldMs = performance.now() - backAt;
  await settles(w);
  assert.equal((await listOperations(w.database.db, undefined, 1000)).length, known, 'what was told not to be started was not');
  assert.equal(w.flink?.truth.filter((event) => event.is === 'restore-point' && event.kind === 'savepoint').length, 1, 'one savepoint');
  t.diagnostic(
    `${how.name}: refused within ${seconds(slowest)}; after its return a command is answered after ${seconds(answeredMs)} (${refused - 1} refused), ` +
      `the operation ended after ${seconds(endedMs)}, its last word stood in Slack after ${seconds(toldMs)}`,
  );
}

test('PostgreSQL stopped for 10 s during an operation: nothing else is started, and all goes on by itself', {
  timeout: 180_000,
}, async (t) => {
  const w = await startFaultWorld(t);
  await w.addJob('orders');
  assert.equal((await operationEnds(w, await ask(w, 'start orders'))).state, 'succeeded');
  await outage(t, w, 'orders', {
    name: 'stopped',
    down: async () => server?.stop(),
    async up() {
      await open(dataDir as string);
    },
  });
  assertNone(await violationsOf(w, { ambiguousPosts: 20 }));
});

test('PostgreSQL gone without a word for 10 s, and back with every connection lost: the same', { timeout: 180_000 }, async (t) => {
  const w = await startFaultWorld(t);
  await w.addJob('orders');
  assert.equal((await operationEnds(w, await ask(w, 'start orders'))).state, 'succeeded');
  const { postgres } = w.proxies;
  await outage(t, w, 'orders', {
    name: 'vanished',
    down: () => postgres.set({ is: 'blackhole' }),
    async up() {
      await postgres.set();
      postgres.cut();
    },
  });
  assertNone(await violationsOf(w, { ambiguousPosts: 20 }));
});
