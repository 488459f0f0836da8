import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { jobViews } from '../../src/commands/views/job-view.ts';
import { UnreachableError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { messageToText } from '../../src/core/message.ts';
import { moveClock } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import { findClusterView, leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import { type CheckpointSight, type KnownRun, unknownState } from '../../src/deploy/deployer.ts';
import { firingKeys, listIncidents, openIncidents, unresolvedOf } from '../../src/incidents/incidents.store.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import { acknowledgeIncidents } from '../../src/incidents/open.ts';
import { findRun } from '../../src/jobs/runs.store.ts';
import { findMessage } from '../../src/outbox/outbox.store.ts';
import { claimDue } from '../../src/outbox/turns.store.ts';
import { pollCluster } from '../../src/watch/cluster-poll.ts';
import { leftToDo } from '../../src/watch/left-to-do.store.ts';
import { tellParked } from '../../src/watch/parked.ts';
import { tellStranded } from '../../src/watch/stranded.ts';
import { clustersPage } from '../../views/clusters.ts';
import { checkpoint, facts, gone, noCheckpoints, seen, unknown } from '../helpers/fake-deployer.ts';
import { flinkId, insertOp, openKeys, rig } from './rig.ts';

const _cause = { name: 'java.net.ConnectException', message: 'broker-1:9092', task: 'Source: orders', at: 1_764_000_000_000, stack: '' };
const _withCheckpoint: CheckpointSight = { ...noCheckpoints, completed: [checkpoint(9)] };
const outboxCount = async (database: Database) =>
  Number((await database.db.execute<{ n: number }>(sql`select count(*)::int as n from outbox_messages`)).rows[0]?.n);

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

it('an operation that a newer Sluice began and nobody carries on for five minutes is told, until somebody does', async (t) => {
  const r = await rig(t);
  await insertOp(r, 'running');
  await r.database.db.execute(sql`insert into operation_steps (operation_id, seq, name, title, state, started_at)
    select id, 1, 'fold-space', 'Fold space', 'running', sluice_now() from operations`);
  await r.database.db.execute(sql`update operations set owner = 'new:1:1', lease_until = sluice_now() + interval '15 seconds'`);
  const later = async (ms: number) => {
    await moveClock(r.database.db, ms);
    await tellStranded(r.deps);
    await r.database.transaction((tx) => carryIncidentsOn(tx, { firstMs: 1e9, escalateMs: 1e9, againMs: 1e9 }));
  };
  await later(0);
  assert.deepEqual(await listIncidents(r.database.db), [], 'its owner lives');
  await later(20_000);
  await r.database.db.execute(sql`update operations set lease_until = sluice_now() + interval '15 seconds'`);
  await later(1000);
  await later(10 * 60_000);
  assert.deepEqual(await openKeys(r), [], 'its owner was only restarted, and lives since');
  await later(4 * 60_000);
  assert.deepEqual(await openKeys(r), [], 'it may be restarted just now');
  await later(2 * 60_000);
  const [incident] = await openIncidents(r.database.db);
  assert.match(await r.text(incident!.messageId), /^orders: nobody carries .* on\n[\s\S]*does not know all of its steps/);
  await r.database.db.execute(sql`update operations set lease_until = sluice_now() + interval '15 seconds'`);
  await later(1000);
  assert.deepEqual(await openKeys(r), []);
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
    for (let i = 0; i < 3; i++) assert.deepEqual(await r.poll(), { answered: true, overviewFailed: false });
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
    assert.deepEqual(await r.poll(), { answered: false, overviewFailed: false });
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
    assert.deepEqual(await r.poll(true), { answered: true, overviewFailed: false });
    const [over] = await listIncidents(r.database.db);
    assert.deepEqual([over?.state, over?.resolution], ['resolved', 'standalone answers again.']);
    const view = await findClusterView(r.database.db, 'standalone');
    assert.deepEqual([view?.failures, view?.flinkVersion, view?.slotsTotal, view?.lastError], [0, '2.3.0', 8, null]);
    assert.deepEqual(await openIncidents(r.database.db), []);
  });
});

