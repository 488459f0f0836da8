import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eq } from '../../src/db/query.ts';
import { operations } from '../../src/db/schema/index.ts';
import { createWorld, emma, lena, omar, vic, type World } from '../helpers/command-world.ts';

const setState = (w: World, id: string, state: 'parked' | 'running' | 'succeeded') =>
  w.database.db.update(operations).set({ state }).where(eq(operations.id, id));

test('with nothing in progress it says what stops the job', async (t) => {
  const w = await createWorld(t);
  const reply = await w.refused(emma, 'cancel etl-orders', /^Nothing is in progress on etl-orders\. To stop the job with a savepoint:/);
  assert.equal(reply.button('Stop'), 'stop etl-orders');
  await w.refused(emma, 'cancel etl-orders --operation op_zzzzzzzzzzzz', /^The operation op_zzzzzzzzzzzz is not in progress on etl-orders/);
  await w.refused(vic, 'cancel etl-orders', /You may not use cancel/);
});

test('what is under way is asked to stop; the engine ends it', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  const { id } = await w.theOperation();
  await setState(w, id, 'running');
  assert.match((await w.once(emma, 'cancel etl-orders')).text, /^Canceling a start of etl-orders\nIts message says how it ended/);
  const op = await w.theOperation();
  assert.deepEqual([op.state, op.cancelRequestedBy?.userId], ['running', emma.userId]);
  assert.ok(op.cancelRequestedAt);
  assert.match((await w.say(omar, 'cancel etl-orders')).text, /^The start of etl-orders is being canceled already/);
});

test('engineers, on-call and leads cancel what anybody asked for; viewers nothing', async (t) => {
  const w = await createWorld(t);
  await w.say(lena, 'start etl-orders');
  await w.refused(vic, 'cancel etl-orders', /^You may not use cancel/);
  await w.fiveAtOnce(omar, 'cancel etl-orders');
  assert.equal((await w.theOperation()).cancelRequestedBy?.userId, omar.userId);
  assert.equal((await w.audited('operation.cancel-requested')).length, 1);
});

test('a plan that waits for a lead, and a parked operation, end at once', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'restore etl-orders --from s3://lake/sp-1 --reason x');
  const { id } = await w.theOperation();
  assert.match((await w.once(emma, 'cancel etl-orders')).text, /^Canceled: restore of etl-orders/);
  assert.equal((await w.approval(id))?.state, 'withdrawn');
  const { text, actions } = await w.posted(`operation:${id}`);
  assert.match(text, /^Canceled: restore of etl-orders\nCanceled by @Emma/);
  assert.deepEqual(actions, []);
  await w.say(emma, 'start etl-orders');
  const start = (await w.operations()).at(-1)!;
  await setState(w, start.id, 'parked');
  await w.say(omar, 'cancel etl-orders');
  assert.equal((await w.operations()).at(-1)?.state, 'canceled');
  await w.say(emma, 'start etl-orders');
});

test('taken back and approved at the same moment: either, never half', async (t) => {
  for (const first of ['approve', 'cancel']) {
    const w = await createWorld(t);
    await w.say(emma, 'restore etl-orders --from s3://lake/sp-1 --reason x');
    const { id } = await w.theOperation();
    const both = [() => w.say(lena, `approve ${id}`), () => w.say(emma, 'cancel etl-orders')];
    await w.together(...(first === 'approve' ? both : both.reverse()));
    const [op, approval] = [await w.theOperation(), await w.approval(id)];
    if (first === 'cancel') assert.deepEqual([approval?.state, op.state], ['withdrawn', 'canceled']);
    else assert.deepEqual([approval?.state, op.state, op.cancelRequestedAt !== null], ['approved', 'queued', true]);
  }
});

test('with several in progress it asks which', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  await w.moveClock(1000);
  await w.say(emma, 'build etl-orders');
  const [start, build] = await w.operations();
  const reply = await w.refused(emma, 'cancel etl-orders', /^2 operations are in progress on etl-orders: cancel which one\?/);
  assert.equal(reply.button('Cancel a build'), `cancel etl-orders --operation ${build?.id}`);
  await w.say(emma, reply.button('Cancel a start'));
  const [after, untouched] = await w.operations();
  assert.equal(after?.id, start?.id);
  assert.ok(after?.cancelRequestedAt);
  assert.equal(untouched?.cancelRequestedAt, null);
});
