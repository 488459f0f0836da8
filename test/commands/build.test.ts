import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, createWorld, emma, lena, nina, omar, vic } from '../helpers/command-world.ts';

test('build makes one operation that leaves the job alone', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  const reply = await w.once(emma, 'build etl-orders --branch fix-late-orders');
  assert.match(reply.text, /^Accepted: building etl-orders\nProgress in this channel · op_/);
  const op = await w.theOperation();
  assert.deepEqual(
    [op.kind, op.state, op.holds, op.input],
    ['build', 'queued', false, { right: 'change', build: true, branch: 'fix-late-orders' }],
  );
});

test('a build beside a start is fine; a second build is told who builds', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  await w.say(emma, 'build etl-orders');
  await w.refused(lena, 'build etl-orders', /^etl-orders is being built already: Emma asked for it\.\nWait for it, or cancel it/);
  assert.equal((await w.operations()).length, 2);
});

test('two builds at the same moment are one; five deliveries are one', async (t) => {
  const w = await createWorld(t);
  const replies = await w.together(...[emma, lena, ada].map((person) => () => w.say(person, 'build etl-orders')));
  assert.equal(replies.filter((r) => /^Accepted/.test(r.text)).length, 1);
  assert.equal(replies.filter((r) => /is being built already/.test(r.text)).length, 2);
  const op = await w.theOperation();
  await w.say(ada, `cancel etl-orders --operation ${op.id}`);
});

test('five deliveries of one build are one', async (t) => {
  const w = await createWorld(t);
  await w.fiveAtOnce(emma, 'build etl-orders');
  await w.theOperation();
});

test('a job without a project cannot be built, and says what can be done', async (t) => {
  const w = await createWorld(t);
  await w.refused(emma, 'build customers', /^customers is not built from a git project\.\nUpload a jar on the page of the job/);
});

test('build is for engineers, leads and admins', async (t) => {
  const w = await createWorld(t);
  for (const person of [vic, omar])
    await w.refused(person, 'build etl-orders', /^You may not use build: that needs engineer, lead or admin/);
  await w.refused(nina, 'build etl-orders', /engineer, lead or admin of team data/);
  await w.say(ada, 'build etl-orders');
});
