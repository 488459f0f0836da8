import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { eq } from '../../src/db/query.ts';
import { outboxMessages } from '../../src/db/schema/index.ts';
import type { DeliveryLoop } from '../../src/outbox/deliver.ts';
import { findMessage, outboxHealth, resumeKind, reviveChannel } from '../../src/outbox/outbox.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { type FakeSender, fakeSender } from './fake-sender.ts';
import { posts, start, state, titles, until, want } from './rig.ts';

const minute = 60_000;
/** The channel did what it was asked, and its answer was lost. */
async function lose(sender: FakeSender, sent: { channel: string; outboxId: string; title: string; threadTs: string | undefined }) {
  sender.visible.set(`lost-${sent.outboxId}`, { ...sent });
  return { is: 'unknown', reason: 'connection lost' } as const;
}
const idle = async (database: Database, id: string) => (await findMessage(database.db, id))?.owner === null;

describe('an answer that was lost before a long outage', () => {
  it('is looked for from the first attempt on, however many there were since', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let calls = 0;
    const since: Date[] = [];
    const find = sender.find.bind(sender);
    let away = true;
    sender.find = async (delivery, from) => {
      since.push(from);
      // Slack is away: it cannot be told; after that, looking from a later moment would miss it.
      return away ? undefined : find(delivery, from);
    };
    sender.on.post = (sent) => (++calls === 1 ? lose(sender, sent) : away ? { is: 'unknown', reason: 'away' } : undefined);
    const loop = start(t, database, sender);
    const id = await want(database, 'k', { title: 'one' });
    for (let tries = 2; tries <= 4; tries++) {
      await until(async () => calls >= tries - 1 && (await idle(database, id)), loop);
      await moveClock(database.db, 2 * minute);
    }
    await until(async () => calls >= 4 && (await idle(database, id)), loop);
    away = false;
    await moveClock(database.db, 60 * minute);
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['one'], 'posted once');
    assert.equal(new Set(since.map((from) => from.getTime())).size, 1, 'from the same moment each time');
  });

  it('is not posted again while it cannot be told whether it stands there', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let looks = 0;
    sender.on.post = (sent) => (posts(sender).length === 1 ? lose(sender, sent) : undefined);
    sender.on.find = (sent) => (++looks < 4 ? 'unclear' : { channel: 'C1', ts: `lost-${sent.outboxId}` });
    const loop = start(t, database, sender);
    const id = await want(database, 'k', { title: 'one' });
    for (let look = 1; look < 4; look++) {
      await until(async () => looks >= look - 1 && posts(sender).length === 1 && (await idle(database, id)), loop);
      await moveClock(database.db, 2 * minute);
      await until(() => looks >= look, loop);
    }
    await until(async () => {
      await moveClock(database.db, 2 * minute);
      return (await state(database, id)) === 'sent';
    }, loop);
    assert.equal(posts(sender).length, 1);
    assert.equal((await findMessage(database.db, id))?.sentTs, `lost-${id}`);
  });
});

describe('a message whose channel takes no edits any more', () => {
  async function moved(t: Parameters<typeof sharedDb>[0]) {
    const database = await sharedDb(t);
    const sender = fakeSender();
    const closed = { is: false };
    const refuse = (sent: { channel: string }) =>
      closed.is && sent.channel === 'C1' ? ({ is: 'refused', reason: 'channel_not_found' } as const) : undefined;
    sender.on = { post: refuse, update: refuse };
    const loop = start(t, database, sender);
    const id = await want(database, 'incident:inc_1', { title: 'etl failed', fallbackChannels: ['C2'] });
    const reply = await want(database, 'event', { title: 'restarted', threadOf: id });
    await until(async () => (await state(database, reply)) === 'sent', loop);
    closed.is = true;
    const late = await want(database, 'event-2', { title: 'acknowledged', threadOf: id });
    await until(async () => (await state(database, late)) === 'failed', loop);
    await want(database, 'incident:inc_1', { title: 'etl runs again' });
    await until(async () => (await state(database, id)) === 'sent' && (await state(database, late)) === 'sent', loop);
    return { database, sender, closed, loop, id, late };
  }
  const standing = (sender: FakeSender, channel: string) => [...sender.visible.values()].filter((v) => v.channel === channel);

  it('goes on in the other channel with what its thread has not yet said, and once', async (t) => {
    const { database, sender, id, late } = await moved(t);
    assert.deepEqual(
      standing(sender, 'C2').map((v) => v.title),
      ['etl runs again', 'acknowledged'],
    );
    const root = (await findMessage(database.db, id))?.sentTs;
    assert.equal(standing(sender, 'C2').find((v) => v.title === 'acknowledged')?.threadTs, root);
    assert.equal((await findMessage(database.db, late))?.sentChannel, 'C2');
    assert.equal((await outboxHealth(database.db)).failed, 0, 'nothing of it is undelivered');
  });

  it('leaves no old state behind: once the old place takes edits, it says where it went', async (t) => {
    const { database, sender, closed, loop } = await moved(t);
    assert.equal(standing(sender, 'C1')[0]?.title, 'etl failed');
    closed.is = false;
    await reviveChannel(database.db, 'slack', 'C1');
    await until(() => standing(sender, 'C1')[0]?.title === 'This is told elsewhere now', loop);
    assert.equal(standing(sender, 'C1').length, 2, 'the message and its first reply, nothing new');
  });

  it('or nothing, when the old message is gone', async (t) => {
    const { database, sender, closed, loop } = await moved(t);
    for (const [ts, v] of sender.visible) if (v.channel === 'C1') sender.visible.delete(ts);
    closed.is = false;
    await reviveChannel(database.db, 'slack', 'C1');
    await until(
      async () =>
        (await database.db.select().from(outboxMessages).where(eq(outboxMessages.dedupeKey, 'left:incident:inc_1')))[0]?.state === 'sent',
      loop,
    );
    assert.deepEqual(standing(sender, 'C1'), []);
  });
});

describe('what was put off', () => {
  async function putOff(
    t: Parameters<typeof sharedDb>[0],
  ): Promise<{ database: Database; sender: FakeSender; loop: DeliveryLoop; ids: string[] }> {
    const database = await sharedDb(t);
    const sender = fakeSender();
    sender.on.post = () => ({ is: 'later', afterMs: 60 * minute, reason: 'token_revoked' });
    const loop = start(t, database, sender);
    const ids = [await want(database, 'one'), await want(database, 'two', { channel: 'C2' })];
    await until(async () => posts(sender).length === 2 && (await Promise.all(ids.map((id) => idle(database, id)))).every(Boolean), loop);
    return { database, sender, loop, ids };
  }

  it('goes out at once, the newest of each, when the token is taken again', async (t) => {
    const { database, sender, loop, ids } = await putOff(t);
    await want(database, 'one', { title: 'one, changed' });
    delete sender.on.post;
    await resumeKind(database.db, 'slack');
    await until(async () => (await Promise.all(ids.map((id) => state(database, id)))).every((s) => s === 'sent'), loop);
    assert.deepEqual(titles(sender).sort(), ['one, changed', 'two']);
  });
});
