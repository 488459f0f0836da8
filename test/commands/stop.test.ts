import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eq } from '../../src/db/query.ts';
import { operations } from '../../src/db/schema/index.ts';
import { createWorld, emma, lena, omar, stopped, vic, type World } from '../helpers/command-world.ts';

async function park(w: World): Promise<string> {
  const op = (await w.operations('etl-orders')).at(-1)!;
  await w.database.db.update(operations).set({ state: 'parked' }).where(eq(operations.id, op.id));
  return op.id;
}

test('on-call stops a job with a savepoint, without anybody', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  const reply = await w.once(omar, 'stop etl-orders');
  assert.match(reply.text, /^Accepted: stopping etl-orders/);
  const op = await w.theOperation();
  assert.deepEqual([op.kind, op.state, op.holds, op.input], ['stop', 'queued', true, { right: 'operate' }]);
});

test('five deliveries are one stop', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.fiveAtOnce(emma, 'stop etl-orders');
  await w.theOperation();
});

test('without a savepoint on production a lead is asked, with what would be lost', async (t) => {
  const w = await createWorld(t);
  const lastCheckpoint = {
    id: 41,
    path: 's3://lake/chk-41',
    size: 1000,
    durationMs: 10,
    at: new Date(Date.now() - 67 * 60_000).toISOString(),
  };
  await w.run('etl-orders', { lastCheckpoint });
  const asked = await w.refused(
    omar,
    'stop etl-orders --no-savepoint',
    /^To stop etl-orders without a savepoint on production, a lead has to approve it/,
  );
  assert.equal(asked.button('Say why…'), 'stop etl-orders --no-savepoint --reason {input}');
  await w.once(omar, 'stop etl-orders --no-savepoint --reason "storage is down"');
  const op = await w.theOperation();
  assert.deepEqual([op.state, op.holds, op.input], ['waiting', false, { right: 'rewind', noSavepoint: true, reason: 'storage is down' }]);
  const plan = await w.posted(`operation:${op.id}`);
  assert.match(plan.text, /etl-orders runs v2 on standalone\. It would be canceled without a savepoint/);
  assert.match(plan.text, /Its last checkpoint \(41, 67 min ago\) is kept; what came in since is read again/);
});

test('without a savepoint and without a checkpoint the plan says that the state would be gone', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.say(emma, 'stop etl-orders --no-savepoint --reason x');
  assert.match((await w.posted(`operation:${(await w.theOperation()).id}`)).text, /It has no checkpoint: its state would be gone for good/);
});

test('without a savepoint on development asks nobody', async (t) => {
  const w = await createWorld(t);
  await w.run('customers');
  await w.say(emma, 'stop customers --no-savepoint');
  assert.equal((await w.theOperation()).state, 'queued');
});

test('break-glass stops at once, and all leads are told', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.say(omar, 'stop etl-orders --no-savepoint --break-glass "it writes garbage"');
  const op = await w.theOperation();
  assert.deepEqual([op.state, op.breakGlass], ['queued', 'it writes garbage']);
  assert.match(
    (await w.posted(`break-glass:${op.id}`)).text,
    /without a second person to stop etl-orders without a savepoint[\s\S]*@Lars @Lena/,
  );
});

test('what does not run is not stopped', async (t) => {
  const w = await createWorld(t);
  await w.refused(emma, 'stop etl-orders', /^etl-orders has never run\.\nTo start it: \/flink start etl-orders/);
  await w.run('etl-orders', stopped);
  await w.refused(emma, 'stop etl-orders', /^etl-orders does not run: it was stopped 10 min ago/);
  await w.refused(vic, 'stop etl-orders', /You may not use stop/);
});

test('what is in progress is not overtaken', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.say(emma, 'savepoint etl-orders');
  await w.refused(lena, 'stop etl-orders', /^etl-orders is busy: Emma asked for a savepoint, and that is in progress/);
});

test('a stop takes over a parked operation, once; a plan that waits for a lead does not', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.say(emma, 'restart etl-orders');
  const parked = await park(w);
  await w.refused(omar, 'stop etl-orders --no-savepoint', /a lead has to approve it/);
  await w.refused(
    omar,
    'stop etl-orders --no-savepoint --reason x',
    /busy: Emma asked for a restart, and that is parked for a person\.\n.*\/flink retry/,
  );
  await w.fiveAtOnce(omar, 'stop etl-orders');
  const rows = await w.operations('etl-orders');
  assert.deepEqual(
    rows.map((op) => [op.kind, op.state]),
    [
      ['restart', 'canceled'],
      ['stop', 'queued'],
    ],
  );
  assert.match((await w.posted(`operation:${parked}`)).text, /^Given up: restart of etl-orders\nGiven up for a stop by @Omar/);
  assert.equal((await w.audited('operation.canceled')).length, 1);
});

test('a stop and a retry of what is parked at the same moment: either, never both', async (t) => {
  for (const first of ['stop', 'retry']) {
    const w = await createWorld(t);
    await w.run('etl-orders');
    await w.say(emma, 'restart etl-orders');
    const id = await park(w);
    const both = [() => w.say(omar, 'stop etl-orders'), () => w.say(lena, `retry ${id}`)];
    const replies = await w.together(...(first === 'stop' ? both : both.reverse()));
    const rows = (await w.operations('etl-orders')).map((op) => [op.kind, op.state]);
    assert.match(replies[1]!.text, /is not parked any more/);
    if (first === 'retry') assert.deepEqual(rows, [['restart', 'queued']]);
    else
      assert.deepEqual(rows, [
        ['restart', 'canceled'],
        ['stop', 'queued'],
      ]);
  }
});
