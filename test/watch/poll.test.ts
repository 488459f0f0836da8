import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { jobViews } from '../../src/commands/views/job-view.ts';
import { UnreachableError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { messageToText } from '../../src/core/message.ts';
import { moveClock, now } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import { findClusterView } from '../../src/deploy/cluster-views.store.ts';
import { type CheckpointSight, type KnownRun, type RunSight, unknownState } from '../../src/deploy/deployer.ts';
import { listEvents, listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import { acknowledgeIncidents } from '../../src/incidents/open.ts';
import { endRun, findRun, type RunInput, updateRun } from '../../src/jobs/runs.store.ts';
import { outcome } from '../../src/operations/message.ts';
import { findOperation, finish, insertOperation } from '../../src/operations/operations.store.ts';
import { settleRun } from '../../src/operations/settle-run.ts';
import { desire, findMessage } from '../../src/outbox/outbox.store.ts';
import { claimDue } from '../../src/outbox/turns.store.ts';
import { restorePointsOfRun } from '../../src/restore-points/restore-points.store.ts';
import { tellParked } from '../../src/watch/parked.ts';
import { checkpoint, fakeDeployers, gone, noCheckpoints, seen, unknown } from '../helpers/fake-deployer.ts';
import { ann, flinkId, type Rig, rig } from './rig.ts';

const cause = { name: 'java.net.ConnectException', message: 'broker-1:9092', task: 'Source: orders', at: 1_764_000_000_000, stack: '' };
const withCheckpoint: CheckpointSight = { ...noCheckpoints, completed: [checkpoint(9)] };
const outboxCount = async (database: Database) =>
  Number((await database.db.execute<{ n: number }>(sql`select count(*)::int as n from outbox_messages`)).rows[0]?.n);

describe('a job that fails', () => {
  it('is one incident with what broke, since when, and what is safe', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({ orders: ['FAILED', 0] });
    r.deployer
      .expect('look', seen({ state: 'FAILED' }))
      .expect('rootCause', cause)
      .expect('checkpoints', withCheckpoint);
    await r.poll();
    await r.poll();
    await r.poll();
    const all = await listIncidents(r.database.db);
    assert.deepEqual(
      all.map((i) => [i.key, i.state, i.occurrences, i.runId]),
      [['job:orders:failed', 'firing', 1, 'run_orders']],
    );
    const row = (await findMessage(r.database.db, all[0]!.messageId ?? ''))!;
    assert.deepEqual([row.channel, row.fallbackChannel, row.priority], ['C0ALERT', 'C0ETL', 1]);
    const text = messageToText(row.desired);
    assert.match(text, /^orders failed\njava\.net\.ConnectException: broker-1:9092/);
    for (const fact of [
      /Cluster: standalone/,
      /Version: v3/,
      /Failed task: Source: orders/,
      /Last checkpoint: 9, /,
      /chk-9/,
      /runbook/,
      /\[Resume\] \[Restore\] \[Logs\] \[Acknowledge\]/,
    ])
      assert.match(text, fact);
    const run = await findRun(r.database.db, 'run_orders');
    assert.deepEqual([run?.ended, run?.endReason, run?.rootException?.message], [true, 'failed', 'broker-1:9092']);
    assert.deepEqual(
      (await restorePointsOfRun(r.database.db, 'run_orders')).map((p) => [p.checkpointId, p.final]),
      [[9, true]],
    );
    assert.equal(await outboxCount(r.database), 1);
  });

  it('is told of as soon as it can be: an end stays untold until its incident is stored', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({ orders: ['FAILED', 0] });
    r.deployer.always('look', seen({ state: 'FAILED' })).always('rootCause', cause);
    await r.database.db.execute(
      sql`create function no_incident() returns trigger language plpgsql as $$ begin raise exception 'the store fails here'; end $$`,
    );
    await r.database.db.execute(sql`create trigger no_incident before insert on incidents for each row execute function no_incident()`);
    try {
      await assert.rejects(r.poll(), /the store fails here/);
      assert.equal((await findRun(r.database.db, 'run_orders'))?.endTold, false, 'the next poll tells it');
    } finally {
      await r.database.db.execute(sql`drop trigger no_incident on incidents`);
      await r.database.db.execute(sql`drop function no_incident`);
    }
    await r.poll();
    assert.equal((await openIncidents(r.database.db, 'orders')).length, 1);
    assert.equal((await findRun(r.database.db, 'run_orders'))?.endTold, true);
  });

  for (const [kept, words] of [
    [checkpoint(9), /Its last checkpoint is kept\./],
    [checkpoint(9, { path: undefined }), /It had no checkpoint\./],
  ] as const)
    it(`because somebody canceled it says what is kept: ${kept.path ? 'a checkpoint' : 'none'}`, async (t) => {
      const r = await rig(t);
      await r.run();
      r.shows({ orders: ['CANCELED', 0] });
      r.deployer.always('rootCause', undefined).always('checkpoints', { ...noCheckpoints, completed: [kept] });
      await r.poll();
      assert.match(await r.text((await openIncidents(r.database.db))[0]!.messageId), words);
    });

  it('or that somebody canceled is told as that; a batch job that finished is no incident', async (t) => {
    const r = await rig(t);
    await r.run('orders');
    await r.run('clicks');
    await r.database.db.execute(sql`update jobs set mode = 'batch' where name = 'clicks'`);
    r.shows({ orders: ['CANCELED', 0], clicks: ['FINISHED', 0] });
    r.deployer
      .always('look', (flinkJobId) => seen({ state: flinkJobId === flinkId('orders') ? 'CANCELED' : 'FINISHED' }))
      .always('rootCause', undefined);
    await r.poll();
    const all = await listIncidents(r.database.db);
    assert.deepEqual(
      all.map((i) => i.key),
      ['job:orders:canceled-elsewhere'],
    );
    assert.match(await r.text(all[0]!.messageId), /canceled by somebody outside Sluice/);
    assert.equal((await findRun(r.database.db, 'run_clicks'))?.endReason, 'finished');
  });
});

