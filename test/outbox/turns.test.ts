import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { sleep } from '../../src/core/time.ts';
import { moveClock } from '../../src/db/clock.ts';
import { openDb } from '../../src/db/db.ts';
import { deliverOne } from '../../src/outbox/deliver-one.ts';
import { findMessage, noteLater, noteSent, outboxHealth } from '../../src/outbox/outbox.store.ts';
import { type ClaimedRow, claimDue, endTurn, renewClaim } from '../../src/outbox/turns.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { createTestTarget } from '../helpers/test-db.ts';
import { fakeSender } from './fake-sender.ts';
import { posts, start, state, titles, until, want } from './rig.ts';

describe('the turn of a channel', () => {
  for (const replicas of [2, 5])
    it(`is of one of ${replicas} replicas that look at once`, { timeout: 60_000 }, async (t) => {
      const opened = [] as ReturnType<typeof openDb>[];
      const target = await createTestTarget(t, { beforeDrop: async () => void (await Promise.all(opened.map((d) => d.close()))) });
      for (let n = 0; n < replicas; n++)
        opened.push(openDb({ log: silentLog, max: 2, connectTimeoutMs: 20_000, queryTimeoutMs: 20_000, ...target }));
      const wants = openDb({ log: silentLog, max: 3, connectTimeoutMs: 20_000, queryTimeoutMs: 20_000, ...target });
      opened.push(wants);
      const open = new Map<string, string>();
      const sent: string[] = [];
      const deliver = async (owner: string, row: ClaimedRow, db: (typeof opened)[number]['db']) => {
        assert.equal(open.get(row.channel), undefined, `${row.channel} is open to ${open.get(row.channel)}, and now to ${owner}`);
        open.set(row.channel, owner);
        await sleep(1);
        sent.push(row.desired.title);
        open.delete(row.channel);
        await noteSent(db, row, { channel: row.channel, ts: row.id }, 0);
        await endTurn(db, row, 0);
      };
      // Ever more urgent ones come in meanwhile: a replica that looks a moment later would choose another message than the one before it.
      const perChannel = 30;
      let wanting = true;
      const producing = Promise.all(
        ['C1', 'C2', 'C3'].map(async (channel) => {
          for (let n = 0; n < perChannel; n++)
            await want(wants, `${channel}-${n}`, { channel, title: `${channel}-${n}`, priority: 3 - (n % 4) });
        }),
      ).finally(() => {
        wanting = false;
      });
      await Promise.all([
        producing,
        ...opened.slice(0, replicas).map(async ({ db }, n) => {
          while (wanting || (await outboxHealth(db)).pending > 0)
            await Promise.all((await claimDue(db, `replica-${n}`, 16)).map((row) => deliver(`replica-${n}`, row, db)));
        }),
      ]);
      assert.equal(sent.length, 3 * perChannel);
      assert.equal(new Set(sent).size, sent.length, 'nothing twice');
    });

  it('is not taken twice when two look at the same moment and see different messages first', async (t) => {
    const database = await sharedDb(t);
    const elsewhere = AsyncLocalStorage.snapshot();
    await want(database, 'before');
    const [before] = await claimDue(database.db, 'a', 5);
    await noteSent(database.db, before!, { channel: 'C1', ts: '1' }, 0);
    await endTurn(database.db, before!, 0);
    await want(database, 'alert', { priority: 1 });
    let second: Promise<ClaimedRow[]> | undefined;
    await database.transaction(async (tx) => {
      assert.equal((await claimDue(tx, 'a', 5))[0]?.desired.title, 'alert');
      // The claim is not visible yet to who looks now, and sees a more urgent message.
      second = elsewhere(() => want(database, 'approval', { priority: 0 }).then(() => claimDue(database.db, 'b', 5)));
      await Promise.race([second, sleep(300)]);
    });
    assert.deepEqual(await second, []);
  });

  it('goes to what was wanted first, edits as they become due', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    const edited = await want(database, 'edited');
    const loop = start(t, database, sender);
    await until(async () => (await state(database, edited)) === 'sent', loop);
    await loop.stop();
    for (const key of ['one', 'two']) await want(database, key);
    await want(database, 'edited', { title: 'edited once' });
    await want(database, 'three');
    const again = start(t, database, sender);
    await until(() => sender.sent.length === 5, again);
    assert.deepEqual(
      sender.sent.map((s) => s.title),
      ['edited', 'one', 'two', 'edited once', 'three'],
    );
  });

  it('keeps its pace also when another replica sends next', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    for (let n = 0; n < 6; n++) await want(database, `k${n}`);
    const loops = ['a', 'b', 'c'].map((owner) => start(t, database, sender, { owner, paceMs: 120 }));
    await until(() => posts(sender).length === 6, loops[0]);
    const at = posts(sender).map((p) => p.at);
    for (let n = 1; n < at.length; n++) assert.ok(at[n]! - at[n - 1]! >= 115, at.map((ms) => Math.round(ms - at[0]!)).join());
  });

  it('is nobody’s while the channel asks to be left alone: what is newer does not overtake', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let limited = true;
    sender.on.post = () => (limited ? { is: 'later', afterMs: 60_000, reason: 'ratelimited' } : undefined);
    const loop = start(t, database, sender);
    const first = await want(database, 'first');
    await until(async () => (await findMessage(database.db, first))?.attempts === 1, loop);
    limited = false;
    const second = await want(database, 'second');
    await moveClock(database.db, 58_000);
    assert.deepEqual(await claimDue(database.db, 'b', 5), []);
    await moveClock(database.db, 3000);
    await until(async () => (await state(database, second)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['first', 'second']);
  });

  it('is taken again at once by an owner that lost it with its connection, and by nobody else', async (t) => {
    const database = await sharedDb(t);
    await want(database, 'claimed, and the answer was lost');
    const [lost] = await claimDue(database.db, 'me', 5);
    assert.ok(lost);
    assert.deepEqual(await claimDue(database.db, 'me', 5, undefined, [lost]), [], 'it is being sent');
    assert.deepEqual(await claimDue(database.db, 'other', 5, undefined, []), []);
    const [again] = await claimDue(database.db, 'me', 5, undefined, []);
    assert.equal(again?.id, lost.id);
    assert.equal(await renewClaim(database.db, lost), false, 'what was lost is over');
    assert.equal(await renewClaim(database.db, again as ClaimedRow), true);
  });

  it('of one message that gets no answer does not stop the others', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    sender.on.post = (sent) => (sent.title === 'poison' ? { is: 'unknown', reason: 'http_500' } : undefined);
    await want(database, 'poison');
    const loop = start(t, database, sender);
    const other = await want(database, 'other');
    await until(async () => (await state(database, other)) === 'sent', loop);
  });
});

