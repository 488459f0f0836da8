import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { moveClock } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { type CheckpointInput, insertCheckpoints, knownUsual, newestCompleted } from '../../src/restore-points/checkpoints.store.ts';
import { growthFact, median, type Usual } from '../../src/watch/growth.rule.ts';
import { checkpoint, noCheckpoints } from '../helpers/fake-deployer.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { ann, type Rig, rig } from './rig.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const gb = 1024 ** 3;
const at = Date.parse('2026-11-25T12:00:00Z');
const usual: Usual = { durationMs: 6 * second, size: gb, hours: 100 };
const newest = (durations: number[], everyMs = 3 * minute, size = gb) =>
  durations.map((s, i) => ({ durationMs: s * second, size, at: new Date(at - i * everyMs) }));

describe('growth of checkpoints against what is usual', () => {
  it('is a loss that lasts: at least 5 in a row and over at least 10 minutes', () => {
    assert.deepEqual(growthFact(usual, newest([20, 21, 22, 23, 24]), 3), {
      is: 'grown',
      what: 'duration',
      from: 6000,
      to: 22_000,
      count: 5,
    });
    assert.notEqual(growthFact(usual, newest([20, 21, 22, 23]), 3).is, 'grown');
    assert.notEqual(
      growthFact(usual, newest(Array(30).fill(20), 10 * second), 3).is,
      'grown',
      'five minutes of a job with a short interval',
    );
    assert.equal(growthFact(usual, newest(Array(70).fill(20), 10 * second), 3).is, 'grown');
  });
  it('one in between that is as usual makes it none', () => {
    assert.notEqual(growthFact(usual, newest([20, 20, 6, 20, 20, 20]), 3).is, 'grown');
  });
  it('is nothing below what anybody would notice', () => {
    assert.equal(growthFact({ ...usual, durationMs: 40, size: 1000 }, newest([9, 9, 9, 9, 9], 3 * minute, 90_000_000), 3).is, 'usual');
  });
  it('tells of size as well, and takes the factor of the job', () => {
    const large = newest([5, 5, 5, 5, 5], 3 * minute, 4 * gb);
    assert.deepEqual(growthFact(usual, large, 3), { is: 'grown', what: 'size', from: gb, to: 4 * gb, count: 5 });
    assert.equal(growthFact(usual, large, 5).is, 'usual');
  });
  it('does not judge a job that is new', () => {
    assert.equal(growthFact({ ...usual, hours: 5 }, newest([60, 60, 60, 60, 60]), 3).is, 'unknown');
    assert.equal(growthFact(usual, [], 3).is, 'unknown');
  });
  it('what is within the factor is never growth, whatever the order (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 18 }), { minLength: 3, maxLength: 60 }), (durations) => {
        assert.equal(growthFact(usual, newest(durations), 3).is, 'usual');
      }),
    );
  });
  it('the middle is one of them, with as many below as above (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), (values) => {
        const middle = median(values);
        assert.ok(values.includes(middle));
        assert.ok(values.filter((v) => v < middle).length <= values.length / 2);
        assert.ok(values.filter((v) => v > middle).length <= values.length / 2);
      }),
    );
  });
});

