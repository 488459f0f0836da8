import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { auditOf, firstBrokenAuditRow } from '../../src/access/audit.store.ts';
import { silentLog } from '../../src/core/log.ts';
import { dbNow, moveClock, now } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { eq } from '../../src/db/query.ts';
import { outboxMessages, restorePoints } from '../../src/db/schema/index.ts';
import { leaseClusters, updateClusterView } from '../../src/deploy/cluster-views.store.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { postHandover } from '../../src/incidents/handover.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { insertRun, updateRun } from '../../src/jobs/runs.store.ts';
import { insertOperation } from '../../src/operations/operations.store.ts';
import { recordRestorePoint } from '../../src/restore-points/restore-points.store.ts';
import { setPinned, writeDisposal } from '../../src/restore-points/retention.store.ts';
import { type RetentionDeps, sweepSavepoints } from '../../src/watch/retention.ts';
import { fakeDeployer, fakeDeployers, refusedConnection } from '../helpers/fake-deployer.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const day = 24 * 3_600_000;
const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
const path = (n: number) => `s3://lake/savepoint-${n}`;

/** The job orders with five savepoints of an ended run, and one that runs; the two newest are to be kept. */
async function world(t: TestContext, options: { tells?: boolean; observed?: boolean } = {}) {
  const database = await sharedDb(t);
  const deployer = fakeDeployer(t);
  await leaseClusters(database.db, 'me', ['standalone']);
  await database.transaction(async (tx) => {
    await putCluster(tx, { name: 'standalone', kind: 'standalone', url: 'http://flink.example', observed: options.observed ?? false });
    await createJob(tx, {
      name: 'orders',
      team: 'data',
      kind: 'jar',
      mode: 'streaming',
      project: null,
      definition: { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [], keepSavepoints: 2 },
      origin: 'apply',
      createdBy: ann,
    });
    for (const [id, ended] of [
      ['run_old', true],
      ['run_new', false],
    ] as const) {
      const flinkJobId = (ended ? 'a' : 'b').repeat(32);
      await insertRun(tx, {
        id,
        job: 'orders',
        version: 1,
        cluster: 'standalone',
        flinkJobId,
        operationId: 'op_0',
        state: 'RUNNING',
        stateAt: now,
        startedBy: ann,
        startedAt: now,
        beginning: 'fresh',
      });
      await updateRun(tx, id, {
        runningAt: now,
        ended,
        ...(ended ? { endReason: 'stopped' } : { restoredFrom: `${path(4).replace('s3:', 's3a:')}/` }),
      });
    }
  });
  const at = (await dbNow(database.db)).getTime();
  for (let n = 1; n <= 5; n++)
    await recordRestorePoint(database.db, {
      job: 'orders',
      runId: 'run_old',
      version: 1,
      kind: 'savepoint',
      path: path(n),
      takenAt: new Date(at - n * day),
      operationId: 'op_1',
      size: n,
    });
  const deps: RetentionDeps = {
    database,
    deployers: fakeDeployers({ standalone: deployer }),
    log: silentLog,
    keep: undefined,
    signal: new AbortController().signal,
  };
  const alive = () => updateClusterView(database.db, 'standalone', { lastOkAt: now, failures: 0 });
  const tell = async () => {
    const at = await dbNow(database.db);
    await database.transaction((tx) => postHandover(tx, { team: 'data', channel: 'C1' }, '2026-11-25', { now: at, since: at }, undefined));
  };
  const heard = () =>
    database.db.update(outboxMessages).set({ state: 'sent', sentTs: '1.1', sentChannel: 'C1', sentVersion: outboxMessages.desiredVersion });
  if (options.tells !== false) {
    await tell();
    await heard();
  }
  const points = () => database.db.select().from(restorePoints).orderBy(restorePoints.path);
  return {
    database,
    deployer,
    deps,
    alive,
    tell,
    heard,
    sweep: async () => {
      await alive();
      return sweepSavepoints(deps);
    },
    states: async () => (await points()).map((p) => p.state).join(' '),
    point: async (n: number) => (await points()).find((p) => p.path === path(n))!,
    audited: async (database: Database) => (await auditOf(database.db, 'job:orders')).map((row) => row.action).reverse(),
  };
}
const all = 'available available available available available';

it('deletes what was told a day before and nothing needs: the newest two and what runs began from stay', async (t) => {
  const w = await world(t);
  assert.equal(await w.sweep(), 0, 'its day has not come');
  await moveClock(w.database.db, day + 1000);
  w.deployer.expect('disposeSavepoint', { is: 'done' }, { is: 'done' });
  assert.equal(await w.sweep(), 2);
  assert.equal(await w.states(), 'available available disposed available disposed', 'savepoint-4 is what runs began from');
  assert.deepEqual(w.deployer.calls.map((call) => call.args[0]).sort(), [path(3), path(5)]);
  assert.deepEqual(await w.audited(w.database), ['savepoint.deleting', 'savepoint.deleted', 'savepoint.deleting', 'savepoint.deleted']);
  assert.equal(await firstBrokenAuditRow(w.database.db), undefined);
  assert.equal(await w.sweep(), 0);
});

