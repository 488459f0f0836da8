import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openIncident } from '../../src/incidents/open.ts';
import { restorePointsOfRun } from '../../src/restore-points/restore-points.store.ts';
import { ada, createWorld, emma, minute, nina, omar, otto, vic } from '../helpers/command-world.ts';

const checkpoint = (agoMs: number) => ({
  id: 1,
  path: 's3://lake/chk-1',
  size: 1,
  durationMs: 1,
  at: new Date(Date.now() - agoMs).toISOString(),
});

test('digest names what is worth reading among the jobs of this channel', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders', { lastCheckpoint: checkpoint(41 * minute) });
  await w.run('customers', { lastCheckpoint: checkpoint(5000) });
  const { text, message } = await w.say(vic, 'digest');
  assert.match(text, /^1 of 2 healthy; etl-orders: last checkpoint 41 min ago\nCheckpoint digest, as of /);
  assert.equal(message.tone, 'warn');
  assert.match((await w.say(vic, 'digest', { channel: 'C0OTHER' })).text, /^No job runs in this channel/);
});

test('digest of a channel where all is well says that; nobody without a role asks', async (t) => {
  const w = await createWorld(t);
  await w.run('customers', { lastCheckpoint: checkpoint(5000) });
  assert.match((await w.say(vic, 'digest')).text, /^The one job is healthy/);
  await w.refused(otto, 'digest', /You may not use digest/);
});

test('a hand-over with nothing to tell is one line', async (t) => {
  const w = await createWorld(t);
  const { text, message } = await w.say(vic, 'digest handover');
  assert.match(text, /^Hand-over of team data: all is well, and nothing was changed since 24 h ago$/);
  assert.equal(message.parts.length, 0);
});

test('a hand-over tells what is broken, muted, not restorable, what waits, and what people did', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders', { lastCheckpoint: checkpoint(5000) });
  await w.restorePoint('etl-orders', run, { ago: 5 * minute });
  await w.run('customers', {});
  await w.database.transaction((tx) =>
    openIncident(tx, {
      key: 'job:etl-orders:restarting',
      job: 'etl-orders',
      cluster: 'standalone',
      cause: 'restarting',
      title: 'etl-orders is restarting',
      facts: {},
      runId: run,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    }),
  );
  await w.say(emma, 'set etl-orders parallelism=3');
  await w.say(emma, 'set etl-orders parallelism=2');
  await w.say(omar, 'silence customers 2h "Kafka upgrade"');
  await w.say(omar, 'silence tag:ads 2h "not ours"');
  const [point] = await restorePointsOfRun(w.database.db, run);
  await w.say(emma, `restore etl-orders --from ${point!.id} --reason "bad deploy"`);
  const { text, message } = await w.say(vic, 'digest handover data');
  const lines = text.split('\n');
  assert.equal(lines[0], 'Hand-over of team data: 1 broken, 1 not restorable, 1 waits for a person, 1 muted, 2 changes');
  assert.equal(message.tone, 'warn');
  assert.match(text, /Broken now:\n• etl-orders is restarting, since just now, nobody looks after it/);
  assert.match(text, /Could not be restored today:\n• customers: nothing to go back to/);
  assert.match(text, /Waits for a person:\n• etl-orders: a restore waits for a lead, asked for by @Emma, just now/);
  assert.match(text, /Muted:\n• job customers by @Omar until .*: Kafka upgrade/);
  assert.match(text, /Changed since 24 h ago:\n• etl-orders: v3 by Emma: parallelism .* → \d+, .*\n• etl-orders: v4 by Emma: parallelism/);
});

test('a hand-over is of a team that one belongs to; a misspelt one gets the nearest', async (t) => {
  const w = await createWorld(t);
  const missed = await w.say(vic, 'digest handover dat');
  assert.match(missed.text, /^There is no team dat that you belong to. Did you mean data\?/);
  assert.equal(missed.button('data'), 'digest handover data');
  assert.match((await w.say(nina, 'digest handover data')).text, /^There is no team data that you belong to/);
  assert.equal((await w.say(vic, 'digest handovr data')).button('digest handover data'), 'digest handover data');
  assert.match((await w.say(ada, 'digest hand-over data')).text, /^Hand-over of team data/);
});
