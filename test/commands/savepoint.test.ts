import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, omar, stopped, vic } from '../helpers/command-world.ts';

test('savepoint makes one operation, also for on-call', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  const reply = await w.once(omar, 'sp etl-orders');
  assert.match(reply.text, /^Accepted: taking a savepoint of etl-orders/);
  const op = await w.theOperation();
  assert.deepEqual([op.kind, op.state, op.holds, op.input], ['savepoint', 'queued', true, { right: 'operate' }]);
});

test('five deliveries are one savepoint', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.fiveAtOnce(emma, 'savepoint etl-orders');
  await w.theOperation();
});

test('of what does not run there is no savepoint', async (t) => {
  const w = await createWorld(t);
  await w.refused(vic, 'savepoint etl-orders', /You may not use savepoint/);
  await w.refused(emma, 'savepoint etl-orders', /^etl-orders has never run/);
  await w.run('etl-orders', stopped);
  await w.refused(emma, 'savepoint etl-orders', /^etl-orders does not run: it was stopped 10 min ago\.\nTo start it/);
});
