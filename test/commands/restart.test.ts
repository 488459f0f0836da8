import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, omar, vic } from '../helpers/command-world.ts';

test('on-call restarts the same version; build and another version are for engineers', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.refused(
    omar,
    'restart etl-orders --build',
    /^You may not restart etl-orders with a new build: that needs engineer, lead or admin/,
  );
  await w.refused(omar, 'restart etl-orders --version v1', /^You may not restart etl-orders as v1/);
  await w.refused(vic, 'restart etl-orders', /You may not use restart/);
  await w.once(omar, 'restart etl-orders');
  const op = await w.theOperation();
  assert.deepEqual([op.kind, op.state, op.holds, op.input], ['restart', 'queued', true, { right: 'operate' }]);
});

test('with --build the job is not held before the artifact is there', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.fiveAtOnce(emma, 'restart etl-orders --build --branch fix');
  const op = await w.theOperation();
  assert.deepEqual([op.holds, op.input], [false, { right: 'change', build: true, branch: 'fix' }]);
  assert.match((await w.posted(`operation:${op.id}`)).text, /^Building and restarting etl-orders/);
});

test('without a savepoint: a lead on production, nobody on development', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.run('customers');
  const asked = await w.refused(
    emma,
    'restart etl-orders --no-savepoint --version v1',
    /^To restart etl-orders without a savepoint on production, a lead has/,
  );
  assert.equal(asked.button('Say why…'), 'restart etl-orders --no-savepoint --version v1 --reason {input}');
  await w.say(emma, 'restart etl-orders --no-savepoint --version v1 --reason "storage is down"');
  await w.say(emma, 'restart customers --no-savepoint');
  const [production] = await w.operations('etl-orders');
  assert.deepEqual(
    [production?.state, production?.input],
    ['waiting', { right: 'rewind', version: 1, noSavepoint: true, reason: 'storage is down' }],
  );
  assert.match((await w.posted(`operation:${production?.id}`)).text, /canceled without a savepoint\. No checkpoint of it is known/);
  assert.equal((await w.operations('customers'))[0]?.state, 'queued');
});

test('what could not come up is refused before anything stops', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.refused(emma, 'restart etl-orders --version v9', /no version v9\.\n.*Nothing was stopped/);
  await w.refused(emma, 'restart etl-orders --version v1 --build', /--version has no meaning beside it/);
  await w.refused(emma, 'restart etl-orders --branch fix', /--branch belongs to --build/);
  await w.refused(emma, 'restart customers --build', /not built from a git project/);
  await w.say(emma, 'stop etl-orders');
  await w.refused(emma, 'restart etl-orders', /^etl-orders is busy: Emma asked for a stop/);
});
