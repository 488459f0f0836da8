import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eq } from '../../src/db/query.ts';
import { incidents, outboxMessages } from '../../src/db/schema/index.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { leaveBehind } from '../../src/outbox/leftover.store.ts';
import { desire } from '../../src/outbox/outbox.store.ts';
import { incidentAt } from '../../src/slack/incident-at.ts';
import { sharedDb } from '../helpers/shared-db.ts';

test('an incident is found by its message, also where the message once stood; other messages tell of none', async (t) => {
  const { db, transaction } = await sharedDb(t);
  await transaction((tx) =>
    openIncident(tx, {
      key: 'cluster:standalone:unreachable',
      job: undefined,
      cluster: 'standalone',
      cause: 'unreachable',
      title: 'standalone does not answer',
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: ['C0ETL'],
    }),
  );
  const [incident] = await db.select().from(incidents);
  assert.ok(incident?.messageId);
  const standing = { state: 'sent', sentChannel: 'C0ALERTS', sentTs: '1700000000.000100' } as const;
  const [row] = await db.update(outboxMessages).set(standing).where(eq(outboxMessages.id, incident.messageId)).returning();
  const other = await desire(db, { dedupeKey: 'digest:1', channel: 'C0ETL', message: { tone: 'neutral', title: 'Digest', parts: [] } });
  await db.update(outboxMessages).set({ sentChannel: 'C0ETL', sentTs: '1700000000.000200' }).where(eq(outboxMessages.id, other));
  assert.equal(await incidentAt(db, 'C0ALERTS', '1700000000.000100'), incident.id);
  assert.equal(await incidentAt(db, 'C0ETL', '1700000000.000200'), undefined);
  assert.equal(await incidentAt(db, 'C0ETL', '1700000000.000100'), undefined, 'of another channel');

  assert.ok(row);
  await leaveBehind(db, row);
  await db.update(outboxMessages).set({ sentChannel: 'C0ETL', sentTs: '1700000000.000300' }).where(eq(outboxMessages.id, row.id));
  assert.equal(await incidentAt(db, 'C0ALERTS', '1700000000.000100'), incident.id);
  assert.equal(await incidentAt(db, 'C0ETL', '1700000000.000300'), incident.id);
});
