import assert from 'node:assert/strict';
import { it } from 'node:test';
import { outboxMessages } from '../../src/db/schema/index.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { acknowledgeIncidents, type IncidentInput, openIncident, resolveIncidents } from '../../src/incidents/open.ts';
import { claimDue } from '../../src/outbox/turns.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const input: IncidentInput = {
  key: 'job:orders:failed',
  job: 'orders',
  cluster: 'c',
  cause: 'failed',
  title: 'orders failed',
  facts: {},
  runId: undefined,
  channel: undefined,
  fallbackChannels: [],
};

it('keeps an incident that has no channel, through its whole life, and sends nothing', async (t) => {
  const database = await sharedDb(t);
  const rows = () => database.db.select().from(outboxMessages);
  const expectFailed = async () => {
    assert.deepEqual(
      (await rows()).map((row) => [row.state, row.lastError]),
      [['failed', 'no channel is set']],
    );
    assert.deepEqual(await claimDue(database.db, 'me', 10), []);
  };
  assert.equal(await database.transaction((tx) => openIncident(tx, input)), true);
  await expectFailed();
  assert.equal(await database.transaction((tx) => openIncident(tx, input)), false);
  await expectFailed();
  const [incident] = await openIncidents(database.db, 'orders');
  assert.equal(incident?.occurrences, 2);
  await database.transaction((tx) => acknowledgeIncidents(tx, [incident!.id], { teamId: 'T1', userId: 'U1', name: 'ann' }));
  await database.transaction((tx) => resolveIncidents(tx, [input.key], 'orders runs again.'));
  assert.deepEqual(await openIncidents(database.db), []);
  await expectFailed();
});

it('sends one that has a channel, also after it changed', async (t) => {
  const database = await sharedDb(t);
  await database.transaction((tx) => openIncident(tx, { ...input, channel: 'C1' }));
  await database.transaction((tx) => openIncident(tx, { ...input, channel: 'C1' }));
  assert.deepEqual(
    (await claimDue(database.db, 'me', 10)).map((row) => [row.channel, row.desired.title]),
    [['C1', 'orders failed']],
  );
});
