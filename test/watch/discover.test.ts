import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { putTeam } from '../../src/access/people.store.ts';
import { findCluster, putCluster } from '../../src/deploy/clusters.store.ts';
import { unknownState } from '../../src/deploy/deployer.ts';
import { jobNames } from '../../src/jobs/jobs.store.ts';
import { endRun, latestRun, listRuns } from '../../src/jobs/runs.store.ts';
import { discover, jobNameOf } from '../../src/watch/discover.ts';
import { sharedDb } from '../helpers/shared-db.ts';

test('a job gets the name that its program gives itself, as names are here', () => {
  assert.equal(jobNameOf('Orders -> Lake (v2)'), 'orders-lake-v2');
  assert.equal(jobNameOf('insert-into_default_catalog.default_database.Ümsätze'), 'insert-into-default-catalog-default-database-u-msa');
  assert.equal(jobNameOf('2024 backfill'), 'job-2024-backfill');
  assert.equal(jobNameOf('订单'), 'job-unnamed');
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (name) => assert.match(jobNameOf(name), /^[a-z][a-z0-9-]{0,62}$/)));
});

test('the same name is the next run of its job; beside a live one it is another job; elsewhere it is another one too', async (t) => {
  const database = await sharedDb(t);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: null, alertChannel: null });
    for (const name of ['old', 'older'])
      await putCluster(tx, { name, kind: 'standalone', url: 'http://x:1', team: 'data', observed: true });
  });
  const job = { state: 'RUNNING', tasksRunning: 2, tasksTotal: 2, name: 'Orders', startedAt: Date.now() };
  const sees = async (cluster: string, ...ids: string[]) =>
    database.transaction(async (tx) =>
      discover(tx, (await findCluster(tx, cluster))!, new Map(ids.map((id) => [id, job])), new Map(ids.map((id) => [id, job.state]))),
    );
  assert.equal(await sees('old', 'aaaaaa11'), true);
  assert.equal(await sees('old', 'aaaaaa11'), false);
  assert.equal(await sees('old', 'aaaaaa11', 'bbbbbb22'), true);
  assert.equal(await sees('older', 'cccccc33'), true);
  assert.deepEqual(await jobNames(database.db), ['orders', 'orders-bbbbbb', 'orders-cccccc']);
  const run = await latestRun(database.db, 'orders');
  await database.transaction((tx) => endRun(tx, run!.id, { state: 'CANCELED', reason: 'canceled' }));
  job.startedAt += 1000;
  await sees('old', 'dddddd44');
  assert.deepEqual(
    (await listRuns(database.db, 'orders')).map((one) => one.flinkJobId),
    ['dddddd44', 'aaaaaa11'],
  );
});

test('what has ended is not taken up', async (t) => {
  const database = await sharedDb(t);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: null, alertChannel: null });
    await putCluster(tx, { name: 'old', kind: 'standalone', url: 'http://x:1', team: 'data', observed: true });
  });
  const ended = { state: 'FAILED', tasksRunning: 0, tasksTotal: 2, name: 'Orders', startedAt: 1 };
  assert.equal(
    await database.transaction(async (tx) =>
      discover(tx, (await findCluster(tx, 'old'))!, new Map([['a', ended]]), new Map([['a', 'FAILED']])),
    ),
    false,
  );
  assert.deepEqual(await jobNames(database.db), []);
});

test('a run that was lost and is there after all lives again, once', async (t) => {
  const database = await sharedDb(t);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: null, alertChannel: null });
    await putCluster(tx, { name: 'old', kind: 'standalone', url: 'http://x:1', team: 'data', observed: true });
  });
  const job = { state: 'RUNNING', tasksRunning: 2, tasksTotal: 2, name: 'Orders', startedAt: 1 };
  const sees = (state = 'RUNNING') =>
    database.transaction(async (tx) => discover(tx, (await findCluster(tx, 'old'))!, new Map([['a1', job]]), new Map([['a1', state]])));
  await sees();
  const run = await latestRun(database.db, 'orders');
  await database.transaction((tx) => endRun(tx, run!.id, { state: 'LOST', reason: 'lost' }));
  // The list with the names is old: it has ended for good.
  assert.equal(await sees('CANCELED'), false);
  assert.equal((await latestRun(database.db, 'orders'))?.ended, true);
  assert.equal(await sees(), true);
  assert.equal(await sees(), false);
  const again = await latestRun(database.db, 'orders');
  assert.deepEqual([again?.id, again?.ended, again?.state], [run?.id, false, 'RUNNING']);
});

test('an application that was started again goes on with the run of its jobs; where a job is follows it', async (t) => {
  const database = await sharedDb(t);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: null, alertChannel: null });
    await putCluster(tx, { name: 'grid', kind: 'yarn', url: 'http://x:1', team: 'data', observed: true });
  });
  const job = { state: 'RUNNING', tasksRunning: 2, tasksTotal: 2, name: 'Orders', startedAt: 1000, flinkVersion: '1.20.5' };
  const sees = (jobs: Record<string, { application: string; startedAt?: number }>, states: Record<string, string> = {}) =>
    database.transaction(async (tx) =>
      discover(
        tx,
        (await findCluster(tx, 'grid'))!,
        new Map(Object.entries(jobs).map(([id, where]) => [id, { ...job, ...where }])),
        new Map(Object.entries({ ...Object.fromEntries(Object.keys(jobs).map((id) => [id, 'RUNNING'])), ...states })),
      ),
    );
  await sees({ a1: { application: 'app_1' } });
  // The next attempt runs it under a new id, while nothing is known of the old one. The second job of that name is another one.
  await sees({ a2: { application: 'app_1', startedAt: 2000 }, a3: { application: 'app_1', startedAt: 2000 } }, { a1: unknownState });
  const runs = await listRuns(database.db, 'orders');
  assert.deepEqual(
    runs.map((one) => [one.flinkJobId, one.application, one.flinkVersion, one.ended, one.endTold]),
    [
      ['a2', 'app_1', '1.20.5', false, false],
      ['a1', 'app_1', '1.20.5', true, true],
    ],
  );
  assert.deepEqual(await jobNames(database.db), ['orders', 'orders-a3']);
  // Of another application nothing follows from that.
  await sees({ b1: { application: 'app_2' } }, { a2: unknownState });
  assert.equal((await latestRun(database.db, 'orders'))?.ended, false);
  // One that goes on elsewhere under its own id is found there, also when it was taken for over.
  await sees({ a2: { application: 'app_3' } });
  assert.equal((await latestRun(database.db, 'orders'))?.application, 'app_3');
  await database.transaction((tx) => endRun(tx, runs[0]!.id, { state: 'LOST', reason: 'lost' }));
  await sees({ a2: { application: 'app_4' } });
  const again = await latestRun(database.db, 'orders');
  assert.deepEqual([again?.flinkJobId, again?.ended, again?.application], ['a2', false, 'app_4']);
});
