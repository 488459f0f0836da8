import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { messageToText } from '../../src/core/message.ts';
import { now } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import type { CheckpointSight } from '../../src/deploy/deployer.ts';
import { listEvents, listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { endRun, findRun, type RunInput, updateRun } from '../../src/jobs/runs.store.ts';
import { outcome } from '../../src/operations/message.ts';
import { findOperation, finish, insertOperation } from '../../src/operations/operations.store.ts';
import { desire, findMessage } from '../../src/outbox/outbox.store.ts';
import { checkpoint, noCheckpoints, seen, unknown } from '../helpers/fake-deployer.ts';
import { ann, endOp, flinkId, insertOp, openKeys, rig } from './rig.ts';

const cause = { name: 'java.net.ConnectException', message: 'broker-1:9092', task: 'Source: orders', at: 1_764_000_000_000, stack: '' };
const _withCheckpoint: CheckpointSight = { ...noCheckpoints, completed: [checkpoint(9)] };
const outboxCount = async (database: Database) =>
  Number((await database.db.execute<{ n: number }>(sql`select count(*)::int as n from outbox_messages`)).rows[0]?.n);

describe('an overview that is behind', () => {
  const stale = new Map([[flinkId('orders'), { state: 'RUNNING', tasksRunning: 0, tasksTotal: 4 }]]);
  it('pages nobody: the run itself says that all its tasks run', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({ orders: ['RUNNING', 4] });
    r.deployer.expect('overview', stale);
    await r.poll(true);
    assert.deepEqual(await listIncidents(r.database.db), []);
    assert.equal((await findRun(r.database.db, 'run_orders'))?.tasksRunning, 4, 'what was stored is put right');
    await r.poll();
    assert.equal(r.deployer.count('look'), 1);
    assert.equal(r.news(), 0);
  });
  it('pages nobody while the run cannot be looked at', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({ orders: ['RUNNING', 0] });
    r.deployer.expect('look', unknown);
    await r.poll(true);
    assert.deepEqual(await listIncidents(r.database.db), []);
    r.deployer.always('rootCause', undefined);
    await r.poll(true);
    assert.deepEqual(await openKeys(r), ['job:orders:restarting']);
  });
  it('is not taken for a run that came up just now', async (t) => {
    const r = await rig(t);
    await r.run('orders', { runningAt: new Date() });
    r.shows({ orders: ['RUNNING', 4] });
    r.deployer.expect('overview', stale);
    await r.poll(true);
    assert.equal((await findRun(r.database.db, 'run_orders'))?.tasksRunning, 4);
    assert.equal(r.deployer.count('look'), 0);
  });
});

