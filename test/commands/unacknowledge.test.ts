import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findIncident, openIncidents } from '../../src/incidents/incidents.store.ts';
import { openIncident, resolveIncidents } from '../../src/incidents/open.ts';
import { createWorld, emma, omar, vic, type World } from '../helpers/command-world.ts';

async function incident(w: World): Promise<string> {
  await w.database.transaction((tx) =>
    openIncident(tx, {
      key: 'job:etl-orders:failed',
      job: 'etl-orders',
      cluster: 'standalone',
      cause: 'failed',
      title: 'etl-orders failed',
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    }),
  );
  return (await openIncidents(w.database.db))[0]!.id;
}

test('with a reason and an end; the same person may say more, anybody of the team may hand it back', async (t) => {
  const w = await createWorld(t);
  const id = await incident(w);
  await w.refused(omar, `ack ${id} --for tomorrow`, /^tomorrow is not a time/);
  await w.refused(omar, `ack ${id} --for 30d`, /^It lasts between 1 min and 7 days, not 30 d/);
  await w.refused(omar, `unack ${id}`, /^Nobody looks after it/);
  await w.once(omar, `ack ${id}`);
  await w.refused(omar, `ack ${id}`, /^Omar looks after it already/);
  const reply = await w.once(omar, `ack ${id} "the broker is being replaced" --for 2h`);
  assert.match(reply.text, /^You look after: etl-orders failed\nFor 2 h: then who is on call is called again\./);
  assert.match((await w.posted(`incident:${id}`)).text, /Acknowledged by @Omar at .*, until .*: the broker is being replaced/);
  assert.equal((await w.posted(`incident:${id}`)).button('Hand back'), `unacknowledge ${id}`);
  await w.refused(emma, `ack ${id} "me too"`, /^Omar looks after it already/);
  await w.refused(vic, `unack ${id}`, /You may not use unacknowledge/);
  assert.match((await w.once(emma, `unack ${id}`)).text, /^Nobody looks after it any more: etl-orders failed/);
  assert.equal((await findIncident(w.database.db, id))?.ackedBy, null);
  assert.equal((await w.posted(`incident:${id}`)).button('Acknowledge'), `acknowledge ${id}`);
});

test('of what is over or unknown it says so', async (t) => {
  const w = await createWorld(t);
  const id = await incident(w);
  await w.once(omar, `ack ${id}`);
  await w.refused(omar, 'unacknowledge inc_zzzzzzzzzzzz', /^There is no incident inc_zzzzzzzzzzzz/);
  await w.database.transaction((tx) => resolveIncidents(tx, ['job:etl-orders:failed'], 'It runs again.'));
  await w.refused(omar, `unacknowledge ${id}`, /^It is over already/);
});
