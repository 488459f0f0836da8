import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findErrorReport } from '../../src/access/error-reports.store.ts';
import { commands } from '../../src/commands/index.ts';
import { usageOf } from '../../src/commands/spec.ts';
import { UnreachableError } from '../../src/core/errors.ts';
import { messageToText } from '../../src/core/message.ts';
import { eq } from '../../src/db/query.ts';
import { outboxMessages } from '../../src/db/schema/index.ts';
import type { ClusterFacts } from '../../src/deploy/deployer.ts';
import { createWorld, emma, lars, nina, otto, type seen, vic } from '../helpers/command-world.ts';

test('a mistyped job is offered as a button with the whole line, never run', async (t) => {
  const w = await createWorld(t);
  const reply = await w.refused(
    emma,
    'start etl-order --version v2 --reason "it\'s bad"',
    /^There is no job etl-order\. Did you mean etl-orders\?\nNothing was done/,
  );
  assert.equal(reply.button('start etl-orders --version v2 --reason "it\'s bad"'), 'start etl-orders --version v2 --reason "it\'s bad"');
  const set = await w.refused(emma, 'set etl-order parallelism=4 args="--rate 2"', /Did you mean/);
  assert.equal(set.actions[0]?.command, 'set etl-orders parallelism=4 "args=--rate 2"');
  const far = await w.refused(emma, 'start zzzzzzzz', /^There is no job zzzzzzzz\./);
  assert.equal(far.button('List the jobs'), 'list');
});

test('--help shows the usage of each command, to everybody, and does nothing', async (t) => {
  const w = await createWorld(t);
  for (const command of commands) {
    const { text } = await w.refused(otto, `${command.name} --help`, new RegExp(`^${command.name}: `));
    assert.ok(text.includes(`/flink ${usageOf(command)}`), text);
    for (const example of command.examples) assert.ok(text.includes(`/flink ${example}`), text);
  }
});

test('an empty line is help', async (t) => {
  const w = await createWorld(t);
  assert.match((await w.say(emma, '')).text, /^Sluice runs Flink jobs from here/);
});

test('rights of another team do not count', async (t) => {
  const w = await createWorld(t);
  for (const line of ['status etl-orders', 'start etl-orders', 'set etl-orders parallelism=2', 'restore etl-orders', 'logs etl-orders'])
    await w.refused(nina, line, /^You may not use \w+ on etl-orders: that needs .* of team data\.\nAsk an admin, or somebody of that team/);
});

test("a thread's job is implied by its root", async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  const op = await w.theOperation();
  const db = w.database.db;
  await db
    .update(outboxMessages)
    .set({ sentChannel: 'C0ETL', sentTs: '1700.1' })
    .where(eq(outboxMessages.dedupeKey, `operation:${op.id}`));
  const where = { kind: 'mention', threadTs: '1700.1' } as const;
  assert.match((await w.say(emma, 'status', where)).text, /^etl-orders: /);
  assert.match((await w.say(emma, 'status customers', where)).text, /^customers: /);
  assert.match((await w.say(emma, 'status', { ...where, threadTs: '1700.2' })).text, /^status needs the name of a job/);
});

test('the loser of two gets a link to what is in progress', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  const permalink = 'https://team.slack.com/archives/C0ETL/p1700';
  await w.database.db.update(outboxMessages).set({ permalink });
  const reply = await w.refused(
    lars,
    'start etl-orders',
    /^etl-orders is busy: Emma asked for a start, and that is in progress\.\nWait for it to end, or cancel it\.\nAsked for at \d{4}-\d\d-\d\d \d\d:\d\d\./,
  );
  assert.equal(reply.actions.find((a) => a.label === 'See it')?.url, permalink);
  assert.equal(reply.button('Its steps'), `operation ${(await w.theOperation()).id}`);
});

test('of a cluster that keeps silent: looking within a second, and the verdict when its time is over', async (t) => {
  const w = await createWorld(t);
  const silent = Promise.withResolvers<ClusterFacts>();
  w.cluster.facts = silent.promise;
  const request = { line: 'start etl-orders', person: emma, origin: { kind: 'typed', channel: 'C0ETL' }, deliveryKey: 'silent' } as const;
  const asked = performance.now();
  const first = await w.handle(request);
  assert.ok(performance.now() - asked < 2000, 'Slack waits three seconds');
  assert.deepEqual([first.message.tone, first.message.title], ['busy', 'Looking at etl-orders…']);
  assert.ok(first.later);
  silent.reject(new UnreachableError('The cluster standalone did not answer within 4 s.'));
  const verdict = messageToText(await first.later);
  assert.match(
    verdict,
    /^The cluster standalone does not answer, so nothing was started\.\nThe cluster standalone did not answer within 4 s\./,
  );
  assert.deepEqual(await w.operations(), []);
  w.cluster.facts = { flinkVersion: '1.20.5', slotsTotal: 8, slotsAvailable: 6, taskManagers: 2, jobsRunning: 1 };
  const prompt = await w.handle({ ...request, deliveryKey: 'answers' });
  assert.equal(prompt.later, undefined);
  assert.match(prompt.message.title, /^Accepted: starting etl-orders/);
});

test('what nobody expected is told by an id that finds it', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  w.cluster.sight = undefined as unknown as typeof seen;
  const { text } = await w.say(emma, 'start etl-orders');
  assert.match(text, /^Something went wrong inside Sluice\.\nNothing more was done\. .*err_/);
  const reference = /err_\w+/.exec(text)?.[0] ?? '';
  assert.match((await findErrorReport(w.database.db, reference))?.text ?? '', /TypeError/);
  assert.doesNotMatch(text, /TypeError|at /);
});

test('a refused person is refused by the same sentence when it is delivered again', async (t) => {
  const w = await createWorld(t);
  await w.refused(vic, 'stop etl-orders', /You may not use stop/, { key: 'same' });
  await w.refused(vic, 'stop etl-orders', /You may not use stop/, { key: 'same' });
});