it('deletes nothing that nobody was told of, or that people could not read yet', async (t) => {
  const w = await world(t, { tells: false });
  await moveClock(w.database.db, 3 * day);
  assert.equal(await w.sweep(), 0);
  await w.tell();
  await moveClock(w.database.db, 2 * day);
  assert.equal(await w.sweep(), 0, 'Slack has not taken the message');
  await w.heard();
  w.deployer.always('disposeSavepoint', { is: 'done' });
  assert.equal(await w.sweep(), 2);
});

it('an edit of the message that names more counts once people can read it', async (t) => {
  const w = await world(t);
  const old = (await dbNow(w.database.db)).getTime() - 9 * day;
  await recordRestorePoint(w.database.db, {
    job: 'orders',
    runId: 'run_old',
    version: 1,
    kind: 'savepoint',
    path: path(9),
    takenAt: new Date(old),
    operationId: 'op_1',
  });
  await w.tell();
  assert.notEqual((await w.point(9)).goesAt, null);
  await moveClock(w.database.db, day + 1000);
  w.deployer.always('disposeSavepoint', { is: 'done' });
  assert.equal(await w.sweep(), 2, 'what the version that was sent named');
  assert.equal((await w.point(9)).state, 'available');
  await w.heard();
  assert.equal(await w.sweep(), 1);
  assert.equal((await w.point(9)).state, 'disposed');
});

it('what cannot be taken, as its cluster is down, holds up nothing that comes after it', async (t) => {
  const w = await world(t);
  // More than one sweep takes, all due before.
  await w.database.transaction((tx) => putCluster(tx, { name: 'down', kind: 'standalone', url: 'http://down.example' }));
  await w.database.db.execute(
    'insert into runs select (jsonb_populate_record(r, \'{"id": "run_down", "cluster": "down"}\')).* from runs r where id = \'run_old\'',
  );
  await w.database.db.execute(`insert into restore_points select (jsonb_populate_record(p, jsonb_build_object('id', 'rp_down' || n, 'run_id', 'run_down', 'path',
    's3://down/savepoint-' || n, 'goes_at', p.goes_at - interval '1 hour'))).* from restore_points p, generate_series(1, 201) n where p.path like '%savepoint-5'`);
  await moveClock(w.database.db, day + 1000);
  w.deployer.always('disposeSavepoint', { is: 'done' });
  assert.equal(await w.sweep(), 2);
});

it('an operation that passes keeps it for that time only: its day stays', async (t) => {
  const w = await world(t);
  await moveClock(w.database.db, day + 1000);
  await w.database.transaction((tx) =>
    insertOperation(tx, {
      id: 'op_b',
      kind: 'restart',
      job: 'orders',
      state: 'running',
      holds: true,
      input: {},
      idemKey: 'op_b',
      actor: ann,
      origin: { kind: 'typed' },
      messageId: 'msg',
      createdAt: now,
    }),
  );
  assert.equal(await w.sweep(), 0);
  await w.tell();
  const [message] = (await w.database.db.query.outboxMessages.findMany()).filter((row) => row.dedupeKey.startsWith('handover:'));
  assert.match(JSON.stringify(message?.desired), /works on the job; .*once that is over/);
  await w.database.db.execute("update operations set state = 'succeeded', holds = false");
  w.deployer.always('disposeSavepoint', { is: 'done' });
  assert.equal(await w.sweep(), 2);
});

it('asks again before it deletes: pinned, named in a plan, an operation, another policy', async (t) => {
  for (const change of ['pinned', 'plan', 'busy', 'policy', 'another job runs from it'] as const) {
    const w = await world(t);
    await moveClock(w.database.db, day + 1000);
    const [three, five] = [await w.point(3), await w.point(5)];
    const operation = (id: string, job: string, state: 'waiting' | 'running', input: Record<string, unknown>) =>
      w.database.transaction((tx) =>
        insertOperation(tx, {
          id,
          kind: 'restore',
          job,
          state,
          holds: state === 'running',
          input,
          idemKey: id,
          actor: ann,
          origin: { kind: 'typed' },
          messageId: 'msg',
          createdAt: now,
        }),
      );
    if (change === 'pinned')
      await w.database.transaction(async (tx) => {
        for (const one of [three, five]) await setPinned(tx, one.id, { by: ann, reason: null });
      });
    if (change === 'plan')
      await operation('op_a', 'clicks', 'waiting', { from: `${path(3).replace('s3:', 's3a:')}/_metadata`, more: { deep: [five.id] } });
    if (change === 'busy') await operation('op_b', 'orders', 'running', {});
    if (change === 'another job runs from it')
      await w.database.transaction(async (tx) => {
        for (const [i, n] of [3, 5].entries()) {
          const id = `run_copy${i}`;
          await insertRun(tx, {
            id,
            job: `copy${i}`,
            version: 1,
            cluster: 'elsewhere',
            flinkJobId: String(i).repeat(32),
            operationId: 'op',
            state: 'RUNNING',
            stateAt: now,
            startedBy: ann,
            startedAt: now,
            beginning: 'restore',
            restoredFrom: `hdfs://nn:8020/lake/savepoint-${n}`,
          });
        }
      });
    if (change === 'policy') w.deps.keep = undefined;
    if (change === 'policy')
      await w.database.db.execute('update job_versions set definition = definition || \'{"keepSavepoints": "all"}\'');
    assert.equal(await w.sweep(), 0, change);
    assert.equal(await w.states(), all, change);
  }
});

