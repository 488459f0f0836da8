import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { putTeam } from '../../src/access/people.store.ts';
import { findCluster, putCluster } from '../../src/deploy/clusters.store.ts';
import { unknownState } from '../../src/deploy/deployer.ts';
import { jobNames } from '../../src/jobs/jobs.store.ts';
import { endRun, latestRun, listRuns, liveRuns } from '../../src/jobs/runs.store.ts';
import { discover } from '../../src/watch/discover.ts';
import { jobNameOf } from '../../src/watch/newcomers.ts';
import { sharedDb } from '../helpers/shared-db.ts';

test('a job gets the name that its program gives itself, as names are here', () => {
  assert.equal(jobNameOf('Orders -> Lake (v2)'), 'orders-lake-v2');
  assert.equal(jobNameOf('insert-into_default_catalog.default_database.Ümsätze'), 'insert-into-default-catalog-default-database-u-msa');
  assert.equal(jobNameOf('2024 backfill'), 'job-2024-backfill');
  assert.equal(jobNameOf('订单'), 'job-unnamed');
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (name) => assert.match(jobNameOf(name), /^[a-z][a-z0-9-]{0,62}$/)));
});

test('the same name is the next run of its job; on another cluster it is the job of that cluster, however often it is started anew', async (t) => {
  const { database, sees, ends, flinkIdsOf } = await world(t);
  assert.equal(await sees('old', 'aaaaaa11'), true);
  assert.equal(await sees('old', 'aaaaaa11'), false);
  assert.equal(await sees('older', 'cccccc33'), true);
  assert.deepEqual(await jobNames(database.db), ['older-orders', 'orders']);
  for (const [before, after] of [
    ['cccccc33', 'cccccd44'],
    ['cccccd44', 'eeeeee55'],
    ['eeeeee55', 'ffffff66'],
  ] as const) {
    await ends('older', before);
    await sees('older', after);
  }
  await ends('old', 'aaaaaa11');
  await sees('old', 'dddddd44');
  assert.deepEqual(await jobNames(database.db), ['older-orders', 'orders']);
  assert.deepEqual(await flinkIdsOf('older-orders'), ['ffffff66', 'eeeeee55', 'cccccd44', 'cccccc33']);
  assert.deepEqual(await flinkIdsOf('orders'), ['dddddd44', 'aaaaaa11']);
});

for (const [cluster, stable] of [
  ['old', 'orders'],
  ['older', 'older-orders'],
] as const)
  test(`several of one name at a time on one cluster are told apart, and each that is started anew goes on as one of them: ${stable}`, async (t) => {
    const { database, sees, ends, flinkIdsOf } = await world(t);
    await sees('old', 'aaaaaa11');
    // It is called so, and is no twin of anything.
    await sees('old', { id: '999999aa', name: 'Orders facade' });
    await ends('old', '999999aa');
    const first = cluster === 'old' ? 'aaaaaa11' : '10000011';
    await sees(cluster, first, 'bbbbbb22', 'cccccc33');
    const names = () => jobNames(database.db);
    const all = [...new Set(['orders', stable, 'orders-bbbbbb', 'orders-cccccc', 'orders-facade'])].sort();
    assert.deepEqual(await names(), all);
    // One after the other, and then both at once, the one that ended later being found first.
    await ends(cluster, 'bbbbbb22');
    await sees(cluster, first, 'bbbbbb44', 'cccccc33');
    await ends(cluster, 'cccccc33');
    await ends(cluster, 'bbbbbb44');
    await sees(cluster, first, 'dddddd55', 'eeeeee66');
    // The one whose name it is.
    await ends(cluster, first);
    await sees(cluster, '77777777', 'dddddd55', 'eeeeee66');
    assert.deepEqual(await names(), all);
    assert.deepEqual(await flinkIdsOf(stable), ['77777777', first]);
    assert.deepEqual(await flinkIdsOf('orders-bbbbbb'), ['eeeeee66', 'bbbbbb44', 'bbbbbb22']);
    assert.deepEqual(await flinkIdsOf('orders-cccccc'), ['dddddd55', 'cccccc33']);
    // One more than ever before, whose id begins as that of another, on this cluster and elsewhere.
    await sees(cluster, '77777777', 'dddddd55', 'eeeeee66', 'bbbbbb99aaaa1');
    assert.deepEqual(await flinkIdsOf('orders-bbbbbb99aaaa'), ['bbbbbb99aaaa1']);
  });

