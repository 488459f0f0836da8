import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { sleep } from '../../src/core/time.ts';
import { moveClock } from '../../src/db/clock.ts';
import { eq, sql } from '../../src/db/query.ts';
import { outboxMessages } from '../../src/db/schema/index.ts';
import { desire, findMessage, findMessageAt, outboxHealth } from '../../src/outbox/outbox.store.ts';
import { claimDue, renewClaim } from '../../src/outbox/turns.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { fakeSender } from './fake-sender.ts';
import { posts, said, start, state, titles, until, want } from './rig.ts';

describe('a message', () => {
  it('is posted once per key, and can be found by its place', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    const id = await want(database, 'k', { title: 'hello' });
    assert.equal(await want(database, 'k', { title: 'hello again' }), id, 'the same key is the same message');
    start(t, database, sender);
    await until(async () => (await state(database, id)) === 'sent');
    assert.deepEqual(titles(sender), ['hello again']);
    assert.equal(posts(sender).length, 1);
    const row = await findMessageAt(database.db, 'C1', 'ts-1');
    assert.deepEqual([row?.id, row?.permalink, row?.sentVersion], [id, 'https://slack.example/ts-1', 2]);
  });

  it('that changes often while it is sent becomes few edits, and ends as the last one', async (t) => {
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
    const loop = start(t, database, sender);
    const id = await want(database, 'k', { title: 'v0' });
    await until(() => posts(sender).length === 1, loop);
    for (let n = 1; n <= 50; n++) await want(database, 'k', { title: `v${n}` });
    release();
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['v50']);
    assert.deepEqual(
      sender.sent.map((s) => [s.what, s.title]),
      [
        ['post', 'v0'],
        ['update', 'v50'],
      ],
    );
  });

  it('goes out in the order of its channel: approvals, alerts, operations, digests', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    for (const [key, priority] of [
      ['digest', 3],
      ['operation-1', 2],
      ['operation-2', 2],
      ['alert', 1],
      ['approval', 0],
    ] as const)
      await want(database, key, { priority });
    start(t, database, sender);
    await until(() => posts(sender).length === 5);
    assert.equal(posts(sender)[0]?.title, 'approval');
    assert.deepEqual(
      posts(sender).map((p) => p.title),
      ['approval', 'alert', 'operation-1', 'operation-2', 'digest'],
    );
  });

  it('in another channel does not wait for a slow one', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    sender.on.post = async (sent) => {
      if (sent.channel === 'SLOW') await held;
      return undefined;
    };
    await want(database, 'slow', { channel: 'SLOW' });
    await want(database, 'slow-2', { channel: 'SLOW' });
    const fast = await want(database, 'fast', { channel: 'FAST' });
    start(t, database, sender);
    await until(async () => (await state(database, fast)) === 'sent');
    assert.deepEqual(titles(sender), ['fast']);
    assert.equal(posts(sender).filter((p) => p.channel === 'SLOW').length, 1, 'one at a time per channel');
    release();
    await until(() => sender.visible.size === 3);
  });

  it('keeps the pace of its channel', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    for (const key of ['a', 'b', 'c']) await want(database, key);
    start(t, database, sender, { paceMs: 150 });
    await until(() => posts(sender).length === 3);
    const at = posts(sender).map((p) => p.at);
    assert.ok(at[1]! - at[0]! >= 145 && at[2]! - at[1]! >= 145, String(at));
  });

  it('is not edited faster than its own pace', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    const loop = start(t, database, sender, { editPaceMs: 30_000 });
    const id = await want(database, 'k', { title: 'one' });
    await until(async () => (await state(database, id)) === 'sent', loop);
    await want(database, 'k', { title: 'two' });
    const other = await want(database, 'other');
    await until(async () => (await state(database, other)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['one', 'other'], 'others do not wait for it');
    await moveClock(database.db, 30_000);
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['two', 'other']);
  });
});

describe('Retry-After', () => {
  it('is waited for to the end, also when the message changes meanwhile', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let limited = true;
    sender.on.post = () => (limited ? { is: 'later', afterMs: 30_000, reason: 'ratelimited' } : undefined);
    const loop = start(t, database, sender);
    const id = await want(database, 'k', { title: 'one' });
    await until(async () => (await findMessage(database.db, id))?.attempts === 1, loop);
    limited = false;
    await want(database, 'k', { title: 'two' });
    await moveClock(database.db, 28_000);
    assert.deepEqual(await claimDue(database.db, 'b', 5), []);
    await moveClock(database.db, 3000);
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['two']);
    assert.equal(posts(sender).length, 2);
    assert.equal(
      sender.sent.some((s) => s.what === 'find'),
      false,
      'a refusal for now posted nothing',
    );
  });
});

