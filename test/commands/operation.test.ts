import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportError } from '../../src/access/error-reports.store.ts';
import { eq } from '../../src/db/query.ts';
import { operations, outboxMessages } from '../../src/db/schema/index.ts';
import { findOperation, finish, writeIntent, writeStep } from '../../src/operations/operations.store.ts';
import { createWorld, emma, lena, nina, vic, type World } from '../helpers/command-world.ts';

const step = (name: string, seq: number) => ({ name, seq, title: name.replace(/^./, (c) => c.toUpperCase()) });
/** Steps as the engine writes them: done with a result, the last one failed or still running. */
async function steps(
  w: World,
  id: string,
  done: Record<string, object>,
  last: string,
  state: 'failed' | 'running' = 'failed',
): Promise<void> {
  const op = (await findOperation(w.database.db, id))!;
  await w.database.transaction(async (tx) => {
    let seq = 0;
    for (const [name, result] of Object.entries(done)) {
      await writeIntent(tx, op, step(name, seq), {});
      await writeStep(tx, op, step(name, seq++), { state: 'done', result: { ...result }, note: `${name} went well` });
    }
    await writeIntent(tx, op, step(last, seq), {});
    if (state === 'failed') await writeStep(tx, op, step(last, seq), { state, note: 'Flink said no' });
  });
}
async function fail(w: World, id: string, title: string): Promise<void> {
  await w.database.db
    .update(operations)
    .set({ startedAt: new Date(Date.now() - 5000) })
    .where(eq(operations.id, id));
  const op = (await findOperation(w.database.db, id))!;
  await w.database.transaction((tx) =>
    finish(tx, op, 'failed', {
      tone: 'bad',
      title,
      parts: [{ kind: 'text', spans: ['The full error is err_4k2m9x7qw3tz.'] }],
      actions: [],
    }),
  );
}

test('one operation: who asked and approved, its steps, its error by id, where its message is', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'restore etl-orders --from s3://lake/sp-1 --reason "bad deploy"');
  const { id, messageId } = await w.theOperation();
  const waiting = await w.say(lena, `operation ${id}`);
  assert.match(waiting.text, /^Restore of etl-orders: waits for a lead\n/);
  assert.match(waiting.text, /Asked by: @Emma, \d{4}-.*\nReason: bad deploy\nApproval: can be given until/);
  assert.match(waiting.text, /No step has begun/);
  assert.equal(waiting.button('Approve'), `approve ${id}`);
  await w.say(lena, `approve ${id} --reason "go ahead"`);
  await steps(w, id, { target: { flinkJobId: 'f1' } }, 'stop-savepoint');
  await fail(w, id, 'etl-orders was not restored');
  await w.database.db
    .update(outboxMessages)
    .set({ permalink: 'https://team.slack.com/archives/C0ETL/p1' })
    .where(eq(outboxMessages.id, messageId));
  const reply = await w.refused(vic, `op ${id}`, /^Restore of etl-orders: failed\netl-orders was not restored\n/);
  assert.equal(reply.message.tone, 'bad');
  assert.match(reply.text, /Approval: approved by @Lena: go ahead\n/);
  assert.match(reply.text, /Began: .*, took 5(\.\d)? s\n/);
  assert.match(reply.text, /Full error: err_4k2m9x7qw3tz\n/);
  assert.match(
    reply.text,
    /Step \| State \| Began \| Took \| Note\nTarget \| done \| .* \| .* \| target went well\nStop-savepoint \| failed \| .* \| Flink said no\n/,
  );
  assert.equal(reply.actions.find((a) => a.label === 'See its message')?.url, 'https://team.slack.com/archives/C0ETL/p1');
  assert.equal(reply.actions.find((a) => a.label === 'On the page')?.url, `https://sluice.example.com/operations/${id}`);
  assert.ok(!reply.actions.some((a) => a.label === 'Retry from here'), 'nothing that a viewer would be refused');
  const again = (await w.say(emma, `operation ${id}`)).button('Retry from here');
  assert.equal(again, 'restore etl-orders --version v2 --from s3://lake/sp-1 --reason {input}');
});

test('while it runs it tells what a cancel would lead to; an expected error is found under the id of the operation', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.say(emma, 'savepoint etl-orders');
  const { id } = await w.theOperation();
  await w.database.db.update(operations).set({ state: 'running', startedAt: new Date() }).where(eq(operations.id, id));
  await steps(w, id, { target: { flinkJobId: 'f1' } }, 'savepoint', 'running');
  const reply = await w.say(emma, `operation ${id}`);
  assert.match(reply.text, /^Savepoint of etl-orders: in progress\nSavepoint, for /);
  assert.match(reply.text, /If it is canceled now: The savepoint is being written; that is finished.*past cancelling/);
  assert.match(reply.text, /Holds: etl-orders: no other operation may touch it meanwhile/);
  assert.equal(reply.button('Cancel'), `cancel etl-orders --operation ${id}`);
  const op = (await findOperation(w.database.db, id))!;
  await w.database.transaction((tx) => finish(tx, op, 'failed', { tone: 'bad', title: 'No savepoint', parts: [], actions: [] }));
  await reportError(w.database.db, id, 'x', new Error('unwritable'));
  assert.match((await w.say(emma, `operation ${id}`)).text, new RegExp(`Full error: ${id}\n`));
});

test('what is parked can be tried again or given up', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  const { id } = await w.theOperation();
  await steps(w, id, {}, 'submit', 'running');
  await w.database.db.update(operations).set({ state: 'parked' }).where(eq(operations.id, id));
  const reply = await w.say(emma, `operation ${id}`);
  assert.match(reply.text, /Submit \| not finished \|/);
  assert.match(reply.text, /Retry from here: It looks first at what has become of "Submit", then goes on from there\./);
  assert.equal(reply.button('Try again'), `retry ${id}`);
  assert.equal(reply.button('Give up'), `cancel etl-orders --operation ${id}`);
});

test('an id that nothing has gets the nearest, or the last one of that job; never shown as if it were the one', async (t) => {
  const w = await createWorld(t);
  await w.refused(emma, 'operation op_zzzzzzzzzzzz', /^There is no operation op_zzzzzzzzzzzz\.\nNothing has been done yet/);
  await w.refused(emma, 'operation', /^operation needs the id of an operation, and there is none yet/);
  await w.say(emma, 'start etl-orders');
  const { id } = await w.theOperation();
  const begins = await w.refused(
    emma,
    `operation ${id.slice(0, 7)}`,
    /^There is no operation op_.{4}\. One begins like that:\nop_.*start of etl-orders, queued/,
  );
  assert.equal(begins.button('start of etl-orders'), `operation ${id}`);
  assert.equal((await w.refused(emma, `operation ${id.slice(3, 9)}`, /One begins like that/)).actions[0]?.command, `operation ${id}`);
  await w.refused(emma, 'operation etl-order', /^There is no operation etl-order\. The last one of etl-orders:\nop_/);
  const mistyped = `${id.slice(0, -1)}${id.endsWith('z') ? 'y' : 'z'}`;
  await w.refused(emma, `operation ${mistyped}`, new RegExp(`Did you mean ${id}\\?`));
  await w.refused(emma, 'operation', /stands at the bottom of its message\. The newest:/);
  await w.refused(nina, `operation ${id.slice(0, 7)}`, /Nothing has been done yet on the jobs that you may see/);
  await w.refused(nina, `operation ${id}`, /^You may not use operation on etl-orders/);
});