async function world(t: TestContext) {
  const database = await sharedDb(t);
  const { db } = database;
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: null, alertChannel: null });
    for (const name of ['old', 'older'])
      await putCluster(tx, { name, kind: 'standalone', url: 'http://x:1', team: 'data', observed: true });
  });
  let startedAt = Date.now();
  return {
    database,
    /** One look at a cluster on which these run, all called Orders if nothing else is said. */
    sees(cluster: string, ...jobs: (string | { id: string; name: string })[]) {
      startedAt += 1000;
      const all = jobs.map((one) => (typeof one === 'string' ? { id: one, name: 'Orders' } : one));
      const seen = all.map(({ id, name }) => [id, { state: 'RUNNING', tasksRunning: 2, tasksTotal: 2, name, startedAt }] as const);
      return database.transaction(
        async (tx) =>
          (
            await discover(
              tx,
              (await findCluster(tx, cluster))!,
              await liveRuns(tx, cluster),
              new Map(seen),
              new Map(all.map(({ id }) => [id, 'RUNNING'])),
            )
          ).found,
      );
    },
    async ends(cluster: string, flinkJobId: string) {
      const run = (await liveRuns(db, cluster)).find((one) => one.flinkJobId === flinkJobId);
      await database.transaction((tx) => endRun(tx, run!.id, { state: 'CANCELED', reason: 'canceled' }));
    },
    flinkIdsOf: async (job: string) => (await listRuns(db, job)).map((one) => one.flinkJobId),
  };
}

test('what has ended is not taken up', async (t) => {
  const database = await sharedDb(t);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: null, alertChannel: null });
    await putCluster(tx, { name: 'old', kind: 'standalone', url: 'http://x:1', team: 'data', observed: true });
  });
  const ended = { state: 'FAILED', tasksRunning: 0, tasksTotal: 2, name: 'Orders', startedAt: 1 };
  const { found } = await database.transaction(async (tx) =>
    discover(tx, (await findCluster(tx, 'old'))!, await liveRuns(tx, 'old'), new Map([['a', ended]]), new Map([['a', 'FAILED']])),
  );
  assert.equal(found, false);
  assert.deepEqual(await jobNames(database.db), []);
});

test('a run that was lost and is there after all lives again, once', async (t) => {
  const database = await sharedDb(t);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: null, alertChannel: null });
    await putCluster(tx, { name: 'old', kind: 'standalone', url: 'http://x:1', team: 'data', observed: true });
  });
  const job = { state: 'RUNNING', tasksRunning: 2, tasksTotal: 2, name: 'Orders', startedAt: 1 };
  const sees = async (state = 'RUNNING') =>
    (
      await database.transaction(async (tx) =>
        discover(tx, (await findCluster(tx, 'old'))!, await liveRuns(tx, 'old'), new Map([['a1', job]]), new Map([['a1', state]])),
      )
    ).found;
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
        await liveRuns(tx, 'grid'),
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

test('thousands that nobody knows are taken in with a few looks, each once; what has a name or an id already is looked at by itself', async (t) => {
  const database = await sharedDb(t);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: null, alertChannel: null });
    for (const name of ['old', 'older'])
      await putCluster(tx, { name, kind: 'standalone', url: 'http://x:1', team: 'data', observed: true });
  });
  const job = { state: 'RUNNING', tasksRunning: 2, tasksTotal: 2, startedAt: 1000 };
  const look = (cluster: string, jobs: Record<string, string>) =>
    database.transaction(async (tx) =>
      discover(
        tx,
        (await findCluster(tx, cluster))!,
        await liveRuns(tx, cluster),
        new Map(Object.entries(jobs).map(([id, name]) => [id, { ...job, name }])),
        new Map(Object.keys(jobs).map((id) => [id, 'RUNNING'])),
      ),
    );
  await look('older', { c1: 'Clicks' });
  await look('old', { v1: 'Views' });
  const views = await latestRun(database.db, 'views');
  await database.transaction((tx) => endRun(tx, views!.id, { state: 'LOST', reason: 'lost' }));
  const many = Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`many${n}`, `Many ${n}`]));
  const all = { ...many, t1: 'Twins', t2: 'Twins', v1: 'Views', c2: 'Clicks' };
  let looks = 1;
  while ((await look('old', all)).more) looks++;
  assert.ok(looks <= 3, `${looks} looks`);
  assert.equal((await look('old', all)).found, false);
  const runs = await liveRuns(database.db, 'old');
  const jobOf = new Map(runs.map((run) => [run.flinkJobId, run.job]));
  assert.equal(runs.length, Object.keys(all).length);
  assert.deepEqual(
    ['many0', 'many1499', 't1', 't2', 'v1', 'c2'].map((id) => jobOf.get(id)),
    ['many-0', 'many-1499', 'twins', 'twins-t2', 'views', 'old-clicks'],
  );
  assert.equal((await latestRun(database.db, 'views'))?.id, views?.id, 'it lives again');
});