describe('a post without an answer', () => {
  const unanswered = async (t: TestContext, arrived: boolean) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let first = true;
    sender.on.post = (sent) => {
      if (!first) return undefined;
      first = false;
      if (arrived)
        sender.visible.set('ts-lost', { channel: sent.channel, outboxId: sent.outboxId, title: sent.title, threadTs: undefined });
      return { is: 'unknown', reason: 'timed out' };
    };
    const loop = start(t, database, sender);
    const id = await want(database, 'k', { title: 'one' });
    await until(async () => (await findMessage(database.db, id))?.attempts === 1, loop);
    await moveClock(database.db, 5000);
    await until(async () => (await state(database, id)) === 'sent', loop);
    return { database, sender, id };
  };
  it('is looked for and adopted when it had arrived', async (t) => {
    const { database, sender, id } = await unanswered(t, true);
    assert.equal(sender.visible.size, 1);
    assert.equal(posts(sender).length, 1);
    assert.equal((await findMessage(database.db, id))?.sentTs, 'ts-lost');
    assert.deepEqual(titles(sender), ['one']);
  });
  it('is repeated when it had not', async (t) => {
    const { sender } = await unanswered(t, false);
    assert.deepEqual(
      sender.sent.map((s) => s.what),
      ['post', 'find', 'post'],
    );
    assert.equal(sender.visible.size, 1);
  });
  it('is looked for also after the process died in between', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    const id = await want(database, 'k', { title: 'one' });
    const [row] = await claimDue(database.db, 'dead', 1);
    assert.equal(await renewClaim(database.db, row!, 15_000, true), true);
    sender.visible.set('ts-lost', { channel: 'C1', outboxId: id, title: 'one', threadTs: undefined });
    await want(database, 'k', { title: 'two' });
    const loop = start(t, database, sender);
    await moveClock(database.db, 16_000);
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['two'], 'adopted, then brought up to date');
    assert.equal(posts(sender).length, 0);
  });
  it('is looked for again after a later try was refused for now: it may have arrived in between', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    let id = '';
    sender.on.post = () => {
      if (posts(sender).length === 1) return { is: 'unknown', reason: 'timed out' };
      sender.visible.set('ts-late', { channel: 'C1', outboxId: id, title: 'one', threadTs: undefined });
      return { is: 'later', afterMs: 1000, reason: 'ratelimited' };
    };
    const loop = start(t, database, sender);
    id = await want(database, 'k', { title: 'one' });
    for (const attempts of [1, 2]) {
      await until(async () => (await findMessage(database.db, id))?.attempts === attempts, loop);
      await moveClock(database.db, 5000);
    }
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(
      sender.sent.slice(0, 4).map((s) => s.what),
      ['post', 'find', 'post', 'find'],
    );
    assert.equal((await findMessage(database.db, id))?.sentTs, 'ts-late');
  });
  it('backs off: longer each time', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    sender.on.post = () => ({ is: 'unknown', reason: 'timed out' });
    const loop = start(t, database, sender);
    const id = await want(database, 'k');
    const pauses: number[] = [];
    for (let n = 1; n <= 4; n++) {
      await until(async () => (await findMessage(database.db, id))?.attempts === n, loop);
      const { rows } = await database.db.execute<{ ms: number }>(
        sql`select extract(epoch from next_at - sluice_now()) * 1000 as ms from outbox_messages`,
      );
      pauses.push(Number(rows[0]?.ms));
      await moveClock(database.db, Math.round(pauses[n - 1]! + 50));
    }
    for (let n = 1; n < 4; n++) assert.ok(pauses[n]! > pauses[n - 1]! * 1.3, pauses.join());
  });
});

