import assert from 'node:assert/strict';
import { it } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import { holdLease, leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import { winTick } from '../../src/watch/schedules.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

it('gives each tick to one of many replicas, and the next tick anew', async (t) => {
  const { db } = await sharedDb(t);
  for (const minute of [0, 1, 2]) {
    const wins = await Promise.all(Array.from({ length: 20 }, () => winTick(db, 'digest', new Date(minute * 60_000))));
    assert.equal(wins.filter(Boolean).length, 1, `minute ${minute}`);
  }
  assert.equal(await winTick(db, 'digest', new Date(60_000)), false, 'a late replica does not repeat an old tick');
  assert.equal(await winTick(db, 'other', new Date(0)), true);
});

it('shares clusters among replicas: each is polled by one, and taken over when that one is gone', async (t) => {
  const { db } = await sharedDb(t);
  const names = ['c1', 'c2', 'c3', 'c4'];
  const lease = async (owner: string, wanted = names) => (await leaseClusters(db, owner, wanted)).map((l) => l.cluster).sort();
  const shares = await Promise.all(['a', 'b', 'c'].map((owner) => lease(owner)));
  assert.deepEqual(shares.flat().sort(), names);
  const mine = shares[0]!;
  await moveClock(db, 10_000);
  assert.deepEqual(await lease('a'), mine, 'renewed');
  await moveClock(db, 10_000);
  assert.deepEqual(
    await lease('z'),
    names.filter((n) => !mine.includes(n)),
  );
  await moveClock(db, 16_000);
  assert.deepEqual(await lease('y'), names);
  assert.deepEqual(await lease('y', []), []);
});

it('raises the epoch of a cluster when another replica takes it, not when it is renewed', async (t) => {
  const { db } = await sharedDb(t);
  const epoch = async (owner: string) => (await leaseClusters(db, owner, ['c1']))[0]?.epoch;
  const first = await epoch('a');
  assert.equal(await epoch('a'), first);
  assert.equal(await epoch('b'), undefined);
  await moveClock(db, 16_000);
  assert.equal(await epoch('a'), first, 'nobody had it meanwhile');
  await moveClock(db, 16_000);
  assert.equal(await epoch('b'), (first ?? 0) + 1);
});

it('renews the leases of all clusters while a poll writes of one: nobody waits for it', async (t) => {
  const database = await sharedDb(t);
  const names = ['c1', 'c2', 'c3'];
  const [first] = await leaseClusters(database.db, 'a', names);
  let end = () => {};
  const over = new Promise<void>((done) => {
    end = done;
  });
  let began = () => {};
  const writing = new Promise<void>((done) => {
    began = done;
  });
  const poll = database.transaction(async (tx) => {
    assert.ok(first && (await holdLease(tx, first)));
    began();
    await over;
  });
  await writing;
  try {
    assert.deepEqual((await leaseClusters(database.db, 'a', names)).map((lease) => lease.cluster).sort(), names);
    assert.deepEqual(await leaseClusters(database.db, 'b', names), [], 'none of them is free');
  } finally {
    end();
    await poll;
  }
});
