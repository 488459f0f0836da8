import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inMs } from '../../src/db/clock.ts';
import { leaseClusters, updateClusterView } from '../../src/deploy/cluster-views.store.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { createWorld, emma, minute, otto, stopped, vic } from '../helpers/command-world.ts';

const checkpoint = (agoMs: number) => ({
  id: 41,
  path: 's3://lake/chk-41',
  size: 24 * 1024,
  durationMs: 840,
  at: new Date(Date.now() - agoMs).toISOString(),
});

test('status of what runs: state as last proven, version, run, uptime, checkpoint, restore points, by whom', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders', { version: 1, lastCheckpoint: checkpoint(8000) });
  await w.restorePoint('etl-orders', run, { ago: 20 * minute });
  await w.restorePoint('etl-orders', run, { ago: 3 * minute, kind: 'checkpoint', checkpointId: 41 });
  const reply = await w.say(vic, 'status etl-orders');
  assert.notEqual(reply.message.visibility, 'channel');
  assert.match(reply.text, /^etl-orders: running on 4\/4 tasks, last proven (just now|\d\.\d s ago)\n/);
  assert.match(reply.text, /Version: v1 runs; v2 is current\nRun: 0+\d* Flink\nUp: 3 h\n/);
  assert.match(reply.text, /Last checkpoint: 41, 24 KB in 840 ms, (8|9)(\.\d)? s ago/);
  assert.match(reply.text, /Restore points: 1 savepoint, 1 checkpoint; newest (3 min|18\d s) ago/);
  assert.match(reply.text, /Started: \d{4}-.* by @Emma\nWhere: standalone, production/);
  assert.equal(reply.button('Savepoint'), 'savepoint etl-orders');
  assert.equal(reply.button('Share in channel'), 'status etl-orders --share');
  const shared = await w.say(vic, 'status etl-orders --share');
  assert.equal(shared.message.visibility, 'channel');
  assert.deepEqual(shared.actions, []);
});

test('what is wrong comes first', async (t) => {
  const w = await createWorld(t);
  const rootException = { name: 'java.lang.OutOfMemoryError', message: 'Java heap space', at: new Date().toISOString(), task: null };
  await w.run('etl-orders', { ...stopped, endReason: 'failed', state: 'FAILED', rootException });
  await w.database.transaction((tx) =>
    openIncident(tx, {
      key: 'job:etl-orders:failed',
      job: 'etl-orders',
      cluster: 'standalone',
      cause: 'failed',
      title: 'etl-orders failed',
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    }),
  );
  const reply = await w.say(vic, 'status etl-orders');
  assert.equal(reply.message.tone, 'bad');
  assert.match(
    reply.text,
    /^etl-orders: failed, 10 min ago\netl-orders failed, since .*\njava\.lang\.OutOfMemoryError: Java heap space\nState: failed/,
  );
  assert.equal(reply.button('Resume'), 'start etl-orders');
  assert.match(reply.text, /Restore points: none/);
});

test('a cluster that does not answer is unknown, not down', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders', { stateAt: inMs(-11 * minute) });
  await leaseClusters(w.database.db, 'test', ['standalone']);
  await updateClusterView(w.database.db, 'standalone', { failures: 5, lastError: 'connect ECONNREFUSED' });
  const { text, message } = await w.say(vic, 'status etl-orders');
  assert.match(text, /^etl-orders: unknown: standalone does not answer; RUNNING last proven 11 min ago/);
  assert.equal(message.tone, 'warn');
});

test('what is in progress is named with who asked for it, and offers nothing that would be refused', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders', stopped);
  await w.say(emma, 'start etl-orders --fresh --break-glass x');
  const reply = await w.say(vic, 'status etl-orders');
  assert.match(reply.text, /start in progress since .*, asked by @Emma/);
  assert.deepEqual(
    reply.actions.map((a) => a.label),
    ['Share in channel'],
  );
});

test('a job that never ran, and checkpointing that is off, say so', async (t) => {
  const w = await createWorld(t);
  const fresh = await w.say(vic, 'status customers');
  assert.match(fresh.text, /^customers: has never run\n[\s\S]*Version: v1 is current[\s\S]*Where: standalone, development/);
  assert.equal(fresh.button('Start'), 'start customers');
  await w.run('customers', { checkpointIntervalMs: 0 });
  assert.match((await w.say(vic, 'status customers')).text, /Last checkpoint: checkpointing is off: a crash loses all state/);
  await w.refused(otto, 'status customers', /You may not use status/);
});