describe('a channel that refuses', () => {
  it('is left for the fallback channel', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    sender.on.post = (sent) => (sent.channel === 'GONE' ? { is: 'refused', reason: 'is_archived' } : undefined);
    const id = await want(database, 'k', { channel: 'GONE', fallbackChannels: ['C2'], threadTs: '12.3' });
    const loop = start(t, database, sender);
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(
      posts(sender).map((p) => [p.channel, p.threadTs]),
      [
        ['GONE', '12.3'],
        ['C2', undefined],
      ],
      'a thread of the other channel means nothing there',
    );
    assert.equal((await findMessage(database.db, id))?.sentChannel, 'C2');
  });
  it('fails the message when the fallback refuses too; others go on, and it counts in the health', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    sender.on.post = (sent) => (['GONE', 'C2'].includes(sent.channel) ? { is: 'refused', reason: 'not_in_channel' } : undefined);
    const id = await want(database, 'k', { channel: 'GONE', fallbackChannels: ['C2'] });
    const other = await want(database, 'other', { channel: 'C3' });
    const loop = start(t, database, sender);
    await until(async () => (await state(database, id)) === 'failed', loop);
    await until(async () => (await state(database, other)) === 'sent', loop);
    assert.equal((await findMessage(database.db, id))?.lastError, 'not_in_channel');
    assert.deepEqual(await outboxHealth(database.db), { pending: 0, failed: 1, oldestMs: 0 });
    assert.equal(posts(sender).length, 3);
  });
  it('is followed by each of the others, no place twice; the message says where it should have gone', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    sender.on.post = (sent) => (['GONE', 'TEAM', 'OPS'].includes(sent.channel) ? { is: 'refused', reason: 'is_archived' } : undefined);
    const id = await want(database, 'k', { channel: 'GONE', fallbackChannels: ['GONE', 'TEAM', 'OPS', 'TEAM', 'ALL'] });
    const loop = start(t, database, sender);
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(
      posts(sender).map((p) => p.channel),
      ['GONE', 'TEAM', 'OPS', 'ALL'],
    );
    assert.match(posts(sender).at(-1)?.text ?? '', /Meant for #GONE, where Sluice cannot post/);
    assert.doesNotMatch(posts(sender)[0]?.text ?? '', /Meant for/);
  });
  it('that deleted the message gets it posted anew', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    const loop = start(t, database, sender);
    const id = await want(database, 'k', { title: 'one' });
    await until(async () => (await state(database, id)) === 'sent', loop);
    sender.visible.clear();
    await want(database, 'k', { title: 'two' });
    await until(async () => (await state(database, id)) === 'sent', loop);
    assert.deepEqual(titles(sender), ['two']);
    assert.deepEqual(
      sender.sent.map((s) => s.what),
      ['post', 'update', 'post'],
    );
  });
});

describe('a message in a thread', () => {
  it('waits for its root, and goes where the root really went', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    sender.on.post = (sent) => (sent.channel === 'GONE' ? { is: 'refused', reason: 'is_archived' } : undefined);
    const root = await desire(database.db, {
      dedupeKey: 'root',
      channel: 'GONE',
      fallbackChannels: ['C2'],
      message: said('root'),
      priority: 3,
    });
    const reply = await want(database, 'reply', { channel: 'GONE', threadOf: root, priority: 0 });
    const loop = start(t, database, sender);
    await until(async () => (await state(database, reply)) === 'sent', loop);
    assert.deepEqual(
      [...sender.visible.values()].map((v) => [v.title, v.channel, v.threadTs]),
      [
        ['root', 'C2', undefined],
        ['reply', 'C2', 'ts-1'],
      ],
    );
  });
});

describe('two replicas', () => {
  it('never post a message twice', async (t) => {
    const database = await sharedDb(t);
    const sender = fakeSender();
    sender.on.post = async () => {
      await sleep(5);
      return undefined;
    };
    const loops = ['a', 'b'].map((owner) => start(t, database, sender, { owner }));
    const ids: string[] = [];
    for (let n = 0; n < 60; n++) {
      ids.push(await want(database, `k${n}`, { channel: `C${n % 6}` }));
      for (const loop of loops) loop.wake();
    }
    await until(async () => (await outboxHealth(database.db)).pending === 0, loops[0]);
    assert.equal(posts(sender).length, 60);
    assert.equal(new Set(posts(sender).map((p) => p.outboxId)).size, 60);
  });

  it('a row that the other one holds is taken over only when its lease ran out, and the late one writes nothing', async (t) => {
    const database = await sharedDb(t);
    await want(database, 'k');
    const [first] = await claimDue(database.db, 'a', 1);
    assert.ok(first);
    assert.deepEqual(await claimDue(database.db, 'b', 1), []);
    await moveClock(database.db, 16_000);
    const [second] = await claimDue(database.db, 'b', 1);
    assert.equal(second?.id, first.id);
    assert.equal(await renewClaim(database.db, first), false);
    assert.equal(await renewClaim(database.db, second!), true);
    const [row] = await database.db.select().from(outboxMessages).where(eq(outboxMessages.id, first.id));
    assert.equal(row?.owner, 'b');
  });
});