it('only through the cluster that wrote it, only while that answers, never when it is only observed', async (t) => {
  const w = await world(t);
  await moveClock(w.database.db, day + 1000);
  await updateClusterView(w.database.db, 'standalone', { lastOkAt: now, failures: 1 });
  assert.equal(await sweepSavepoints(w.deps), 0);
  await updateClusterView(w.database.db, 'standalone', { lastOkAt: now, failures: 0 });
  await moveClock(w.database.db, 120_000);
  assert.equal(await sweepSavepoints(w.deps), 0, 'it has not answered for two minutes');
  await w.database.db.execute('update clusters set observed = true');
  assert.equal(await w.sweep(), 0);
  assert.equal(await w.states(), all);
});

it('two replicas at once delete each one once', async (t) => {
  const w = await world(t);
  await moveClock(w.database.db, day + 1000);
  await w.alive();
  w.deployer.always('disposeSavepoint', { is: 'done' });
  await Promise.all(Array.from({ length: 6 }, () => sweepSavepoints(w.deps)));
  assert.deepEqual(w.deployer.calls.map((call) => call.args[0]).sort(), [path(3), path(5)]);
});

it('a request that never left leaves the savepoint as it was', async (t) => {
  const w = await world(t);
  await moveClock(w.database.db, day + 1000);
  w.deployer.always('disposeSavepoint', refusedConnection());
  assert.equal(await w.sweep(), 0);
  assert.equal(await w.states(), all);
});

it('without an answer it is never offered again: asked once more later, until it is gone', async (t) => {
  const w = await world(t);
  await moveClock(w.database.db, day + 1000);
  w.deployer.expect('disposeSavepoint', { is: 'unknown', why: 'no answer' }, { is: 'unknown', why: 'no answer' });
  assert.equal(await w.sweep(), 0);
  assert.equal(await w.states(), 'available available disposing available disposing');
  assert.equal(await w.sweep(), 0, 'not at once');
  await w.tell();
  const [message] = (await w.database.db.query.outboxMessages.findMany()).filter((row) => row.dedupeKey.startsWith('handover:'));
  assert.match(JSON.stringify(message?.desired), /could not be deleted, and may be half gone[\s\S]*delete its folder by hand/);
  await moveClock(w.database.db, 16 * 60_000);
  const missing = { is: 'failed' as const, why: 'not found', missing: true };
  w.deployer.expect('disposeSavepoint', missing, missing);
  assert.equal(await w.sweep(), 2);
  assert.equal(await w.states(), 'available available disposed available disposed');
  assert.deepEqual(
    (await w.audited(w.database)).filter((action) => action !== 'savepoint.deleting'),
    ['savepoint.not-deleted', 'savepoint.not-deleted', 'savepoint.deleted', 'savepoint.deleted'],
  );
});

it('what died before it sent anything is as whole as before; what was not there at all is only noted', async (t) => {
  const w = await world(t);
  await moveClock(w.database.db, day + 1000);
  const five = await w.point(5);
  await w.database.db
    .update(restorePoints)
    .set({
      state: 'disposing',
      disposal: { claim: 'dsp_dead', cluster: 'standalone', at: new Date(Date.now()).toISOString(), sent: false, tries: 1 },
    })
    .where(eq(restorePoints.id, five.id));
  assert.equal(
    await writeDisposal(w.database.db, five, 'dsp_other', { state: 'disposed', disposal: null }),
    false,
    'another claim writes nothing',
  );
  const missing = { is: 'failed' as const, why: 'not found', missing: true };
  w.deployer.expect('disposeSavepoint', missing, { is: 'done' });
  assert.equal(await w.sweep(), 1);
  assert.equal(await w.states(), 'available available vanished available disposed');
});

it('a fault after the request was sent leaves the claim: the next one asks again, an hour later', async (t) => {
  const w = await world(t);
  await moveClock(w.database.db, day + 1000);
  w.deployer.expect('disposeSavepoint', new TypeError('a fault of Sluice'));
  await assert.rejects(w.sweep(), TypeError);
  assert.equal((await w.states()).split(' ').filter((state) => state === 'disposing').length, 1);
  await moveClock(w.database.db, 3_600_000);
  w.deployer.expect('disposeSavepoint', { is: 'failed', why: 'not found', missing: true }, { is: 'done' });
  assert.equal(await w.sweep(), 2);
  assert.equal(await w.states(), 'available available disposed available disposed');
});
