import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findJob, listVersions } from '../../src/jobs/jobs.store.ts';
import { createWorld, emma, lena, omar, vic, type World } from '../helpers/command-world.ts';

const current = async (w: World) => (await findJob(w.database.db, 'etl-orders'))?.currentVersion;

test('use makes another version current and shows what differs; what runs stays', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  const reply = await w.once(emma, 'use etl-orders v1');
  assert.match(reply.text, /^etl-orders v1 is current\nParameter \| v2 \| v1\nparallelism \| 4 \| 2\nv2 runs on unchanged until a restart/);
  assert.equal(reply.button('Restart with v1'), 'restart etl-orders --version v1');
  assert.equal(await current(w), 1);
  assert.equal((await listVersions(w.database.db, 'etl-orders')).length, 2);
  assert.deepEqual((await w.audited('version.used'))[0]?.details, {
    from: 2,
    to: 1,
    changes: [{ key: 'parallelism', before: '4', after: '2' }],
  });
  assert.equal((await w.operations()).length, 0);
});

test('use of a job that does not run offers the start; a replay changes nothing back', async (t) => {
  const w = await createWorld(t);
  const first = await w.say(emma, 'use etl-orders 1', { key: 'first' });
  assert.equal(first.button('Start v1'), 'start etl-orders --version v1');
  await w.say(emma, 'use etl-orders v2');
  await w.say(emma, 'use etl-orders 1', { key: 'first' });
  assert.equal(await current(w), 2);
});

test('use of what is current, or is not there, changes nothing', async (t) => {
  const w = await createWorld(t);
  await w.refused(emma, 'use etl-orders v2', /^etl-orders v2 is current already/);
  await w.refused(emma, 'use etl-orders v9', /no version v9\.\nAll of them/);
  await w.refused(emma, 'use etl-orders current', /A version number was expected/);
});

test('use is not for viewers and on-call; a version of another environment is for leads', async (t) => {
  const w = await createWorld(t);
  for (const person of [vic, omar]) await w.refused(person, 'use etl-orders v1', /You may not use use/);
  await w.say(lena, 'set etl-orders environment=development');
  await w.refused(emma, 'use etl-orders v1', /v1 is for production: changing the environment needs a lead of team data or an admin/);
  await w.say(lena, 'use etl-orders v1');
  assert.equal(await current(w), 1);
});
