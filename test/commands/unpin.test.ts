import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restorePoints } from '../../src/db/schema/index.ts';
import { createWorld, emma, omar, stopped, vic } from '../helpers/command-world.ts';

test('unpin lets the retention have its say again', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders', stopped);
  const id = await w.restorePoint('etl-orders', run);
  assert.match((await w.say(emma, `unpin etl-orders ${id}`)).text, /^It is not pinned: savepoint/);
  await w.say(omar, `pin etl-orders ${id}`);
  await w.refused(vic, `unpin etl-orders ${id}`, /You may not use unpin/);
  assert.match((await w.once(emma, `unpin etl-orders ${id}`)).text, /^Not pinned any more: savepoint/);
  assert.equal((await w.database.db.select().from(restorePoints))[0]?.pinned, null);
  assert.equal((await w.audited('savepoint.unpinned')).length, 1);
});
