import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { recordRestorePoint } from '../../src/restore-points/restore-points.store.ts';
import { ada, createWorld, definition, emma, hour, nina, otto, stopped, vic } from '../helpers/command-world.ts';

const failure = {
  ...stopped,
  endReason: 'failed',
  state: 'FAILED',
  rootException: { name: 'java.io.IOException', message: 'disk full', at: new Date().toISOString(), task: null },
};

test('list shows what is wrong first', async (t) => {
  const w = await createWorld(t);
  await w.run('customers');
  await w.run('etl-orders', failure);
  const reply = await w.say(vic, 'ls');
  assert.match(
    reply.text,
    /^1 job of 2 needs a look\n✗ etl-orders failed, 10 min ago · java\.io\.IOException: disk full\n● customers running on 4\/4 tasks, .* · v1 · up 3 h · development\n/,
  );
  assert.equal(reply.message.tone, 'bad');
  assert.equal(reply.button('Share in channel'), 'list --share');
  assert.equal((await w.say(vic, 'list --share')).message.visibility, 'channel');
});

test('list filters by state and by a part of the name', async (t) => {
  const w = await createWorld(t);
  await w.run('customers');
  const rows = async (line: string) => (await w.say(vic, line)).text.split('\n').slice(0, -1);
  assert.match((await rows('list running')).join('\n'), /^1 job running\n● customers [^\n]*$/);
  const failed = await w.say(vic, 'list failed');
  assert.equal(failed.text, '0 jobs failed');
  assert.equal((await w.say(vic, 'list ORD')).button('Share in channel'), 'list ORD --share');
  assert.match((await rows('list orders')).join('\n'), /^1 job matching orders\n· etl-orders has never run$/);
  await w.run('etl-orders', failure);
  assert.match((await rows('list failed')).join('\n'), /^1 job failed\n✗ etl-orders/);
  await w.say(emma, 'savepoint customers');
  assert.match((await rows('list busy')).join('\n'), /^1 job busy\n● customers .* savepoint in progress/);
});

test('a filter that fits nothing offers what is near', async (t) => {
  const w = await createWorld(t);
  const near = await w.refused(
    vic,
    'list faild',
    /^No job is called faild, and it is no state\.\nStates: failed, running, stopped, unknown, busy/,
  );
  assert.equal(near.button('list failed'), 'list failed');
  assert.deepEqual((await w.refused(vic, 'list zzzzzzzz', /^No job is called zzzzzzzz/)).actions, []);
});

test('everybody sees the jobs of their own teams, admins all', async (t) => {
  const w = await createWorld(t);
  assert.match((await w.say(nina, 'list')).text, /^There are no jobs yet/);
  await w.refused(otto, 'list', /You may not use list/);
  await w.database.transaction((tx) =>
    createJob(tx, { name: 'ads', team: 'ads', kind: 'jar', mode: 'streaming', project: null, definition, origin: 'apply', createdBy: ada }),
  );
  assert.match((await w.say(nina, 'list')).text, /^1 job, none in trouble\n· ads has never run/);
  assert.match((await w.say(ada, 'list')).text, /^3 jobs, none in trouble/);
});

test('a long list ends with a link to the page', async (t) => {
  const w = await createWorld(t);
  await w.database.transaction(async (tx) => {
    for (let i = 0; i < 21; i++)
      await createJob(tx, {
        name: `job-${i}`,
        team: 'data',
        kind: 'jar',
        mode: 'streaming',
        project: null,
        definition,
        origin: 'apply',
        createdBy: ada,
      });
  });
  assert.match((await w.say(vic, 'list')).text, /^23 jobs, none in trouble\n[\s\S]*\n3 more on the page: all jobs\n/);
});

test('list unrecoverable names the jobs that could not be restored today, and why', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('customers');
  await w.run('etl-orders', failure);
  const listed = async () => (await w.say(vic, 'list unrecoverable')).text;
  assert.match(
    await listed(),
    /^2 jobs unrecoverable\n[\s\S]*etl-orders failed.* nothing to go back to\n● customers .* nothing to go back to/,
  );
  const point = (ago: number) =>
    w.database.transaction((tx) =>
      recordRestorePoint(tx, {
        job: 'customers',
        runId: run,
        version: 1,
        kind: 'savepoint',
        path: `s3://lake/savepoint-${ago}`,
        takenAt: new Date(Date.now() - ago),
      }),
    );
  await point(26 * hour);
  assert.match(await listed(), /● customers .* newest savepoint 26 h ago, allowed are 24 h/);
  await point(2 * hour);
  assert.doesNotMatch(await listed(), /customers/);
  assert.doesNotMatch((await w.say(vic, 'list')).text, /nothing to go back to/);
});

test('list by tag; a tag that no job has gets the nearest one', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'set etl-orders tags=nightly,billing');
  const found = await w.say(vic, 'list tag:Nightly');
  assert.match(found.text, /^1 job with the tag nightly\n.*etl-orders .*#billing · #nightly/);
  assert.match((await w.say(vic, 'status etl-orders')).text, /Tags: billing, nightly/);
  const missed = await w.say(vic, 'list tag:nightl');
  assert.match(missed.text, /^No job has the tag nightl\.\n.*Tags: billing, nightly\./);
  assert.equal(missed.button('list tag:nightly'), 'list tag:nightly');
});
