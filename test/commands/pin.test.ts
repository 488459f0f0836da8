import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eq } from '../../src/db/query.ts';
import { restorePoints } from '../../src/db/schema/index.ts';
import { createWorld, emma, omar, stopped, vic } from '../helpers/command-world.ts';

test('pin keeps a savepoint for good, by its name, path or id; the list and the audit say who and why', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders', stopped);
  const id = await w.restorePoint('etl-orders', run, { path: 's3://lake/savepoints/savepoint-5ae2f1-04c2', operationId: 'op_1' });
  await w.database.db.update(restorePoints).set({ goesAt: new Date() });
  const said = await w.once(omar, 'pin etl-orders savepoint-5ae2f1-04c2 "before the schema change"');
  assert.match(said.text, /^Pinned: savepoint, 10 min ago, 23 KB, mid-run, v1\n.*is kept until somebody unpins it/);
  assert.equal(said.button('Unpin'), `unpin etl-orders ${id}`);
  const [row] = await w.database.db.select().from(restorePoints).where(eq(restorePoints.id, id));
  assert.deepEqual([row?.pinned?.by.name, row?.pinned?.reason, row?.goesAt], ['Omar', 'before the schema change', null]);
  assert.match((await w.say(emma, 'savepoint etl-orders --list')).text, /kept, pinned by Omar: before the schema change/);
  assert.equal((await w.audited('savepoint.pinned')).length, 1);
  await w.refused(vic, `pin etl-orders ${id}`, /You may not use pin/);
  await w.refused(emma, 'pin etl-orders savepoint-nowhere', /^savepoint-nowhere is no savepoint of etl-orders that is there/);
  await w.database.db.update(restorePoints).set({ state: 'disposing' });
  await w.refused(emma, `pin etl-orders ${id}`, /is no savepoint of etl-orders that is there/);
});