describe('growth, as watch tells it', () => {
  const row = (id: number, agoMs: number, durationMs: number, more: Partial<CheckpointInput> = {}): CheckpointInput => ({
    runId: 'run_before',
    id,
    job: 'orders',
    kind: 'checkpoint',
    state: 'completed',
    triggeredAt: new Date(Date.now() - agoMs),
    endedAt: new Date(Date.now() - agoMs),
    durationMs,
    size: 24_000,
    ...more,
  });
  /** Twenty hours of checkpoints of 6 s each 10 minutes, made by the run before, with one slow savepoint and one failure an hour. */
  async function history(r: Rig): Promise<void> {
    const rows = Array.from({ length: 120 }, (_, i) => row(i * 3, hour / 3 + i * 10 * minute, 6 * second));
    const others = Array.from({ length: 20 }, (_, i) => [
      row(i * 3 + 1, hour / 2 + i * hour, 600 * second, { kind: 'savepoint' }),
      row(i * 3 + 2, hour / 2 + i * hour, 600 * second, { state: 'failed', size: null }),
    ]);
    await insertCheckpoints(r.database.db, [...rows, ...others.flat()]);
  }
  const slow = (seconds: number, from = 1, now = Date.now()) =>
    Array.from({ length: 6 }, (_, i) => checkpoint(from + 5 - i, { durationMs: seconds * second, at: now - i * 2.5 * minute }));
  async function shows(r: Rig, completed: ReturnType<typeof slow>): Promise<void> {
    r.deployer.always('checkpoints', { ...noCheckpoints, completed });
    await r.unread();
    await r.poll();
  }

  it('is told once, with what is usual, over the runs of a job; and closes by itself', async (t) => {
    const r = await rig(t);
    await history(r);
    await r.run('orders');
    r.shows({ orders: ['RUNNING', 4] });
    await shows(r, slow(40));
    await shows(r, slow(40));
    const [told] = await openIncidents(r.database.db);
    assert.deepEqual([told?.key, told?.occurrences], ['job:orders:growth', 1]);
    assert.match(await r.text(told!.messageId), /orders: checkpoints take 40 s, usually 6\.0 s[\s\S]*So did the last \d of them/);
    await r.database.db.execute(
      sql`update checkpoints set ended_at = ended_at - interval '20 minutes', triggered_at = triggered_at - interval '20 minutes'`,
    );
    await shows(r, slow(7, 10));
    assert.deepEqual(
      (await listIncidents(r.database.db)).map((one) => [one.state, one.resolution]),
      [['resolved', 'Its checkpoints are within the usual again.']],
    );
  });

  it('a single slow one, or one that failed, is none', async (t) => {
    const r = await rig(t);
    await history(r);
    await r.run('orders');
    r.shows({ orders: ['RUNNING', 4] });
    await shows(r, [checkpoint(9, { durationMs: 90 * second, at: Date.now() }), ...slow(6).slice(1)]);
    assert.deepEqual(await openIncidents(r.database.db), []);
  });

  it('of a job with a checkpoint each second the last ten minutes count as well, without exception', async (t) => {
    const { db } = await sharedDb(t);
    const at20 = (i: number) => row(i, i * second, i === 400 ? 2 * second : 20 * second);
    await insertCheckpoints(
      db,
      Array.from({ length: 700 }, (_, i) => at20(i)).filter((one) => one.id !== 400),
    );
    const grown = growthFact(usual, await newestCompleted(db, 'orders', 5, 10 * minute), 3);
    assert.deepEqual(grown.is === 'grown' && [grown.to, grown.count > 590], [20 * second, true]);
    await insertCheckpoints(db, [at20(400)]);
    assert.notEqual(growthFact(usual, await newestCompleted(db, 'orders', 5, 10 * minute), 3).is, 'grown', 'one was as usual');
    await db.execute(sql`delete from checkpoints where id = 400`);
    await db.execute(sql`delete from checkpoints where ended_at < now() - interval '9 minutes'`);
    assert.notEqual(growthFact(usual, await newestCompleted(db, 'orders', 5, 10 * minute), 3).is, 'grown');
  });

  it('what is usual is worked out once an hour', async (t) => {
    const { db, transaction } = await sharedDb(t);
    const asks = () => transaction((tx) => knownUsual(tx, 'orders', 0));
    await insertCheckpoints(db, [row(1, hour, 6 * second)]);
    assert.equal((await asks()).durationMs, 6 * second);
    await insertCheckpoints(db, [row(2, 2 * hour, 9 * second), row(3, 5 * hour, 9 * second)]);
    assert.equal((await asks()).durationMs, 6 * second);
    await moveClock(db, 61 * minute);
    assert.deepEqual(await asks(), { durationMs: 9 * second, size: 24_000, hours: 3 });
  });

  it('a job turns it off', async (t) => {
    const r = await rig(t);
    await history(r);
    await r.run('orders');
    r.shows({ orders: ['RUNNING', 4] });
    const job = await findJob(r.database.db, 'orders');
    await r.database.transaction((tx) =>
      addVersion(tx, 'orders', {
        definition: { ...job!.current.definition, checkpointGrowth: 'off' },
        origin: 'set',
        createdBy: ann,
      } as never),
    );
    await shows(r, slow(40));
    assert.deepEqual(await openIncidents(r.database.db), []);
  });
});