/** What a command or an operation does when it finds that a run ended. */
const settle = async (r: Rig, job: string, sight: RunSight) =>
  settleRun(
    r.database,
    await fakeDeployers({ standalone: r.deployer }).of('standalone'),
    (await findRun(r.database.db, `run_${job}`))!,
    sight,
  );
const insertOp = (r: Rig, state: 'queued' | 'running' | 'parked', opId = 'op_stop') =>
  r.database.transaction((tx) =>
    insertOperation(tx, {
      id: opId,
      kind: 'stop',
      job: 'orders',
      state,
      holds: true,
      input: {},
      idemKey: opId,
      actor: ann,
      origin: { kind: 'typed' },
      messageId: 'm',
      createdAt: now,
    }),
  );
const endOp = (r: Rig, opId = 'op_stop') =>
  r.database.transaction(async (tx) => finish(tx, (await findOperation(tx, opId))!, 'failed', outcome('bad', 'x')));
const openKeys = async (r: Rig) => (await openIncidents(r.database.db)).map((i) => i.key);

describe('an end that a command or an operation found', () => {
  it('is told by the next poll, once', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({});
    r.deployer.always('rootCause', cause);
    await settle(r, 'orders', seen({ state: 'FAILED' }));
    await r.poll();
    await r.poll();
    const all = await openIncidents(r.database.db);
    assert.deepEqual(
      all.map((i) => [i.key, i.occurrences]),
      [['job:orders:failed', 1]],
    );
    assert.match(await r.text(all[0]!.messageId), /broker-1:9092/);
    assert.equal(r.news(), 1);
  });
  it('is told also while its cluster does not answer', async (t) => {
    const r = await rig(t);
    await r.run();
    r.deployer.always('rootCause', undefined).always('listRuns', new UnreachableError('standalone refused the connection.'));
    await settle(r, 'orders', seen({ state: 'FAILED' }));
    await r.poll();
    assert.deepEqual(await openKeys(r), ['job:orders:failed']);
  });
  for (const state of ['queued', 'running'] as const)
    it(`waits while an operation that is ${state} holds the job`, async (t) => {
      const r = await rig(t);
      await r.run();
      r.shows({});
      r.deployer.always('rootCause', undefined);
      await insertOp(r, state);
      await settle(r, 'orders', seen({ state: 'FAILED' }));
      await r.poll();
      assert.deepEqual(await openKeys(r), []);
      await endOp(r);
      await r.poll();
      assert.deepEqual(await openKeys(r), ['job:orders:failed']);
    });
  it('does not wait for an operation that is parked', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({});
    r.deployer.always('rootCause', undefined);
    await insertOp(r, 'parked');
    await settle(r, 'orders', seen({ state: 'FAILED' }));
    await r.poll();
    assert.deepEqual(await openKeys(r), ['job:orders:failed']);
  });
  it('is history when a later run came up before it could be told, not when that did not', async (t) => {
    const r = await rig(t);
    for (const job of ['orders', 'clicks']) {
      await r.run(job);
      r.deployer.always('rootCause', undefined);
      await settle(r, job, seen({ state: 'FAILED' }));
      const came = job === 'orders';
      await r.run(job, {
        id: `run_${job}2`,
        flinkJobId: flinkId(`later${job}`),
        startedAt: new Date(Date.now() - 5000),
        runningAt: came ? new Date(Date.now() - 4500) : null,
      });
      if (!came) await endRun(r.database.db, `run_${job}2`, { state: 'CANCELED', reason: 'never-started' });
    }
    r.shows({ laterorders: ['RUNNING', 4] });
    await r.poll();
    assert.deepEqual(await openKeys(r), ['job:clicks:failed']);
  });
  for (const reason of ['stopped', 'never-started'])
    it(`that is ${reason} needs nobody`, async (t) => {
      const r = await rig(t);
      await r.run();
      r.shows({});
      await endRun(r.database.db, 'run_orders', { state: 'CANCELED', reason });
      assert.equal((await findRun(r.database.db, 'run_orders'))?.endTold, true);
      await r.poll();
      assert.deepEqual(await openKeys(r), []);
    });
});