describe('a job that restarts', () => {
  it('is one incident that its recovery resolves, in one message', async (t) => {
    const r = await rig(t);
    await r.run();
    r.deployer.always('rootCause', cause);
    r.shows({ orders: ['RESTARTING', 0] });
    await r.poll();
    const [incident] = await openIncidents(r.database.db, 'orders');
    assert.equal(incident?.key, 'job:orders:restarting');
    assert.match(await r.text(incident!.messageId), /^orders is restarting: 0\/4 tasks run\njava\.net\.ConnectException/);
    assert.equal((await findRun(r.database.db, 'run_orders'))?.restarts, 1);
    r.shows({ orders: ['RUNNING', 2] });
    await r.poll();
    assert.equal((await openIncidents(r.database.db)).length, 1, 'RUNNING is not enough: every task has to');
    r.shows({ orders: ['RUNNING', 4] });
    await r.poll();
    await r.poll();
    assert.deepEqual(await openIncidents(r.database.db), []);
    const [over] = await listIncidents(r.database.db, 'orders');
    assert.equal(over?.id, incident?.id, 'the same incident');
    const text = await r.text(over!.messageId);
    assert.match(text, /^Resolved: orders is restarting/);
    assert.match(text, /Over: orders runs again: v3 on 4\/4 tasks\./);
    assert.doesNotMatch(text, /\[/, 'no buttons are left');
    assert.equal((await listIncidents(r.database.db)).length, 1);
    assert.deepEqual((await listEvents(r.database.db, over!.id)).length, 2);
  });

  it('and then fails has one open incident: failed', async (t) => {
    const r = await rig(t);
    await r.run();
    r.deployer.always('rootCause', cause);
    r.shows({ orders: ['RESTARTING', 0] });
    await r.poll();
    r.shows({ orders: ['FAILED', 0] });
    r.deployer.expect('look', seen({ state: 'FAILED' }));
    await r.poll();
    assert.deepEqual(
      (await openIncidents(r.database.db)).map((i) => i.key),
      ['job:orders:failed'],
    );
    const before = (await listIncidents(r.database.db)).find((i) => i.cause === 'restarting');
    assert.match(before?.resolution ?? '', /It did not recover: orders failed/);
  });

  it('whose operation was given up before it had seen every task run counts as up from then on', async (t) => {
    const r = await rig(t);
    await r.run('orders', { runningAt: null });
    r.shows({ orders: ['RUNNING', 4] });
    await r.poll(true);
    assert.ok((await findRun(r.database.db, 'run_orders'))?.runningAt);
  });

  it('while it comes up for the first time is nothing to tell', async (t) => {
    const r = await rig(t);
    await r.run('orders', { runningAt: null, state: 'STARTING', tasksRunning: 0 });
    r.shows({ orders: ['CREATED', 0] });
    await r.poll();
    assert.deepEqual(await listIncidents(r.database.db), []);
  });

  it('is resolved when a person stops it', async (t) => {
    const r = await rig(t);
    await r.run();
    r.deployer.always('rootCause', undefined);
    r.shows({ orders: ['RESTARTING', 0] });
    await r.poll();
    await endRun(r.database.db, 'run_orders', { state: 'FINISHED', reason: 'stopped' });
    r.shows({});
    await r.poll();
    const [over] = await listIncidents(r.database.db);
    assert.deepEqual([over?.state, over?.resolution], ['resolved', 'orders was stopped.']);
  });
});

describe('a job that an operation holds', () => {
  it('is left to it: nothing is told and no end is recorded', async (t) => {
    const r = await rig(t);
    await r.run();
    await insertOp(r, 'running');
    for (const state of ['RESTARTING', 'FAILED']) {
      r.shows({ orders: [state, 0] });
      await r.poll();
    }
    r.shows({});
    await r.poll();
    assert.deepEqual(await listIncidents(r.database.db), []);
    assert.equal((await findRun(r.database.db, 'run_orders'))?.ended, false);
  });
  it('that is in trouble when it is let go is told of then, although nothing changes any more', async (t) => {
    const r = await rig(t);
    await r.run();
    await insertOp(r, 'running');
    r.deployer.always('rootCause', undefined);
    r.shows({ orders: ['RUNNING', 2] });
    await r.poll(true);
    await endOp(r);
    await r.poll();
    await r.poll();
    assert.deepEqual(
      (await openIncidents(r.database.db)).map((i) => [i.key, i.occurrences]),
      [['job:orders:restarting', 1]],
    );
  });
  it('and ended while the poll was under way stays ended', async (t) => {
    const r = await rig(t);
    await r.run('orders', { tasksRunning: 3 });
    r.deployer
      .always('overview', new Map([[flinkId('orders'), { state: 'RUNNING', tasksRunning: 4, tasksTotal: 4 }]]))
      .always('listRuns', async () => {
        await endRun(r.database.db, 'run_orders', { state: 'FINISHED', reason: 'stopped' });
        return new Map([[flinkId('orders'), 'RUNNING']]);
      });
    await r.poll();
    const run = await findRun(r.database.db, 'run_orders');
    assert.deepEqual([run?.ended, run?.state, run?.tasksRunning], [true, 'FINISHED', 0]);
  });
});

describe('the first checkpoint', () => {
  const started = async (t: TestContext, change: Partial<RunInput> = {}) => {
    const r = await rig(t);
    await r.database.transaction(async (tx) => {
      const messageId = await desire(tx, {
        dedupeKey: 'operation:op_start',
        channel: 'C0ETL',
        message: { tone: 'busy', title: 'x', parts: [] },
      });
      await insertOperation(tx, {
        id: 'op_start',
        kind: 'start',
        job: 'orders',
        state: 'running',
        holds: false,
        input: {},
        idemKey: 'k',
        actor: ann,
        origin: { kind: 'typed' },
        messageId,
        createdAt: now,
      });
      await finish(tx, (await findOperation(tx, 'op_start'))!, 'succeeded', {
        ...outcome('good', 'orders started'),
        later: { checkpoint: ['Waiting for its first checkpoint.'] },
      });
    });
    await r.run('orders', {
      firstCheckpoint: 'waiting',
      checkpointIntervalMs: null,
      checkpointsReadAt: null,
      startedAt: new Date(Date.now() - 10_000),
      runningAt: new Date(Date.now() - 9000),
      ...change,
    });
    r.shows({ orders: ['RUNNING', 4] });
    const text = async () =>
      messageToText((await findMessage(r.database.db, (await findOperation(r.database.db, 'op_start'))!.messageId))!.desired);
    return { r, text };
  };

  it('edits the message of the start when it is seen', async (t) => {
    const { r, text } = await started(t);
    await r.poll();
    assert.equal((await findRun(r.database.db, 'run_orders'))?.firstCheckpoint, 'waiting');
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(1, { at: Date.now() })] });
    await updateRun(r.database.db, 'run_orders', { checkpointsReadAt: new Date(0) });
    await r.poll();
    assert.match(await text(), /^orders started\nCheckpoint 1, 23 KB in 40 ms\./);
    const run = await findRun(r.database.db, 'run_orders');
    assert.deepEqual([run?.firstCheckpoint, run?.checkpointIntervalMs, run?.lastCheckpoint?.id], ['seen', 1000, 1]);
    assert.equal(await outboxCount(r.database), 1, 'no second message');
  });
  it('says so when checkpointing is off', async (t) => {
    const { r, text } = await started(t);
    r.deployer.always('checkpointConfig', { intervalMs: 0, retention: 'RETAIN_ON_CANCELLATION' });
    await r.poll();
    assert.match(await text(), /No checkpointing: a crash loses all state\. To turn it on: \/flink set orders checkpoint-interval=60s/);
    assert.equal((await findMessage(r.database.db, (await findOperation(r.database.db, 'op_start'))!.messageId))?.desired.tone, 'warn');
  });
  it('says so when it is overdue, with the reason, and takes it back when it comes after all', async (t) => {
    const { r, text } = await started(t, { startedAt: new Date(Date.now() - 100_000), runningAt: new Date(Date.now() - 99_000) });
    r.deployer.always('checkpoints', { ...noCheckpoints, lastFailed: { id: 1, at: Date.now(), message: 'expired before completing' } });
    await r.poll();
    assert.match(await text(), /No checkpoint came in time: the last try failed: expired before completing\. A crash now goes back/);
    assert.equal((await findRun(r.database.db, 'run_orders'))?.failedCheckpoints, 1);
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(2, { at: Date.now() })] });
    await updateRun(r.database.db, 'run_orders', { checkpointsReadAt: new Date(0) });
    await r.poll();
    const after = await text();
    assert.match(after, /Checkpoint 2, /);
    assert.doesNotMatch(after, /No checkpoint came in time/);
  });
});
