import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eq } from '../../src/db/query.ts';
import { operationSteps, operations } from '../../src/db/schema/index.ts';
import { createWorld, emma, lena, omar, vic, type World } from '../helpers/command-world.ts';

const setState = (w: World, id: string, state: 'parked' | 'running' | 'succeeded' | 'failed') =>
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
  assert.match(
    (await w.once(emma, 'cancel etl-orders')).text,
    /^Canceling a start of etl-orders\nIt has not begun, so nothing is done\.\nIts message says how it ended/,
  );
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

/** What the engine has written of an operation's steps: all done but the last, which runs. */
const inStep = async (w: World, id: string, ...names: string[]) => {
  await setState(w, id, 'running');
  for (const [seq, name] of names.entries())
    await w.database.db.insert(operationSteps).values({
      operationId: id,
      name,
      seq,
      title: name,
      state: seq === names.length - 1 ? 'running' : 'done',
      result: name === 'target' ? { flinkJobId: 'f1' } : {},
      startedAt: new Date(),
    });
};

test('what is past cancelling is said, with what happens instead', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.say(emma, 'savepoint etl-orders');
  const { id } = await w.theOperation();
  await inStep(w, id, 'target', 'savepoint');
  const reply = await w.say(emma, 'cancel etl-orders');
  assert.match(
    reply.text,
    /^The savepoint of etl-orders cannot be canceled any more\nThe savepoint is being written; that is finished, and with it the whole operation, so it is past cancelling\. etl-orders keeps running\./,
  );
  assert.equal(reply.message.tone, 'warn');
});

test('a restart that is being stopped is finished so far, then left down, and the reply says so', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.say(emma, 'restart etl-orders');
  const { id } = await w.theOperation();
  await inStep(w, id, 'target', 'stop-savepoint');
  assert.match(
    (await w.say(emma, 'cancel etl-orders')).text,
    /^Canceling a restart of etl-orders\nThe job is being stopped with a savepoint; that is finished, then nothing more is begun\. etl-orders then stays down, with its state kept, until somebody starts it: \/flink start etl-orders/,
  );
  assert.ok((await w.theOperation()).cancelRequestedAt);
});

test('what ended is not in progress any more: how it ended is told', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  const { id } = await w.theOperation();
  await w.database.db
    .update(operations)
    .set({ state: 'succeeded', finishedAt: new Date(), outcome: { tone: 'good', title: 'etl-orders started: v2', parts: [], actions: [] } })
    .where(eq(operations.id, id));
  const reply = await w.refused(
    emma,
    `cancel etl-orders --operation ${id}`,
    /^The start of etl-orders has ended already, .*: done\.\netl-orders started: v2\nThere is nothing left to cancel/,
  );
  assert.equal(reply.button('How it ended'), `operation ${id}`);
});
