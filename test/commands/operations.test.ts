import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inMs } from '../../src/db/clock.ts';
import { eq } from '../../src/db/query.ts';
import { operations, outboxMessages } from '../../src/db/schema/index.ts';
import { findOperation, finish, writeIntent } from '../../src/operations/operations.store.ts';
import { createWorld, emma, lena, nina, omar, vic, type World } from '../helpers/command-world.ts';

/** As the engine leaves it while a step runs: an owner with a lease, the step's row, its note in the message. */
async function underWay(w: World, id: string, lease: number): Promise<void> {
  await w.database.db
    .update(operations)
    .set({ state: 'running', owner: 'sluice-1:4711:99', leaseUntil: inMs(lease), startedAt: inMs(-30_000), epoch: 1 })
    .where(eq(operations.id, id));
  const op = (await findOperation(w.database.db, id))!;
  await w.database.transaction((tx) => writeIntent(tx, op, { name: 'running', seq: 3, title: 'See every task run' }, {}));
  const steps = [{ title: 'See every task run', state: 'running' as const, note: '2/4 tasks' }];
  await w.database.db
    .update(outboxMessages)
    .set({ desired: { tone: 'busy', title: 'Starting', parts: [{ kind: 'progress', steps }] } })
    .where(eq(outboxMessages.id, op.messageId));
}
async function end(w: World, id: string, title: string): Promise<void> {
  const op = (await findOperation(w.database.db, id))!;
  await w.database.transaction((tx) => finish(tx, op, 'succeeded', { tone: 'good', title, parts: [], actions: [] }));
}

test('what is in progress: who asked, what it holds, its step with the note, which replica has it', async (t) => {
  const w = await createWorld(t);
  await w.refused(emma, 'operations', /^Nothing was done yet/);
  await w.say(emma, 'start etl-orders');
  const { id } = await w.theOperation();
  await underWay(w, id, 10_000);
  const reply = await w.refused(
    vic,
    'operations',
    /^1 operation in progress\nstart of etl-orders since .*, asked by @Emma; it holds etl-orders\n/,
  );
  assert.match(reply.text, /\nSee every task run, for .*: 2\/4 tasks\n/);
  assert.match(reply.text, new RegExp(`replica sluice-1, process 4711: its lease is live · ${id}`));
  assert.equal(reply.button('Steps'), `operation ${id}`);
  assert.ok(!reply.actions.some((a) => a.label === 'Cancel'), 'a viewer is not offered what would be refused');
  assert.equal((await w.say(omar, 'operations etl-orders')).button('Cancel'), `cancel etl-orders --operation ${id}`);
  await underWay(w, id, -20_000);
  assert.match((await w.say(vic, 'ops')).text, /its lease ended 2\d(\.\d)? s ago, so another one takes over/);
});

test('what waits comes after it, with what this person can do about it', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'restore etl-orders --from s3://lake/sp-1 --reason x');
  const [plan] = await w.operations();
  await w.say(omar, 'start customers --fresh').catch(() => {});
  await w.say(emma, 'start customers');
  const parked = (await w.operations('customers')).at(-1)!;
  await w.database.db.update(operations).set({ state: 'parked' }).where(eq(operations.id, parked.id));
  const forLead = await w.say(lena, 'operations all');
  assert.match(forLead.text, /^2 waiting\nWaiting\n/);
  assert.match(
    forLead.text,
    /start of customers parked for a person, since .*; it holds customers[\s\S]*restore of etl-orders waits for a lead, since/,
  );
  assert.equal(forLead.button('Approve'), `approve ${plan?.id}`);
  assert.equal(forLead.button('Try again'), `retry ${parked.id}`);
  assert.equal(forLead.button('Give up'), `cancel customers --operation ${parked.id}`);
  const forRequester = await w.say(emma, 'operations etl-orders');
  assert.doesNotMatch(forRequester.text, /customers/);
  assert.deepEqual(
    forRequester.actions.map((a) => a.label),
    ['Cancel', 'Steps'],
    'one does not approve what one asked for',
  );
});

test('the last ten that ended, of jobs that the person may see', async (t) => {
  const w = await createWorld(t);
  for (let i = 0; i < 12; i++) {
    await w.say(emma, 'build etl-orders');
    await end(w, (await w.operations()).at(-1)!.id, `Built etl-orders: v${i}`);
    await w.moveClock(1000);
  }
  const { text } = await w.refused(vic, 'operations etl-orders', /^etl-orders: nothing is in progress\nEnded last\n/);
  assert.equal(text.match(/build of etl-orders done/g)?.length, 10);
  assert.ok(text.indexOf('v11') < text.indexOf('v2 '), 'newest first');
  assert.doesNotMatch(text, /: v1 ·/);
  await w.refused(nina, 'operations', /^Nothing was done yet/);
  await w.refused(nina, 'operations etl-orders', /^You may not use operations on etl-orders/);
  await w.refused(emma, 'operations etl-order', /^There is no job etl-order\. Did you mean etl-orders\?/);
});

test('in a thread it is about the job of the thread, unless all are asked for', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  const { id } = await w.theOperation();
  await w.say(emma, 'build etl-orders');
  await w.say(emma, 'start customers');
  const place = { sentChannel: 'C0ETL', sentTs: '1700.1' };
  await w.database.db
    .update(outboxMessages)
    .set(place)
    .where(eq(outboxMessages.dedupeKey, `operation:${id}`));
  const where = { kind: 'mention', threadTs: '1700.1' } as const;
  assert.match((await w.say(emma, 'operations', where)).text, /^etl-orders: 2 waiting\n/);
  assert.match((await w.say(emma, 'operations all', where)).text, /^3 waiting\n/);
  assert.match((await w.say(emma, 'operation', where)).text, new RegExp(`^Start of etl-orders: queued[\\s\\S]*${id}`));
});
