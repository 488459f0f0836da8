import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { moveClock } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { findRun } from '../../src/jobs/runs.store.ts';
import { figures } from '../../src/watch/figures.store.ts';
import { unreadRuns } from '../../src/watch/unread.store.ts';
import { clustersPage } from '../../views/clusters.ts';
import { checkpoint, noAnswer, noCheckpoints } from '../helpers/fake-deployer.ts';
import { flinkId, openKeys, type Rig, rig } from './rig.ts';

const second = 1000;
const minute = 60_000;
const known = { checkpointRetention: 'RETAIN_ON_CANCELLATION' as const };
/** Runs of the three jobs whose checkpoints are due, by the time they waited: those of orders longest. */
async function threeDue(t: TestContext, logged: string[] = []): Promise<Rig> {
  const log = { ...silentLog, warn: (about: object) => void logged.push((about as { job: string }).job) };
  const r = await rig(t, { log });
  for (const [i, job] of ['orders', 'clicks', 'views'].entries())
    await r.run(job, { ...known, checkpointsReadAt: new Date(Date.now() - (9 - i) * minute) });
  r.shows({ orders: ['RUNNING', 4], clicks: ['RUNNING', 4], views: ['RUNNING', 4] });
  return r;
}
/** How often the checkpoints of a job were asked for. */
const asked = (r: Rig, job: string) =>
  r.deployer.calls.filter(({ method, args }) => method === 'checkpoints' && args[0] === flinkId(job)).length;
const readAt = async (r: Rig, job: string) => (await findRun(r.database.db, `run_${job}`))!.checkpointsReadAt!.getTime();
const isRead = async (r: Rig, job: string) => Date.now() - (await readAt(r, job)) < minute;
/** Checkpoints of these jobs come by `answer`, those of others at once. */
const checkpointsOf = (r: Rig, jobs: readonly string[], answer: (flinkJobId: string) => unknown) =>
  r.deployer.always('checkpoints', (id: string) => (jobs.some((job) => flinkId(job) === id) ? answer(id) : noCheckpoints));
const counted = async (r: Rig) =>
  (await figures(r.database.db)).find((one) => one.name === 'sluice_checkpoint_runs_not_read')?.values.map((one) => one.value);

describe('a run whose checkpoints cannot be read', () => {
  it('waits longer each time while the others are read, and is read again when it can be', async (t) => {
    const logged: string[] = [];
    const r = await threeDue(t, logged);
    checkpointsOf(r, ['orders'], () => noAnswer());
    for (let i = 0; i < 3; i++) await r.poll();
    assert.deepEqual([asked(r, 'orders'), await isRead(r, 'clicks'), await isRead(r, 'views')], [1, true, true]);
    assert.deepEqual(logged, [], 'it may be one that has just ended');
    const pauses: number[] = [];
    for (let waited = 0; pauses.length < 6; waited += 30) {
      const before = asked(r, 'orders');
      await r.poll();
      if (asked(r, 'orders') > before) pauses.push(waited);
      r.later(30 * second);
    }
    const gaps = pauses.slice(1).map((at, i) => at - pauses[i]!);
    assert.deepEqual(gaps, [60, 120, 240, 300, 300], 'seconds between two questions');
    assert.deepEqual(logged, ['orders'], 'once, not each time');
    checkpointsOf(r, [], () => noCheckpoints);
    await r.poll();
    assert.equal(await isRead(r, 'orders'), false, 'its pause is not over');
    r.later(5 * minute);
    await r.poll();
    assert.equal(await isRead(r, 'orders'), true);
  });

  it('is asked after those that can be', async (t) => {
    const r = await threeDue(t);
    checkpointsOf(r, ['orders'], () => noAnswer());
    await r.poll();
    await r.unread();
    r.later(31 * second);
    r.deployer.calls.length = 0;
    await r.poll();
    const order = r.deployer.calls.filter(({ method }) => method === 'checkpoints').map(({ args }) => args[0]);
    assert.deepEqual([order.length, order.at(-1)], [3, flinkId('orders')]);
  });

  it('begins anew once it was not running', async (t) => {
    const r = await threeDue(t);
    checkpointsOf(r, ['orders'], () => noAnswer());
    await r.poll();
    r.shows({ orders: ['RESTARTING', 0], clicks: ['RUNNING', 4], views: ['RUNNING', 4] });
    await r.poll();
    r.shows({ orders: ['RUNNING', 4], clicks: ['RUNNING', 4], views: ['RUNNING', 4] });
    await r.poll();
    assert.equal(asked(r, 'orders'), 2);
  });

  it('does not end the look at its cluster when what Flink says is not understood', async (t) => {
    const r = await threeDue(t);
    checkpointsOf(r, ['orders'], () => new TypeError('x is undefined'));
    assert.equal((await r.poll()).answered, true);
    assert.deepEqual([await isRead(r, 'clicks'), await isRead(r, 'orders')], [true, false]);
  });

  it('is counted after some minutes, on the page of clusters too, and not once it is read or its cluster is gone', async (t) => {
    const r = await threeDue(t);
    checkpointsOf(r, ['orders'], () => noAnswer());
    assert.deepEqual(await counted(r), [], 'a cluster that never answered is told as that');
    await r.poll();
    assert.deepEqual(await counted(r), [1]);
    const { cluster } = await r.deps.deployers.of('standalone');
    const page = async () => {
      const unread = (await unreadRuns(r.database.db, minute)).get('standalone');
      return String(clustersPage([{ cluster, view: undefined, unreachable: false, jobs: [], unread }], new Date()));
    };
    assert.match(await page(), /standalone<\/strong>: the checkpoints of 1 of 3 running jobs could not be read for over 5 min/);
    await r.database.db.execute(sql`update cluster_views set failures = 1`);
    assert.deepEqual(await counted(r), [0], 'that the cluster does not answer is told');
    await r.database.db.execute(sql`update cluster_views set failures = 0`);
    checkpointsOf(r, [], () => noCheckpoints);
    r.later(minute);
    await r.poll();
    assert.deepEqual(await counted(r), [0]);
    assert.doesNotMatch(await page(), /could not be read/);
    await moveClock(r.database.db, 4 * minute);
    assert.deepEqual(await counted(r), [0], 'late is not yet too late');
    await moveClock(r.database.db, 2 * minute);
    assert.deepEqual(await counted(r), [3]);
    await r.database.db.execute(sql`update runs set checkpoint_interval_ms = 0 where job = 'views'`);
    assert.deepEqual(await counted(r), [2], 'who makes none misses none');
  });
});