describe('a streaming job that finished', () => {
  it('without Sluice is told, with what is left of it, and its recovery resolves that', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({ orders: ['FINISHED', 0] });
    r.deployer.always('rootCause', undefined).always('checkpoints', {
      ...noCheckpoints,
      completed: [checkpoint(10, { isSavepoint: true, path: 'file:/data/savepoints/sp-10' }), checkpoint(9)],
    });
    await r.poll();
    await r.poll();
    const [incident] = await openIncidents(r.database.db);
    assert.deepEqual([incident?.key, incident?.occurrences], ['job:orders:ended', 1]);
    const text = await r.text(incident!.messageId);
    assert.match(text, /^orders ended by itself, or was stopped outside Sluice; its checkpoints are gone/);
    assert.match(text, /Its newest savepoint: file:\/data\/savepoints\/sp-10/);
    assert.match(text, /\[Resume\] \[Restore\] \[Logs\] \[Acknowledge\]/);
    assert.doesNotMatch(text, /chk-9/, 'Flink has deleted it');
    await r.run('orders', { id: 'run_2', flinkJobId: flinkId('later'), startedAt: new Date() });
    r.shows({ later: ['RUNNING', 4] });
    await r.poll();
    assert.deepEqual(await openKeys(r), []);
  });
});

describe('a run that was not submitted yet', () => {
  for (const state of ['queued', 'running', 'parked'] as const)
    it(`is not lost while its operation is ${state}, and is when that is over`, async (t) => {
      const r = await rig(t);
      await r.run('orders', { state: 'STARTING', runningAt: null, tasksRunning: 0, tasksTotal: 0 });
      await insertOp(r, state, 'op_start');
      r.shows({});
      await r.poll();
      assert.equal((await findRun(r.database.db, 'run_orders'))?.ended, false, 'its submit may still come');
      await endOp(r, 'op_start');
      await r.poll();
      assert.equal((await findRun(r.database.db, 'run_orders'))?.endReason, 'lost');
    });
});

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

describe('a job without a channel', () => {
  it('has its incident all the same, a warning is logged, and its message counts as failed', async (t) => {
    const warned: unknown[] = [];
    const log = { ...silentLog, warn: (about: unknown) => void warned.push(about) };
    const r = await rig(t, { defaults: { defaultChannel: undefined, alertChannel: undefined }, log });
    await r.database.transaction((tx) => putTeam(tx, { name: 'etl', channel: null, alertChannel: null }));
    await r.run();
    r.deployer.always('rootCause', undefined);
    r.shows({ orders: ['RESTARTING', 0] });
    await r.poll();
    r.shows({ orders: ['FAILED', 0] });
    await r.poll();
    assert.deepEqual(await openKeys(r), ['job:orders:failed']);
    assert.deepEqual(warned, [
      { job: 'orders', cause: 'restarting' },
      { job: 'orders', cause: 'failed' },
    ]);
    for (const incident of await listIncidents(r.database.db)) {
      const row = await findMessage(r.database.db, incident.messageId ?? '');
      assert.deepEqual([row?.state, row?.lastError], ['failed', 'no channel is set']);
    }
    assert.deepEqual(await claimDue(r.database.db, 'me', 10), [], 'nothing is sent to nowhere');
  });
});

