import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import { openIncident, resolveIncidents } from '../../src/incidents/open.ts';
import { listSilences } from '../../src/incidents/silences.store.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { ada, createWorld, definition, emma, minute, nina, omar, vic, type World } from '../helpers/command-world.ts';

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
      fallbackChannels: [],
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
  await w.refused(omar, 'silence etl-order 2h x', /^There is no job, cluster, team or tag etl-order. Did you mean etl-orders/);
  await w.refused(omar, 'silence etl-orders soon x', /^soon is not a time/);
  await w.refused(omar, 'silence etl-orders 8d x', /^A silence lasts between 1 min and 7 days/);
  await w.refused(omar, 'silence etl-orders 2h', /reason/);
  await w.refused(vic, 'silence etl-orders 2h x', /You may not use silence/);
  await w.refused(nina, 'silence etl-orders 2h x', /You may not use silence on etl-orders/);
  await w.refused(nina, 'silence team:data 2h x', /You may not silence team data/);
  await w.refused(ada, 'unsilence etl-orders', /^Nobody has silenced job etl-orders/);
  assert.deepEqual(await listSilences(w.database.db), []);
});

const tagged = async (w: World) => {
  await w.say(emma, 'set etl-orders tags=nightly');
  await w.database.transaction(async (tx) => {
    for (const name of ['ads-report', 'ads-clicks'])
      await createJob(tx, {
        name,
        team: 'ads',
        kind: 'jar',
        mode: 'streaming',
        project: null,
        definition: { ...definition, tags: name === 'ads-report' ? ['nightly'] : ['ads'] },
        origin: 'apply',
        createdBy: nina,
      });
  });
};

test('a tag is silenced for the jobs of the teams of who does it, also for those that get it later', async (t) => {
  const w = await createWorld(t);
  await tagged(w);
  assert.match((await w.once(omar, 'silence tag:nightly 2h "warehouse is moved"')).text, /^Silenced: tag nightly \(etl-orders\), for 2 h/);
  await fails(w, 'etl-orders');
  await fails(w, 'ads-report');
  await fails(w, 'customers');
  const told = () =>
    w.database.db.query.outboxMessages.findMany().then((all) =>
      all
        .filter((row) => row.dedupeKey.startsWith('incident:'))
        .map((row) => row.desired.title)
        .sort(),
    );
  assert.deepEqual(await told(), ['ads-report failed', 'customers failed'], 'another team that tags alike is not silenced');
  await w.say(emma, 'set customers tags=nightly');
  await w.database.transaction((tx) => resolveIncidents(tx, ['job:customers:failed'], 'over'));
  await w.moveClock(20 * minute);
  await fails(w, 'customers');
  assert.deepEqual((await told()).length, 2, 'it got the tag, and its next problem falls under the silence');
  assert.match((await w.say(emma, 'silences')).text, /tag nightly until .* by @Omar: warehouse is moved/);
  assert.match((await w.once(omar, 'unsilence tag:nightly')).text, /^Not silenced any more: tag nightly/);
  assert.deepEqual((await told()).length, 4);
});

test('nobody silences the tag of a team that is not theirs, or ends what covers others', async (t) => {
  const w = await createWorld(t);
  await tagged(w);
  await w.refused(omar, 'silence tag:ads 2h x', /^There is no tag ads/);
  await w.refused(nina, 'silence tag:billing 2h x', /^There is no tag billing/);
  assert.match((await w.once(ada, 'silence tag:nightly 2h "move"')).text, /nightly \(ads-report, etl-orders\)/);
  await w.once(omar, 'silence tag:nightly 3h "ours too"');
  const own = (await w.once(omar, 'unsilence tag:nightly')).text;
  assert.match(own, /^Not silenced any more for your teams: tag nightly\nStill silenced by @Ada.* for every team until /, 'his own ends');
  await w.refused(omar, 'unsilence tag:nightly', /^You may not end the silence of tag nightly: it covers jobs of every team/);
  await w.say(emma, 'set etl-orders tags=');
  assert.match((await w.once(ada, 'unsilence tag:nightly')).text, /^Not silenced any more: tag nightly/);
});

test('a misspelt name keeps the time and the reason that were typed', async (t) => {
  const w = await createWorld(t);
  await tagged(w);
  const offered = await w.refused(omar, 'silence tag:nightl 2h "Kafka upgrade"', /^There is no tag nightl. Did you mean tag:nightly\?/);
  const line = offered.button('silence tag:nightly 2h "Kafka upgrade"');
  assert.match((await w.once(omar, line)).text, /^Silenced: tag nightly \(etl-orders\), for 2 h\nUntil .*: Kafka upgrade/);
});
