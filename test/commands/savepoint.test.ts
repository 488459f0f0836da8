import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, hour, omar, stopped, vic } from '../helpers/command-world.ts';

test('savepoint makes one operation, also for on-call', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  const reply = await w.once(omar, 'sp etl-orders');
  assert.match(reply.text, /^Accepted: taking a savepoint of etl-orders/);
  const op = await w.theOperation();
  assert.deepEqual([op.kind, op.state, op.holds, op.input], ['savepoint', 'queued', true, { right: 'operate' }]);
});

test('five deliveries are one savepoint', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.fiveAtOnce(emma, 'savepoint etl-orders');
  await w.theOperation();
});

test('of what does not run there is no savepoint', async (t) => {
  const w = await createWorld(t);
  await w.refused(vic, 'savepoint etl-orders', /You may not use savepoint/);
  await w.refused(emma, 'savepoint etl-orders', /^etl-orders has never run/);
  await w.run('etl-orders', stopped);
  await w.refused(emma, 'savepoint etl-orders', /^etl-orders does not run: it was stopped 10 min ago\.\nTo start it/);
});

test('savepoint --list says which are kept and why, and which go; it takes none', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders', stopped);
  for (const ago of [1, 2, 3]) await w.restorePoint('etl-orders', run, { ago: ago * hour, operationId: 'op_1' });
  assert.match((await w.say(vic, 'savepoint etl-orders --list')).text, /You may not use savepoint/);
  const all = await w.say(omar, 'savepoint etl-orders --list');
  assert.match(all.text, /^3 savepoints of etl-orders\n[\s\S]*Every savepoint of this job is kept\./);
  await w.say(emma, 'set etl-orders keep-savepoints=1');
  const { text, button } = await w.say(omar, 'savepoint etl-orders --list');
  const lines = text.split('\n');
  assert.equal(lines[0], '3 savepoints of etl-orders, 2 of them to be deleted');
  assert.match(lines[1]!, /60 min ago.*: kept, the newest one$/);
  assert.match(lines[3]!, /: not one of the newest 1; the next hand-over tells when$/);
  assert.match(text, /Kept are the newest 1, and what is pinned or needed\./);
  const points = await w.database.db.query.restorePoints.findMany();
  const going = points.sort((a, b) => b.takenAt.getTime() - a.takenAt.getTime())[1]!;
  assert.equal(button(`Pin ${going.path.split('/').pop()}`), `pin etl-orders ${going.id}`);
  assert.equal((await w.operations()).length, 0);
});

test('what the retention is deleting, or has deleted, is not restored from', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders', stopped);
  await w.restorePoint('etl-orders', run);
  await w.restorePoint('etl-orders', run, { path: 's3://lake/savepoints/savepoint-old', ago: 5 * hour });
  await w.database.db.execute("update restore_points set state = 'disposing' where path like '%savepoint-old'");
  await w.refused(
    emma,
    'restore etl-orders --from s3://lake/savepoints/savepoint-old/ --reason x',
    /is being deleted by the retention of etl-orders/,
  );
  await w.database.db.execute("update restore_points set state = 'disposed' where path like '%savepoint-old'");
  await w.refused(
    emma,
    'restore etl-orders --from s3://lake/savepoints/savepoint-old --reason x',
    /was deleted by the retention of etl-orders/,
  );
  assert.match(
    (await w.say(emma, 'restore etl-orders --from s3://archive/savepoint-old --reason x')).text,
    /waits for|asked|lead/i,
    'a copy is another matter',
  );
});
