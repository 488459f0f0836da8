import assert from 'node:assert/strict';
import { it } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { now } from '../../src/db/clock.ts';
import { openIncident, resolveIncidents } from '../../src/incidents/open.ts';
import { insertOperation } from '../../src/operations/operations.store.ts';
import { desire, findMessage } from '../../src/outbox/outbox.store.ts';
import { claimDue } from '../../src/outbox/turns.store.ts';
import { placeHomeless } from '../../src/watch/homeless.ts';
import { ann, rig } from './rig.ts';

it('sends what had no channel once there is one: open incidents and operations under way', async (t) => {
  const r = await rig(t, { defaults: { defaultChannel: undefined, alertChannel: undefined } });
  const { db } = r.database;
  await r.database.transaction((tx) => putTeam(tx, { name: 'etl', channel: null, alertChannel: null }));
  const incident = { cause: 'failed', facts: {}, runId: undefined, channel: undefined, fallbackChannels: [] } as const;
  await r.database.transaction(async (tx) => {
    await openIncident(tx, { ...incident, key: 'job:orders:failed', job: 'orders', cluster: 'standalone', title: 'orders failed' });
    await openIncident(tx, { ...incident, key: 'job:clicks:failed', job: 'clicks', cluster: 'standalone', title: 'clicks failed' });
    await resolveIncidents(tx, ['job:clicks:failed'], 'over');
    await openIncident(tx, { ...incident, key: 'cluster:standalone:unreachable', job: undefined, cluster: 'standalone', title: 'away' });
    const messageId = await desire(tx, {
      dedupeKey: 'operation:op_1',
      channel: '',
      message: { tone: 'busy', title: 'Stop views', parts: [] },
    });
    await insertOperation(tx, {
      id: 'op_1',
      kind: 'stop',
      job: 'views',
      state: 'running',
      holds: true,
      input: {},
      idemKey: 'op_1',
      actor: ann,
      origin: { kind: 'web' },
      messageId,
      createdAt: now,
    });
  });
  assert.equal(await placeHomeless(r.deps), false);
  assert.deepEqual(await claimDue(db, 'me', 10), []);
  await r.database.transaction((tx) => putTeam(tx, { name: 'etl', channel: 'C0ETL', alertChannel: 'C0ALERT' }));
  assert.equal(await placeHomeless(r.deps), true);
  const claimed = await claimDue(db, 'me', 10);
  assert.deepEqual(claimed.map((row) => [row.channel, row.fallbackChannels, row.desired.title]).sort(), [
    ['C0ALERT', ['C0ETL'], 'orders failed'],
    ['C0ETL', [], 'Stop views'],
  ]);
  assert.equal(await placeHomeless({ ...r.deps, defaults: { defaultChannel: 'C0ALL', alertChannel: 'C0OPS' } }), true);
  assert.deepEqual(
    (await claimDue(db, 'me', 10)).map((row) => [row.channel, row.desired.title]),
    [['C0OPS', 'away']],
  );
  assert.equal(await placeHomeless(r.deps), false, 'what is over needs no place');
  assert.equal((await findMessage(db, claimed[0]!.id))?.state, 'pending');
});
