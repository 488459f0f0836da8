import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eq } from '../../src/db/query.ts';
import { operations } from '../../src/db/schema/index.ts';
import { createWorld, emma, lena, nina, omar, vic } from '../helpers/command-world.ts';

test('retry sends a parked operation on, once', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.say(emma, 'stop etl-orders');
  const { id } = await w.theOperation();
  await w.refused(emma, `retry ${id}`, /is not parked: it is queued/);
  await w.database.db.update(operations).set({ state: 'parked', owner: 'gone' }).where(eq(operations.id, id));
  await w.refused(lena, 'savepoint etl-orders', /parked for a person\.\nLook at its message, then \/flink retry/);
  await w.refused(vic, `retry ${id}`, /You may not use retry/);
  await w.refused(nina, `retry ${id}`, /You may not use retry on etl-orders/);
  await w.fiveAtOnce(omar, `retry ${id}`);
  const op = await w.theOperation();
  assert.deepEqual([op.state, op.owner, op.holds], ['queued', null, true]);
  assert.match((await w.posted(`operation:${id}`)).text, /^Stopping etl-orders: queued/);
  assert.equal((await w.audited('operation.retried')).length, 1);
});

test('delivered again it has no second effect', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  const { id } = await w.theOperation();
  await w.database.db.update(operations).set({ state: 'parked' }).where(eq(operations.id, id));
  assert.match((await w.once(emma, `retry ${id}`)).text, new RegExp(`^${id} goes on`));
  await w.refused(emma, 'retry op_zzzzzzzzzzzz', /^There is no operation op_zzzzzzzzzzzz\.\nIts id stands at the bottom/);
});
