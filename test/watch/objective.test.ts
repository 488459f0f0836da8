import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { objectiveFact } from '../../src/watch/objective.rule.ts';
import { noCheckpoints } from '../helpers/fake-deployer.ts';
import { ann, endOp, insertOp, openKeys, type Rig, rig } from './rig.ts';

const minute = 60_000;
const at = new Date('2026-11-25T12:00:00Z');
const ago = (min: number) => new Date(at.getTime() - min * minute);
const run = (more: object = {}) => ({ runningAt: ago(300), checkpointIntervalMs: minute, lastCheckpoint: null, ...more });
const last = (min: number) => ({ id: 7, path: 's3://x/chk-7', size: 1, durationMs: 1, at: ago(min).toISOString() });

describe('how far a crash would set a run back', () => {
  it('is met up to the limit, and lost beyond it', () => {
    assert.equal(objectiveFact(run({ lastCheckpoint: last(30) }), at, 30 * minute).is, 'met');
    const lost = objectiveFact(run({ lastCheckpoint: last(31) }), at, 30 * minute);
    assert.deepEqual([lost.is, lost.is === 'lost' && lost.ageMs, lost.is === 'lost' && lost.ever], ['lost', 31 * minute, true]);
  });
  it('counts from the start of a run, whose state was complete then', () => {
    assert.equal(objectiveFact(run({ runningAt: ago(5) }), at, 30 * minute).is, 'met');
    assert.equal(objectiveFact(run({ runningAt: ago(5), lastCheckpoint: last(100) }), at, 30 * minute).is, 'met');
    assert.equal(objectiveFact(run({ runningAt: ago(31) }), at, 30 * minute).is, 'lost');
  });
  it('does not judge a run without checkpointing, or that does not run yet', () => {
    assert.equal(objectiveFact(run({ checkpointIntervalMs: 0 }), at, minute).is, 'none');
    assert.equal(objectiveFact(run({ runningAt: null }), at, minute).is, 'none');
  });
});

describe('the objective of a job, as watch sees it', () => {
  async function running(r: Rig): Promise<void> {
    await r.run('orders', {
      startedAt: new Date(Date.now() - 120 * minute),
      runningAt: new Date(Date.now() - 119 * minute),
      firstCheckpoint: 'seen',
      checkpointsReadAt: null,
      checkpointIntervalMs: 10_000,
      checkpointRetention: 'RETAIN_ON_CANCELLATION',
    });
    r.shows({ orders: ['RUNNING', 4] });
  }
  const checkpoint = (min: number) => ({
    id: 9,
    path: 's3://x/chk-9',
    isSavepoint: false,
    discarded: false,
    size: 1,
    durationMs: 1,
    at: Date.now() - min * minute,
  });

  it('is told once when it is lost, with the checkpoint that failed, and closes with the next one that completes', async (t) => {
    const r = await rig(t, {
      incidents: {
        restartingForMs: 0,
        recoverableWithinMs: 30 * minute,
        channels: { always: [], whenSlackIsDown: [] },
        calls: { firstMs: minute, escalateMs: minute, againMs: minute },
      },
    });
    await running(r);
    r.deployer.always('checkpoints', {
      ...noCheckpoints,
      completed: [checkpoint(47)],
      lastFailed: { id: 8, at: Date.now() - minute, message: 'Checkpoint expired before completing.' },
    });
    await r.poll();
    await r.poll();
    const [told] = await openIncidents(r.database.db);
    assert.equal(told?.key, 'job:orders:not-recoverable');
    assert.equal(told?.occurrences, 1);
    const text = await r.text(told!.messageId);
    assert.match(text, /orders could only go back to 47 min ago; it should be at most 30 min/);
    assert.match(text, /Checkpoint expired before completing/);
    assert.doesNotMatch(text, /\[Resume\]/);
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(0)] });
    await r.unread();
    await r.poll();
    assert.deepEqual(
      (await listIncidents(r.database.db)).map((one) => [one.state, one.resolution]),
      [['resolved', 'What it can go back to is young enough again.']],
    );
  });

  it('is not told while its tasks do not run, of which another message tells with the age, but after that when it still is so', async (t) => {
    const r = await rig(t);
    await running(r);
    r.deployer.always('rootCause', undefined).always('checkpoints', { ...noCheckpoints, completed: [checkpoint(40)] });
    const look = async () => {
      await r.unread();
      await r.poll(true);
    };
    // The TaskManagers are gone: Flink calls it RUNNING all the same.
    r.shows({ orders: ['RUNNING', 0] });
    await look();
    await look();
    assert.deepEqual(await openKeys(r), ['job:orders:restarting']);
    assert.match(await r.text((await openIncidents(r.database.db))[0]!.messageId), /Last checkpoint: 9, /);
    r.shows({ orders: ['RUNNING', 4] });
    // Flink has brought it back this moment: its next checkpoint is under way.
    r.deployer.always('checkpoints', {
      ...noCheckpoints,
      completed: [checkpoint(40)],
      restored: { path: undefined, at: Date.now() - 5000 },
    });
    await look();
    assert.deepEqual(await openKeys(r), []);
    r.deployer.always('checkpoints', {
      ...noCheckpoints,
      completed: [checkpoint(41)],
      restored: { path: undefined, at: Date.now() - minute },
    });
    await look();
    assert.deepEqual(await openKeys(r), ['job:orders:not-recoverable']);
    // What was told stays, whatever comes on top.
    r.shows({ orders: ['RUNNING', 2] });
    await look();
    assert.deepEqual((await openKeys(r)).sort(), ['job:orders:not-recoverable', 'job:orders:restarting']);
  });

  it('is not told while an operation holds the job, but once it has let go', async (t) => {
    const r = await rig(t);
    await running(r);
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(40)] });
    await insertOp(r, 'running');
    await r.poll();
    assert.deepEqual(await openKeys(r), []);
    await endOp(r);
    await r.unread();
    await r.poll();
    assert.deepEqual(await openKeys(r), ['job:orders:not-recoverable']);
  });

  it("a team's counts for its jobs that ask for none", async (t) => {
    const r = await rig(t);
    await running(r);
    await r.database.transaction((tx) =>
      putTeam(tx, {
        name: 'etl',
        channel: 'C0ETL',
        alertChannel: 'C0ALERT',
        thresholds: { 'recoverable-within': '12 min', 'restarting-for': '1 min' },
      }),
    );
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(13)] });
    await r.poll();
    assert.match((await openIncidents(r.database.db))[0]?.title ?? '', /at most 12 min/);
    // A restart has to last as long as the team says, though the installation tells it at once.
    r.shows({ orders: ['RESTARTING', 0] });
    r.deployer.always('rootCause', undefined);
    await r.poll();
    assert.deepEqual(
      (await listIncidents(r.database.db, 'orders')).map((one) => [one.cause, one.state]).filter(([cause]) => cause === 'restarting'),
      [['restarting', 'pending']],
    );
  });

  it('a job asks for its own', async (t) => {
    const r = await rig(t);
    await running(r);
    const job = await findJob(r.database.db, 'orders');
    await r.database.transaction((tx) =>
      addVersion(tx, 'orders', {
        definition: { ...job!.current.definition, recoverableWithin: '5 min' },
        origin: 'set',
        createdBy: ann,
      } as never),
    );
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(6)] });
    await r.poll();
    assert.match((await openIncidents(r.database.db))[0]?.title ?? '', /at most 5 min/);
  });
});
