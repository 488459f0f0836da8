import assert from 'node:assert/strict';
import { it } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import { listLeftOut } from '../../src/outbox/left-out.store.ts';
import { findMessage, outboxHealth } from '../../src/outbox/outbox.store.ts';
import { watcherFacts } from '../../src/watch/watcher.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { fakeSender } from './fake-sender.ts';
import { start, state, until, want } from './rig.ts';

it('what some of its recipients lack is sent again after the pause and at once with news; it holds up nobody and is not late', async (t) => {
  const database = await sharedDb(t);
  const sender = fakeSender();
  const sent = { is: 'sent', channel: 'C1', ts: 'mark' } as const;
  const lacks = { ...sent, again: { afterMs: 600_000, reason: 'ops: 450 later' } };
  sender.on.post = (one) => (one.title === 'one' ? lacks : undefined);
  sender.on.update = () => sent;
  const loop = start(t, database, sender);
  const id = await want(database, 'k', { title: 'one' });
  const other = await want(database, 'other');
  await until(async () => (await state(database, other)) === 'sent', loop);
  const row = await findMessage(database.db, id);
  assert.deepEqual([row?.state, row?.sentTs, row?.lastError], ['pending', 'mark', 'ops: 450 later']);
  assert.equal((await watcherFacts(database.db)).oldestUnsentAgeMs, undefined);
  await moveClock(database.db, 9 * 60_000);
  assert.equal(sender.sent.filter((one) => one.what === 'update').length, 0);
  await moveClock(database.db, 2 * 60_000);
  assert.equal((await outboxHealth(database.db)).oldestMs, 0);
  await until(async () => (await state(database, id)) === 'sent', loop);
  sender.on.update = () => lacks;
  await want(database, 'k', { title: 'two' });
  await until(() => sender.sent.filter((one) => one.what === 'update').length === 2, loop);
  sender.on.update = () => sent;
  await want(database, 'k', { title: 'resolved' });
  await until(async () => (await state(database, id)) === 'sent', loop);
});

it('who is refused for good is known of the channel, and told once a day where the installation is told', async (t) => {
  const database = await sharedDb(t);
  const sender = fakeSender();
  const left = [{ who: 'ops@example.com', words: '550 no such user' }];
  sender.on.post = (one) =>
    one.channel === 'C1' ? { is: 'sent', channel: 'C1', ts: one.title, left: one.title === 'well' ? [] : left } : undefined;
  const loop = start(t, database, sender, { troubleChannel: 'C0ALL' });
  for (const title of ['one', 'two']) {
    const id = await want(database, title, { title });
    await until(async () => (await state(database, id)) === 'sent', loop);
  }
  const told = () => sender.sent.filter((one) => one.what === 'post' && one.channel === 'C0ALL');
  await until(() => told().length > 0, loop);
  assert.match(told()[0]?.text ?? '', /The channel C1 does not reach everybody\n.*ops@example.com.*550 no such user/s);
  assert.deepEqual(
    (await listLeftOut(database.db)).map((one) => [one.channel, one.recipients]),
    [['C1', left]],
  );
  await moveClock(database.db, 24 * 3_600_000);
  const third = await want(database, 'three');
  await until(async () => (await state(database, third)) === 'sent' && told().length === 2, loop);
  const well = await want(database, 'well');
  await until(async () => (await state(database, well)) === 'sent' && (await listLeftOut(database.db)).length === 0, loop);
});
