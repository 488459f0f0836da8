import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sleep } from '../../src/core/time.ts';
import { endRun, findRun, reviveRun, runsChangedSince, updateRun } from '../../src/jobs/runs.store.ts';
import { createLiveRuns } from '../../src/watch/live-runs.ts';
import { flinkId, rig } from './rig.ts';

const names = (runs: readonly { job: string }[]) => runs.map((run) => run.job).sort();

it('the runs that watch keeps are those that live, whoever changed what', async (t) => {
  const r = await rig(t);
  const live = createLiveRuns('standalone');
  await r.run('orders');
  await r.run('clicks');
  assert.deepEqual(names((await live.read(r.database.db)).runs), ['clicks', 'orders']);
  await r.run('views');
  await updateRun(r.database.db, 'run_orders', { tasksRunning: 2 });
  await endRun(r.database.db, 'run_clicks', { state: 'FAILED', reason: 'failed' });
  const { runs: now } = await live.read(r.database.db);
  assert.deepEqual(names(now), ['orders', 'views']);
  assert.equal(now.find((run) => run.job === 'orders')?.tasksRunning, 2);
  await r.database.transaction((tx) => reviveRun(tx, 'standalone', flinkId('clicks'), 'RUNNING'));
  assert.deepEqual(names((await live.read(r.database.db)).runs), ['clicks', 'orders', 'views']);
});

it('a change that was not committed when they were read is seen by the next read, also when later ones were seen already', async (t) => {
  const r = await rig(t);
  const live = createLiveRuns('standalone');
  await r.run('orders');
  await r.run('clicks');
  await live.read(r.database.db);
  let commit = () => {};
  const held = new Promise<void>((done) => {
    commit = done;
  });
  const slow = r.database.transaction(async (tx) => {
    await updateRun(tx, 'run_orders', { tasksRunning: 1 });
    await held;
  });
  // Until the slow transaction has written its row.
  while ((await r.database.db.execute("select 1 from pg_locks where not granted or mode = 'RowExclusiveLock'" as never)).rows.length === 0)
    await sleep(10);
  await updateRun(r.database.db, 'run_clicks', { tasksRunning: 3 });
  const { runs: before } = await live.read(r.database.db);
  assert.equal(before.find((run) => run.job === 'clicks')?.tasksRunning, 3);
  assert.equal(before.find((run) => run.job === 'orders')?.tasksRunning, 4);
  commit();
  await slow;
  assert.equal((await live.read(r.database.db)).runs.find((run) => run.job === 'orders')?.tasksRunning, 1);
});

it('a PostgreSQL that failed over and lost its last commits is read from the beginning', async (t) => {
  const r = await rig(t);
  await r.run('orders');
  await r.run('clicks');
  const { rows, at } = await runsChangedSince(r.database.db, 'standalone', undefined);
  const asked: (number | undefined)[] = [];
  const answers = [
    { rows, until: 100, at },
    { rows: [], until: 40, at },
    { rows: rows.filter((run) => run.job === 'orders'), until: 41, at },
    { rows: [], until: 42, at },
  ];
  const live = createLiveRuns('standalone', async (_db, _cluster, since) => {
    asked.push(since);
    return answers.shift()!;
  });
  assert.deepEqual(names((await live.read(r.database.db)).runs), ['clicks', 'orders']);
  // The other server counts its transactions from lower, and never heard of the second run.
  assert.deepEqual(names((await live.read(r.database.db)).runs), ['orders']);
  assert.deepEqual(names((await live.read(r.database.db)).runs), ['orders']);
  assert.deepEqual(asked, [undefined, 100, undefined, 41]);
});

it('a poll that finds all as before writes no run, and what it proves is read all the same', async (t) => {
  const r = await rig(t);
  const before = await r.run();
  r.shows({ orders: ['RUNNING', 4] });
  await r.poll();
  const written = async () => (await r.database.db.execute<{ in: string }>('select changed_in as in from runs' as never)).rows[0]?.in;
  const then = await written();
  await r.poll();
  assert.equal(await written(), then);
  const after = await findRun(r.database.db, 'run_orders');
  assert.ok((after?.stateAt ?? 0) > before.stateAt, 'proven by the last poll');
});
