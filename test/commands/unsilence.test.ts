import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listSilences } from '../../src/incidents/silences.store.ts';
import { createWorld, emma, omar, vic } from '../helpers/command-world.ts';

test('unsilence ends every silence of a job, whoever made it, once; and only of that job', async (t) => {
  const w = await createWorld(t);
  await w.once(omar, 'silence etl-orders 1h drill');
  await w.once(emma, 'silence etl-orders 2h upgrade');
  await w.once(omar, 'silence customers 1h drill');
  await w.refused(vic, 'unsilence etl-orders', /You may not use unsilence/);
  await w.fiveAtOnce(emma, 'unsilence etl-orders');
  assert.deepEqual(
    (await listSilences(w.database.db)).map((one) => one.name),
    ['customers'],
  );
  assert.equal((await w.audited('silence.ended')).length, 1);
  await w.refused(emma, 'unsilence etl-orders', /^Nobody has silenced job etl-orders[\s\S]*silences/);
});
