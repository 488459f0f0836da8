import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { type Message, message } from '../../src/core/message.ts';
import type { Database } from '../../src/db/db.ts';
import { eq } from '../../src/db/query.ts';
import { outboxMessages } from '../../src/db/schema/index.ts';
import { startDelivery } from '../../src/outbox/deliver.ts';
import { desire, findMessage } from '../../src/outbox/outbox.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { until } from '../outbox/rig.ts';
import { startReceiver } from './http-receiver.ts';
import { startMailServer } from './mail-server.ts';
import { channelsOf, incidentMessage } from './rig.ts';

/** Wants a message in a channel of another kind than Slack. */
async function want(database: Database, kind: string, channel: string, key: string, what: Message, threadOf?: string): Promise<string> {
  return database.transaction(async (tx) => {
    const id = await desire(tx, { dedupeKey: key, channel, message: what, threadOf });
    await tx.update(outboxMessages).set({ channelKind: kind }).where(eq(outboxMessages.id, id));
    return id;
  });
}
async function deliver(t: TestContext, database: Database, settings: Record<string, unknown>) {
  const { senders } = channelsOf(settings);
  const loop = startDelivery({ db: database.db, senders, owner: 'a', log: silentLog, paceMs: 0, editPaceMs: 0 });
  t.after(() => loop.stop());
  return loop;
}
const isSent = async (database: Database, id: string) => (await findMessage(database.db, id))?.state === 'sent';

test('the outbox tells an incident by webhook, with its timeline, and repeats what was lost under the same key', async (t) => {
  const database = await sharedDb(t);
  const hook = await startReceiver(t, 'cut');
  const id = await want(database, 'webhook', 'hook', 'incident:1', incidentMessage('firing'));
  const loop = await deliver(t, database, { hook: { kind: 'webhook', url: hook.url } });
  await until(() => hook.received.length === 1, loop);
  hook.reply = {};
  await until(() => isSent(database, id), loop);
  assert.equal(hook.received[1]?.headers['idempotency-key'], hook.received[0]?.headers['idempotency-key']);
  const note = await want(database, 'webhook', 'hook', 'incident:1:note', message('neutral', 'Ada looks after it'), id);
  await until(() => isSent(database, note), loop);
  await want(database, 'webhook', 'hook', 'incident:1', incidentMessage('resolved'));
  await until(() => hook.received.length === 4, loop);
  assert.deepEqual(
    hook.received.map(({ json }) => [json['id'], json['edition'], json['thread'], (json['incident'] as { state: string } | null)?.state]),
    [
      [id, 1, null, 'firing'],
      [id, 1, null, 'firing'],
      [note, 1, id, undefined],
      [id, 2, null, 'resolved'],
    ],
  );
});

test('the outbox tells an incident by mail and keeps it in one thread, over a new start', async (t) => {
  const database = await sharedDb(t);
  const server = await startMailServer(t, 'unused', { authOptional: true });
  const settings = {
    mail: { kind: 'email', host: '127.0.0.1', port: server.port, security: 'none', from: 'sluice@example.com', to: ['oncall@example.com'] },
  };
  const id = await want(database, 'email', 'mail', 'incident:1', incidentMessage('firing'));
  const first = await deliver(t, database, settings);
  await until(() => isSent(database, id), first);
  await first.stop();
  const note = await want(database, 'email', 'mail', 'incident:1:note', message('neutral', 'Ada looks after it'), id);
  await want(database, 'email', 'mail', 'incident:1', incidentMessage('resolved'));
  const second = await deliver(t, database, settings);
  await until(async () => server.mails.length === 3 && (await isSent(database, note)) && (await isSent(database, id)), second);
  const [root, ...rest] = server.mails;
  assert.ok(root);
  assert.ok(root.messageId?.startsWith(`<${id}.`));
  assert.deepEqual(
    rest.map((mail) => mail.inReplyTo),
    [root.messageId, root.messageId],
  );
  assert.deepEqual(rest.map((mail) => mail.subject).sort(), ['Ada looks after it', 'Resolved: etl-orders failed']);
});
