import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, minute, otto, vic } from '../helpers/command-world.ts';

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