describe('a claim', () => {
  it('of a slow channel is renewed: nobody else posts the same again', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    sender.on.post = async () => {
      await held;
      return undefined;
    };
    const id = await want(database, 'k');
    const loops = ['a', 'b'].map((owner) => start(t, database, sender, { owner, leaseMs: 600 }));
    await until(() => posts(sender).length === 1);
    const slowUntil = performance.now() + 2000;
    await until(() => performance.now() > slowUntil, loops[1]);
    assert.equal(posts(sender).length, 1);
    release();
    await until(async () => (await state(database, id)) === 'sent', loops[0]);
    assert.deepEqual([posts(sender).length, sender.sent.some((s) => s.what === 'find')], [1, false]);
  });

  it('does not hold for ever when a sender hangs: the post is looked for, then repeated', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let hang = true;
    sender.on.post = async () => {
      if (hang) await new Promise(() => {});
      return undefined;
    };
    const loop = start(t, database, sender, { sendWithinMs: 50 });
    const id = await want(database, 'k');
    await until(async () => (await findMessage(database.db, id))?.attempts === 1, loop);
    assert.match((await findMessage(database.db, id))?.lastError ?? '', /no answer in \d+ ms/);
    hang = false;
    await moveClock(database.db, 5000);
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(
      sender.sent.map((s) => s.what),
      ['post', 'find', 'post'],
    );
  });

  it('that was lost sends and writes nothing more', async (t) => {
    const database = await sharedDb(t);
    const id = await want(database, 'k');
    const [frozen] = await claimDue(database.db, 'frozen', 1);
    await moveClock(database.db, 16_000);
    const [mine] = await claimDue(database.db, 'me', 1);
    assert.equal(mine?.id, id);
    assert.equal(await renewClaim(database.db, frozen!, 15_000, true), false);
    assert.equal(await noteSent(database.db, frozen!, { channel: 'C1', ts: 'stale' }, 0), false);
    assert.equal(await noteLater(database.db, frozen!, 1, 'stale', false), false);
    await endTurn(database.db, frozen!, 0);
    assert.deepEqual(await claimDue(database.db, 'third', 5), [], 'the turn is still ours');
    const row = await findMessage(database.db, id);
    assert.deepEqual([row?.owner, row?.sentTs, row?.postingSince, row?.lastError], ['me', null, null, null]);
    assert.equal(await renewClaim(database.db, mine!), true);
  });

  it('is given up when only the turn was lost, to a message before it', async (t) => {
    const database = await sharedDb(t);
    await want(database, 'digest', { priority: 3 });
    const [frozen] = await claimDue(database.db, 'frozen', 1);
    await moveClock(database.db, 16_000);
    await want(database, 'alert', { priority: 1 });
    const [alert] = await claimDue(database.db, 'me', 1);
    assert.equal(alert?.desired.title, 'alert');
    assert.equal(await renewClaim(database.db, frozen!), false);
  });

  it('that was lost while its edit was under way: the newest text is sent once more', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    const id = await want(database, 'k', { title: 'one' });
    const one = start(t, database, sender);
    await until(async () => (await state(database, id)) === 'sent', one);
    await one.stop();
    const underway = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    sender.on.update = async (sent) => {
      if (sent.title !== 'two') return undefined;
      underway.resolve();
      await held.promise;
      return undefined;
    };
    await want(database, 'k', { title: 'two' });
    const [frozen] = await claimDue(database.db, 'a', 1);
    const sending = deliverOne({ db: database.db, senders: [sender], owner: 'a', log: silentLog, paceMs: 0, editPaceMs: 0 }, frozen!);
    await underway.promise;
    await want(database, 'k', { title: 'three' });
    await moveClock(database.db, 16_000);
    const other = start(t, database, sender, { owner: 'b' });
    await until(async () => (await state(database, id)) === 'sent', other);
    assert.deepEqual(titles(sender), ['three']);
    // The old edit arrives after all.
    held.resolve();
    await sending;
    await until(() => sender.sent.filter((s) => s.title === 'three').length === 2, other);
    await until(async () => (await state(database, id)) === 'sent', other);
    assert.deepEqual(titles(sender), ['three']);
  });
});
