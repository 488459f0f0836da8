import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { listSilences } from '../../src/incidents/silences.store.ts';
import { ada, createWorld, emma, minute, nina, omar, vic, type World } from '../helpers/command-world.ts';

const fails = (w: World, job: string) =>
  w.database.transaction((tx) =>
    openIncident(tx, {
      key: `job:${job}:failed`,
      job,
      cluster: 'standalone',
      cause: 'failed',
      title: `${job} failed`,
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannel: undefined,
    }),
  );

test('silence a job: said to the channel with its reason and end, audited, and told to whoever lists silences', async (t) => {
  const w = await createWorld(t);
  const said = await w.once(omar, 'silence etl-orders 2h "Kafka upgrade"');
  assert.match(said.text, /^Silenced: job etl-orders, for 2 h\nUntil .*: Kafka upgrade/);
  assert.equal(said.button('End the silence'), 'unsilence etl-orders');
  assert.equal((await listSilences(w.database.db)).length, 1);
  assert.equal((await w.audited('silence.began')).length, 1);
  assert.match((await w.say(emma, 'silences')).text, /1 silence\njob etl-orders until .* by @Omar: Kafka upgrade/);
  await fails(w, 'etl-orders');
  assert.equal((await w.database.db.query.outboxMessages.findMany()).filter((row) => row.dedupeKey.startsWith('incident:')).length, 0);
  assert.match((await w.once(emma, 'unsilence etl-orders')).text, /^Not silenced any more: job etl-orders/);
  assert.equal((await w.database.db.query.outboxMessages.findMany()).filter((row) => row.dedupeKey.startsWith('incident:')).length, 1);
});

test('a cluster or a team is silenced by its name; a silence that is over is not listed', async (t) => {
  const w = await createWorld(t);
  assert.match((await w.once(omar, 'silence cluster:standalone 30min new nodes')).text, /^Silenced: cluster standalone, for 30 min/);
  assert.match((await w.once(omar, 'silence standalone 30min new nodes')).text, /^Silenced: cluster standalone/);
  assert.match((await w.once(omar, 'silence team:data 30min drill')).text, /^Silenced: team data, for 30 min/);
  assert.equal((await listSilences(w.database.db)).length, 3);
  await moveClock(w.database.db, 31 * minute);
  assert.match((await w.say(emma, 'silences')).text, /^Nothing is silenced/);
});

test('what cannot be used is refused in a sentence, and nothing is silenced', async (t) => {
  const w = await createWorld(t);
  await w.refused(omar, 'silence etl-order 2h x', /^There is no job, cluster or team etl-order[\s\S]*Did you mean etl-orders/);
  await w.refused(omar, 'silence etl-orders soon x', /^soon is not a time/);
  await w.refused(omar, 'silence etl-orders 8d x', /^A silence lasts between 1 min and 7 days/);
  await w.refused(omar, 'silence etl-orders 2h', /reason/);
  await w.refused(vic, 'silence etl-orders 2h x', /You may not use silence/);
  await w.refused(nina, 'silence etl-orders 2h x', /You may not use silence on etl-orders/);
  await w.refused(nina, 'silence team:data 2h x', /You may not silence team data/);
  await w.refused(ada, 'unsilence etl-orders', /^Nobody has silenced job etl-orders/);
  assert.deepEqual(await listSilences(w.database.db), []);
});