describe('checkpoints that hang', () => {
  /** Requests for the checkpoints of orders that get no answer until the test gives it. */
  async function hanging(t: TestContext, jobs: readonly string[] = ['orders']) {
    const r = await threeDue(t);
    const ends: ((answer: unknown) => void)[] = [];
    checkpointsOf(r, jobs, () => new Promise((resolve) => ends.push(resolve)));
    t.after(() => {
      for (const end of ends) end(noAnswer());
    });
    return { r, ends };
  }

  it('hold up neither the others nor what is to be told of them', async (t) => {
    const { r, ends } = await hanging(t);
    r.shows({ orders: ['RUNNING', 4], clicks: ['RUNNING', 4], views: ['FAILED', 0] });
    const began = performance.now();
    await r.poll();
    assert.deepEqual(await openKeys(r), ['job:views:failed']);
    assert.ok(performance.now() - began < 2 * second, 'not after the time that a request has');
    assert.equal(await isRead(r, 'clicks'), true);
    await r.poll();
    assert.equal(asked(r, 'orders'), 1, 'it is not asked again while it is asked');
    ends[0]!(noAnswer());
    await r.poll();
    assert.equal(asked(r, 'orders'), 1, 'it has its pause');
    r.later(31 * second);
    await r.poll();
    assert.equal(asked(r, 'orders'), 2);
  });

  it('count when they come after all, unless nobody asked for long', async (t) => {
    const { r, ends } = await hanging(t, ['orders', 'clicks']);
    await r.poll();
    ends[0]!(noCheckpoints);
    await r.poll();
    assert.deepEqual([await isRead(r, 'orders'), await isRead(r, 'clicks')], [true, false]);
    ends[1]!(noCheckpoints);
    await new Promise(setImmediate);
    r.later(11 * second);
    await r.poll();
    assert.equal(await isRead(r, 'clicks'), false, 'it is as old as that');
  });

  it('of a job that has ended meanwhile say nothing more', async (t) => {
    const { r, ends } = await hanging(t);
    await r.poll();
    const before = await readAt(r, 'orders');
    ends[0]!({ ...noCheckpoints, completed: [checkpoint(1)] });
    r.deployer.always(
      'listRuns',
      new Map([
        [flinkId('orders'), 'CANCELLING'],
        [flinkId('clicks'), 'RUNNING'],
        [flinkId('views'), 'RUNNING'],
      ]),
    );
    await r.poll();
    assert.equal(await readAt(r, 'orders'), before);
  });

  it('leave half of the connections of a cluster to its states, however many they are', async (t) => {
    const r = await rig(t);
    const jobs = 'abcdefghij'.split('').map((one) => `${one}x`);
    for (const job of jobs) await r.run(job, { ...known, checkpointsReadAt: new Date(Date.now() - 9 * minute) });
    r.shows(Object.fromEntries(jobs.map((job) => [job, ['RUNNING', 4]])));
    const ends: ((answer: unknown) => void)[] = [];
    r.deployer.always('checkpoints', () => new Promise((resolve) => ends.push(resolve)));
    for (let i = 0; i < 2; i++) await r.poll();
    assert.equal(ends.length, 4);
    // What they took is free again, and those that were not asked yet come before those that did not answer.
    for (const end of ends.splice(0)) end(noAnswer());
    r.later(31 * second);
    await r.poll();
    assert.equal(ends.length, 4);
    assert.deepEqual(
      jobs.map((job) => asked(r, job)),
      [1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
    );
    for (const end of ends.splice(0)) end(noAnswer());
    r.later(6 * minute);
    await r.poll();
    assert.equal(ends.length, 3, 'the two that were left, and one of those that did not answer');
    for (const end of ends.splice(0)) end(noAnswer());
  });
});