describe('a cluster that tells its jobs but not its overview', () => {
  it('answers: a job that fails is told, and the fault is logged once and shown until the overview is back', async (t) => {
    const warned: unknown[] = [];
    const log = { ...silentLog, warn: (about: unknown) => void warned.push(about) };
    const r = await rig(t, { log });
    await r.run();
    await r.run('clicks');
    r.shows({ orders: ['RUNNING', 4], clicks: ['RUNNING', 4] });
    r.deployer.always('overview', new UnreachableError('standalone gave no answer.'));
    for (let i = 0; i < 3; i++) assert.deepEqual(await r.poll(true), { answered: true, overviewFailed: true });
    assert.equal(r.deployer.count('facts'), 0, 'one that hangs is not waited for twice');
    assert.deepEqual(await r.poll(), { answered: true, overviewFailed: false });
    const view = await findClusterView(r.database.db, 'standalone');
    assert.deepEqual([view?.failures, view?.lastError], [0, 'standalone gave no answer.']);
    assert.equal(warned.length, 1);
    const [row] = [{ cluster: (await r.deps.deployers.of('standalone')).cluster, view, unreachable: false, jobs: [] }];
    assert.match(String(clustersPage([row], new Date())), /answers<[\s\S]*not its overview, [^<]*standalone gave no answer/);
    r.shows({ orders: ['RUNNING', 4], clicks: ['FAILED', 0] });
    r.deployer.always('overview', new UnreachableError('standalone gave no answer.')).always('rootCause', undefined);
    await r.poll(true);
    assert.deepEqual(await openKeys(r), ['job:clicks:failed']);
    // The other one fails alone.
    r.shows({ orders: ['RUNNING', 4] });
    r.deployer.always('facts', new UnreachableError('standalone gave no answer.'));
    assert.deepEqual(await r.poll(true), { answered: true, overviewFailed: false });
    r.deployer.always('facts', facts);
    await r.poll(true);
    assert.equal((await findClusterView(r.database.db, 'standalone'))?.lastError, null);
    assert.deepEqual(await openKeys(r), ['job:clicks:failed']);
  });
  it('is not asked for it at all while it is left alone', async (t) => {
    const r = await rig(t);
    await r.run();
    r.shows({ orders: ['RUNNING', 2] });
    r.deployer.never('overview').always('rootCause', undefined);
    const [lease] = await leaseClusters(r.database.db, 'me', ['standalone']);
    await pollCluster(r.deps, lease!, { overviewMs: -1 });
    assert.equal(r.deployer.count('overview'), 0);
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

describe('thousands of incidents that were left open', () => {
  it('are not read by the looks at other jobs', async (t) => {
    const r = await rig(t);
    await r.run();
    await r.database.db.execute(sql`insert into incidents (id, key, job, cluster, cause, state, title, facts, first_seen, last_seen)
      select 'inc_' || n, 'job:old-' || n || ':failed', 'old-' || n, 'standalone', 'failed', 'firing', 'x', '{}', sluice_now(), sluice_now()
      from generate_series(1, 3000) n`);
    r.deployer.always('rootCause', undefined);
    r.shows({ orders: ['RUNNING', 2] });
    await r.poll(true);
    assert.deepEqual((await leftToDo(r.database.db, 'standalone')).unresolved, [{ key: 'job:orders:restarting', job: 'orders' }]);
    assert.deepEqual((await leftToDo(r.database.db, 'elsewhere')).unresolved, []);
    assert.deepEqual(await unresolvedOf(r.database.db, 'standalone', ['no-data']), []);
    await insertOp(r, 'parked');
    await tellParked(r.deps);
    assert.deepEqual(await firingKeys(r.database.db, 'parked'), ['operation:op_stop:parked']);
    r.shows({ orders: ['RUNNING', 4] });
    await r.poll(true);
    assert.deepEqual(
      (await openIncidents(r.database.db, 'orders')).map((one) => one.key),
      ['operation:op_stop:parked'],
    );
  });
});
