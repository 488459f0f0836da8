import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UnreachableError, UpstreamError } from '../../src/core/errors.ts';
import { messageToText } from '../../src/core/message.ts';
import type { Database } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import type { CheckpointSight, RunSight } from '../../src/deploy/deployer.ts';
import { listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { incidentMessage } from '../../src/incidents/message.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { endRun, findRun, latestRun } from '../../src/jobs/runs.store.ts';
import { settleRun } from '../../src/operations/settle-run.ts';
import { findMessage } from '../../src/outbox/outbox.store.ts';
import { listRestorePoints, newestRestorePoints, restorePointsOfRun } from '../../src/restore-points/restore-points.store.ts';
import { whyUnrecoverable } from '../../src/restore-points/unrecoverable.rule.ts';
import { checkpoint, fakeDeployers, noCheckpoints, seen } from '../helpers/fake-deployer.ts';
import { endOp, flinkId, insertOp, openKeys, type Rig, rig } from './rig.ts';

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
    assert.deepEqual([row.channel, row.fallbackChannels, row.priority], ['C0ALERT', ['C0ETL', 'C0OPS', 'C0ALL'], 1]);
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
    [checkpoint(9, { path: undefined }), /It had no checkpoint that outlives it\./],
  ] as const)
    it(`because somebody canceled it says what is kept: ${kept.path ? 'a checkpoint' : 'none'}`, async (t) => {
      const r = await rig(t);
      await r.run();
      r.shows({ orders: ['CANCELED', 0] });
      r.deployer.always('rootCause', undefined).always('checkpoints', { ...noCheckpoints, completed: [kept] });
      await r.poll();
      assert.match(await r.text((await openIncidents(r.database.db))[0]!.messageId), words);
    });

  for (const [state, retention, points, words, others] of [
    [
      'FAILED',
      'NO_EXTERNALIZED_CHECKPOINTS',
      [],
      /Flink was told to delete its checkpoints, and there is no savepoint: nothing to go back to\./,
      /chk-9/,
    ],
    ['FAILED', 'DELETE_ON_CANCELLATION', ['chk-9'], /Its last checkpoint is kept\./, /gone/],
    ['CANCELED', 'DELETE_ON_CANCELLATION', [], /gone: Flink was told to delete them when the job is canceled/, /is kept/],
    ['CANCELED', null, ['chk-9'], /It is not known whether Flink kept its last checkpoint\./, /is kept/],
  ] as const)
    for (const many of [1, 25])
      it(`of a job that Flink keeps ${retention ?? 'nobody knows which'} of: ${state}${many > 1 ? ', with many others' : ''}`, async (t) => {
        const r = await rig(t);
        const names = Array.from({ length: many }, (_, i) => (i === many - 1 ? 'orders' : `other-${String.fromCharCode(97 + i)}`));
        for (const name of names) await r.run(name);
        r.deployer
          .always('rootCause', undefined)
          .always('checkpoints', { ...noCheckpoints, completed: [checkpoint(9)] })
          .always('checkpointConfig', retention ? { intervalMs: 1000, retention } : new UpstreamError('It does not say it.'));
        r.shows(Object.fromEntries(names.map((name) => [name, [state, 0] as const])));
        await r.poll();
        const { db } = r.database;
        const incident = (await openIncidents(db)).find((one) => one.job === 'orders');
        const text = JSON.stringify(incidentMessage(incident!));
        assert.match(text, words);
        assert.doesNotMatch(text, others);
        assert.deepEqual(
          (await listRestorePoints(db, 'orders')).map((point) => point.path.split('/').pop()),
          points,
        );
        const [run, job] = [await latestRun(db, 'orders'), await findJob(db, 'orders')];
        const why = whyUnrecoverable({ job: job!, run, newest: (await newestRestorePoints(db)).get('orders') }, new Date());
        if (points.length === 0)
          assert.match(why ?? '', /Flink deleted its checkpoints when it (failed|was canceled), and there is no savepoint/);
        else assert.equal(why, undefined);
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
