import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findJob, listVersions } from '../../src/jobs/jobs.store.ts';
import { ada, createWorld, emma, lena, omar, vic } from '../helpers/command-world.ts';

test('set shows the change and saves the next version; what runs stays', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  const reply = await w.once(emma, 'set etl-orders parallelism=8 args="--rate 200"');
  assert.match(
    reply.text,
    /^etl-orders v3 saved and current\nParameter \| v2 \| v3\nparallelism \| 4 \| 8\nargs \| \(not set\) \| --rate 200\nv2 runs on unchanged until a restart/,
  );
  assert.equal(reply.button('Restart with v3'), 'restart etl-orders --version v3');
  assert.equal(reply.button('Back to v2'), 'use etl-orders v2');
  const job = await findJob(w.database.db, 'etl-orders');
  assert.equal(job?.currentVersion, 3);
  assert.deepEqual([job?.current.definition.parallelism, job?.current.definition.args], [8, ['--rate', '200']]);
  assert.equal(job?.current.createdBy.userId, emma.userId);
  assert.equal((await w.audited('version.created')).length, 1);
  assert.equal((await w.operations()).length, 0);
});

test('delivered five times it is one version; said at the same time by two, both changes stay', async (t) => {
  const w = await createWorld(t);
  await w.fiveAtOnce(emma, 'set etl-orders parallelism=8');
  assert.equal((await listVersions(w.database.db, 'etl-orders')).length, 3);
  await w.together(
    () => w.say(emma, 'set etl-orders parallelism=6'),
    () => w.say(lena, 'set etl-orders main-class=com.example.Other'),
  );
  const { definition } = (await findJob(w.database.db, 'etl-orders'))!.current;
  assert.deepEqual([definition.parallelism, definition.mainClass], [6, 'com.example.Other']);
});

test('an empty value unsets; the same value again changes nothing', async (t) => {
  const w = await createWorld(t);
  const reply = await w.say(emma, 'set etl-orders checkpoint-interval=');
  assert.match(reply.text, /checkpoint-interval \| 10s \| \(not set\)\nIt is what a start with --version current uses/);
  await w.refused(emma, 'set etl-orders checkpoint-interval= parallelism=4', /^Nothing to change: etl-orders v3 says that already/);
});

test('what is wrong is said all at once, and nothing is saved', async (t) => {
  const w = await createWorld(t);
  await w.refused(
    emma,
    'set etl-orders parallelism=many paralelism=4',
    /parallelism is a whole number from 1 to 32768, not many\. There is no parameter paralelism\. Did you mean parallelism\?\nNothing was changed/,
  );
  await w.refused(emma, 'set etl-orders parallelism', /^parallelism is no key=value\.\nFor example: \/flink set etl-orders parallelism=4/);
  await w.refused(emma, 'set etl-orders', /^set needs <key=value>: what to change/);
  await w.refused(emma, 'set etl-orders cluster=nowhere', /There is no cluster nowhere/);
});

test('set is for engineers, leads and admins; the environment for leads and admins', async (t) => {
  const w = await createWorld(t);
  for (const person of [vic, omar]) await w.refused(person, 'set etl-orders parallelism=8', /You may not use set.*engineer, lead or admin/);
  await w.refused(
    emma,
    'set etl-orders environment=development',
    /^You may not change the environment of etl-orders: that needs a lead of team data or an admin/,
  );
  await w.say(lena, 'set etl-orders environment=development');
  await w.say(ada, 'set etl-orders environment=production');
  assert.equal((await listVersions(w.database.db, 'etl-orders')).length, 4);
});