describe('a parked operation', () => {
  it('is an incident with its two ways on, and hides nothing else of its job', async (t) => {
    const r = await rig(t);
    await r.run();
    await insertOp(r, 'parked');
    await tellParked(r.deps);
    const [incident] = await openIncidents(r.database.db);
    const buttons = (await findMessage(r.database.db, incident!.messageId ?? ''))!.desired.parts.flatMap((part) =>
      part.kind === 'actions' ? part.actions.map((a) => ('command' in a ? [a.label, a.command] : [])) : [],
    );
    assert.deepEqual(buttons, [
      ['Try again', 'retry op_stop'],
      ['Give up', 'cancel orders --operation op_stop'],
      ['Logs', 'logs orders'],
      ['Acknowledge', `acknowledge ${incident!.id}`],
    ]);
    r.shows({ orders: ['RUNNING', 4] });
    await r.poll();
    assert.equal(r.news(), 0, 'a healthy job is no news because an operation is parked');
    r.deployer.always('rootCause', undefined);
    r.shows({ orders: ['RUNNING', 2] });
    await r.poll(true);
    assert.deepEqual((await openKeys(r)).sort(), ['job:orders:restarting', 'operation:op_stop:parked']);
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

describe('a run that the list of a cluster does not name', () => {
  it('is lost only when the cluster, asked for it, says so', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({});
    r.deployer.expect('look', unknown);
    await r.poll();
    assert.equal((await findRun(r.database.db, 'run_orders'))?.ended, false);
    r.deployer.expect('look', seen());
    await r.poll();
    assert.equal((await findRun(r.database.db, 'run_orders'))?.ended, false);
    assert.deepEqual(await listIncidents(r.database.db), []);
    r.deployer.expect('look', gone);
    await r.poll();
    const run = await findRun(r.database.db, 'run_orders');
    assert.deepEqual([run?.ended, run?.state, run?.endReason], [true, 'LOST', 'lost']);
    assert.deepEqual(
      (await openIncidents(r.database.db)).map((i) => i.key),
      ['job:orders:lost'],
    );
  });
});

describe('a run whose application does not answer, on a cluster that does', () => {
  it('is unknown: nothing is told, no end is recorded, and nobody takes it for proven', async (t) => {
    const r = await rig(t);
    await r.run('orders', { application: 'application_1_0001' });
    await r.run('clicks', { application: 'application_1_0002' });
    r.deployer.always(
      'listRuns',
      new Map([
        [flinkId('orders'), unknownState],
        [flinkId('clicks'), 'RUNNING'],
      ]),
    );
    for (let i = 0; i < 3; i++) assert.deepEqual(await r.poll(), { answered: true });
    const [, known] = r.deployer.argsOf('listRuns') as [unknown, KnownRun[]];
    assert.deepEqual(known.map((run) => run.application).sort(), ['application_1_0001', 'application_1_0002']);
    assert.equal(await outboxCount(r.database), 0);
    const views = await jobViews(r.database.db, new Date());
    assert.deepEqual(
      views.filter((view) => view.run).map((view) => [view.job.name, view.state]),
      [
        ['orders', 'unknown'],
        ['clicks', 'running'],
      ],
    );
    assert.match(views[0]?.words ?? '', /^unknown: application_1_0001 says nothing of it now; RUNNING last proven /);
    // When it lasts it is one incident of its application, and none of a job.
    const [silent] = await listIncidents(r.database.db);
    assert.deepEqual([silent?.key, silent?.state, silent?.job], ['cluster:standalone:silent:application_1_0001', 'pending', null]);
    await moveClock(r.database.db, 6 * 60_000);
    await r.database.transaction((tx) => carryIncidentsOn(tx, r.deps.incidents.calls));
    const row = (await findMessage(r.database.db, (await listIncidents(r.database.db))[0]?.messageId ?? ''))!;
    assert.equal(row.channel, 'C0OPS');
    assert.match(messageToText(row.desired), /^orders on standalone: nothing is known, the JobManager does not answer\n/);
    // What was proven last stays what it was, however often its cluster answers.
    const proven = (await findRun(r.database.db, 'run_orders'))?.stateAt;
    await moveClock(r.database.db, 60_000);
    await r.poll();
    assert.deepEqual((await findRun(r.database.db, 'run_orders'))?.stateAt, proven);
    r.shows({ orders: ['RUNNING', 4], clicks: ['RUNNING', 4] });
    await r.poll();
    const again = await jobViews(r.database.db, new Date());
    assert.ok(again.filter((view) => view.run).every((view) => view.state === 'running'));
    assert.deepEqual(await openIncidents(r.database.db), []);
  });
});

describe('a cluster that does not answer', () => {
  it('is one incident about the cluster after two polls, and none about its jobs; it resolves itself', async (t) => {
    const r = await rig(t);
    for (const job of ['orders', 'clicks', 'views']) await r.run(job);
    const silent = () => {
      throw new UnreachableError('standalone refused the connection.');
    };
    r.deployer.always('listRuns', silent);
    assert.deepEqual(await r.poll(), { answered: false });
    assert.deepEqual(await listIncidents(r.database.db), [], 'once may be chance');
    for (let n = 0; n < 4; n++) await r.poll();
    const all = await listIncidents(r.database.db);
    assert.deepEqual(
      all.map((i) => [i.key, i.job, i.occurrences]),
      [['cluster:standalone:unreachable', null, 1]],
    );
    const row = (await findMessage(r.database.db, all[0]!.messageId ?? ''))!;
    assert.equal(row.channel, 'C0OPS');
    const text = messageToText(row.desired);
    assert.match(text, /^standalone does not answer\nstandalone refused the connection\./);
    assert.match(
      text,
      /What is not known since: (orders|clicks|views), (orders|clicks|views), (orders|clicks|views)\. They may well run\./,
    );
    assert.equal((await findRun(r.database.db, 'run_orders'))?.state, 'RUNNING');
    assert.equal((await findClusterView(r.database.db, 'standalone'))?.failures, 5);
    r.shows({ orders: ['RUNNING', 4], clicks: ['RUNNING', 4], views: ['RUNNING', 4] });
    assert.deepEqual(await r.poll(true), { answered: true });
    const [over] = await listIncidents(r.database.db);
    assert.deepEqual([over?.state, over?.resolution], ['resolved', 'standalone answers again.']);
    const view = await findClusterView(r.database.db, 'standalone');
    assert.deepEqual([view?.failures, view?.flinkVersion, view?.slotsTotal, view?.lastError], [0, '2.3.0', 8, null]);
    assert.deepEqual(await openIncidents(r.database.db), []);
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
    r.deployer.always('checkpointInterval', 0);
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

describe('a quiet cluster', () => {
  it('costs one request a poll, and nothing is told', async (t) => {
    const r = await rig(t);
    for (const job of ['orders', 'clicks', 'views']) await r.run(job);
    r.shows({ orders: ['RUNNING', 4], clicks: ['RUNNING', 4], views: ['RUNNING', 4] });
    const before = (await findRun(r.database.db, 'run_orders'))!.stateAt;
    for (let n = 0; n < 5; n++) await r.poll();
    assert.deepEqual(
      r.deployer.calls.map((c) => c.method),
      Array(5).fill('listRuns'),
    );
    assert.equal(r.news(), 0);
    assert.equal(await outboxCount(r.database), 0);
    assert.ok((await findRun(r.database.db, 'run_orders'))!.stateAt > before, 'proven just now');
  });
});

it('an acknowledged incident says by whom, once', async (t) => {
  const r = await rig(t);
  await r.run();
  r.deployer.always('rootCause', undefined);
  r.shows({ orders: ['RESTARTING', 0] });
  await r.poll();
  const [incident] = await openIncidents(r.database.db);
  const acks = await Promise.all(
    ['lee', 'lou'].map((name) =>
      r.database.transaction((tx) => acknowledgeIncidents(tx, [incident!.id], { teamId: 'T1', userId: name, name })),
    ),
  );
  assert.equal(acks.filter((taken) => taken.length > 0).length, 1);
  const text = await r.text(incident!.messageId);
  assert.match(text, /Acknowledged by @(lee|lou)/);
  assert.doesNotMatch(text, /\[Acknowledge\]/);
});
