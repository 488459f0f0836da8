import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { outboxChannels } from '../../src/db/schema/index.ts';
import { findMessage, outboxHealth, placeMessage, reviveChannel } from '../../src/outbox/outbox.store.ts';
import { claimDue } from '../../src/outbox/turns.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { fakeSender } from './fake-sender.ts';
import { posts, start, state, titles, until, want } from './rig.ts';

const minute = 60_000;
async function refusing(t: TestContext) {
  const database = await sharedDb(t);
  const sender = fakeSender();
  const open = { is: false };
  sender.on.post = (sent) => (sent.channel === 'C1' && !open.is ? { is: 'refused', reason: 'not_in_channel' } : undefined);
  const loop = start(t, database, sender);
  const id = await want(database, 'k', { title: 'one' });
  await until(async () => (await state(database, id)) === 'failed' && (await idle(database)), loop);
  return { database, sender, open, loop, id };
}

/** Nothing is being sent or written down. */
async function idle(database: Database): Promise<boolean> {
  return (await database.db.select().from(outboxChannels)).every((channel) => channel.owner === null);
}

describe('a message that its channel refused', () => {
  it('is not tried again for each change, but every ten minutes', async (t) => {
    const { database, sender, loop, id } = await refusing(t);
    for (let n = 0; n < 20; n++) await want(database, 'k', { title: `change ${n}` });
    const other = await want(database, 'other', { channel: 'C2' });
    await until(async () => (await state(database, other)) === 'sent', loop);
    assert.equal(posts(sender).filter((p) => p.channel === 'C1').length, 1);
    assert.equal((await outboxHealth(database.db)).failed, 1);
    await moveClock(database.db, 9 * minute);
    assert.deepEqual(await claimDue(database.db, 'b', 5), []);
    await moveClock(database.db, 2 * minute);
    await until(() => posts(sender).filter((p) => p.channel === 'C1').length === 2, loop);
    await until(() => idle(database), loop);
    assert.equal(await state(database, id), 'failed');
    assert.deepEqual(await claimDue(database.db, 'b', 5), [], 'and then waits again');
  });

  it('is sent, as it should be by then, once the channel takes it; and so are the others there', async (t) => {
    const { database, sender, open, loop, id } = await refusing(t);
    const second = await want(database, 'second');
    await until(async () => (await state(database, second)) === 'failed', loop);
    await want(database, 'k', { title: 'newest' });
    open.is = true;
    await moveClock(database.db, 11 * minute);
    await until(async () => (await state(database, id)) === 'sent' && (await state(database, second)) === 'sent', loop);
    assert.deepEqual(titles(sender).sort(), ['newest', 'second']);
    assert.deepEqual(await outboxHealth(database.db), { pending: 0, failed: 0, oldestMs: 0 });
  });

  it('costs a channel one try in ten minutes, however many there are, and each gets its turn', async (t) => {
    const { database, sender, loop } = await refusing(t);
    for (const key of ['two', 'three']) {
      const id = await want(database, key);
      await until(async () => (await state(database, id)) === 'failed', loop);
    }
    await until(() => idle(database), loop);
    const tried = [];
    for (let n = 0; n < 3; n++) {
      const before = posts(sender).length;
      await moveClock(database.db, 10 * minute + 1500);
      await until(() => posts(sender).length > before, loop);
      await until(() => idle(database), loop);
      assert.equal(posts(sender).length, before + 1);
      tried.push(posts(sender).at(-1)?.title);
    }
    assert.deepEqual(tried.sort(), ['one', 'three', 'two']);
  });

  it('is sent at once when Sluice is let into the channel', async (t) => {
    const { database, open, loop, id } = await refusing(t);
    open.is = true;
    await reviveChannel(database.db, 'slack', 'C1');
    await until(async () => (await state(database, id)) === 'sent', loop);
  });

  it('is given up after a day without a change', async (t) => {
    const { database, sender, open, loop, id } = await refusing(t);
    await moveClock(database.db, 25 * 60 * minute);
    await until(() => posts(sender).length === 2, loop);
    await until(() => idle(database), loop);
    open.is = true;
    await moveClock(database.db, 60 * minute);
    assert.deepEqual(await claimDue(database.db, 'b', 5), []);
    await want(database, 'k', { title: 'news' });
    await moveClock(database.db, 11 * minute);
    await until(async () => (await state(database, id)) === 'sent', loop);
  });
});

describe('a message without a channel', () => {
  it('counts as failed, is not tried, and is sent once it has one', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    const id = await want(database, 'k', { channel: '', title: 'one' });
    const reply = await want(database, 'reply', { channel: '', threadOf: id });
    await want(database, 'k', { channel: '', title: 'two' });
    assert.deepEqual(await outboxHealth(database.db), { pending: 0, failed: 2, oldestMs: 0 });
    await moveClock(database.db, 30 * 24 * 60 * minute);
    const loop = start(t, database, sender);
    const other = await want(database, 'other');
    await until(async () => (await state(database, other)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['other']);
    assert.equal((await findMessage(database.db, id))?.lastError, 'no channel is set');
    await placeMessage(database.db, id, 'C7', []);
    await until(async () => (await state(database, reply)) === 'sent', loop);
    assert.deepEqual(
      [...sender.visible.values()].slice(1).map((v) => [v.title, v.channel, v.threadTs]),
      [
        ['two', 'C7', undefined],
        ['reply', 'C7', 'ts-2'],
      ],
    );
    await placeMessage(database.db, id, 'C8', []);
    assert.equal((await findMessage(database.db, id))?.channel, 'C7', 'one that has a place stays');
  });
});
