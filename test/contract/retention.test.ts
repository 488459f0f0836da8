import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { it } from 'node:test';
import { auditOf } from '../../src/access/audit.store.ts';
import { newFlinkId } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { dbNow, moveClock, now } from '../../src/db/clock.ts';
import { outboxMessages } from '../../src/db/schema/index.ts';
import { leaseClusters, updateClusterView } from '../../src/deploy/cluster-views.store.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { createDeployers } from '../../src/deploy/deployers.ts';
import { disposeSavepoint } from '../../src/deploy/dispose-savepoint.ts';
import { postHandover } from '../../src/incidents/handover.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { insertRun } from '../../src/jobs/runs.store.ts';
import { recordRestorePoint } from '../../src/restore-points/restore-points.store.ts';
import { sweepSavepoints } from '../../src/watch/retention.ts';
import { until, untilRunning, withFlink } from '../helpers/flink.ts';
import { compileJob, ordersJob } from '../helpers/flink-job.ts';
import { createTestDb } from '../helpers/test-db.ts';

const day = 24 * 3_600_000;
const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };

it('Flink deletes the savepoint that is let go, the others stay, and a run that began from one goes on', {
  timeout: 180_000,
}, async (t) => {
  const database = await createTestDb(t);
  await withFlink('1.20.5', async (flink) => {
    const { client } = flink;
    const jar = await compileJob({ home: flink.home, outDir: join(flink.dir, 'job'), mainClass: ordersJob });
    const { jarId } = await client.uploadJar(jar);
    const begin = async (savepointPath?: string) => {
      const { jobId } = await client.runJar({
        jarId,
        jobId: newFlinkId(),
        ...(savepointPath ? { savepointPath, claimMode: 'NO_CLAIM' } : {}),
      });
      await untilRunning(client, jobId);
      return jobId;
    };
    const first = await begin();
    const paths: string[] = [];
    for (let n = 0; n < 4; n++) {
      const { triggerId } = await client.triggerSavepoint({ jobId: first, triggerId: newFlinkId() });
      const done = await until('a savepoint', async () => {
        const result = await client.savepointResult(first, triggerId);
        return result.state === 'completed' && result;
      });
      paths.push(done.location);
    }
    await client.cancelJob(first);
    const second = await begin(paths[1]);

    await leaseClusters(database.db, 'me', ['standalone']);
    await updateClusterView(database.db, 'standalone', { lastOkAt: now, failures: 0 });
    const at = (await dbNow(database.db)).getTime();
    await database.transaction(async (tx) => {
      await putCluster(tx, { name: 'standalone', kind: 'standalone', url: flink.url, pathsReadable: true });
      await createJob(tx, {
        name: 'orders',
        team: 'data',
        kind: 'jar',
        mode: 'streaming',
        project: null,
        definition: { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [], keepSavepoints: 1 },
        origin: 'apply',
        createdBy: ann,
      });
      const run = {
        job: 'orders',
        version: 1,
        cluster: 'standalone',
        operationId: 'op',
        state: 'RUNNING',
        stateAt: now,
        startedBy: ann,
        beginning: 'fresh' as const,
      };
      await insertRun(tx, { ...run, id: 'run_1', flinkJobId: first, ended: true, startedAt: new Date(at - 9 * day) });
      await insertRun(tx, { ...run, id: 'run_2', flinkJobId: second, startedAt: now, restoredFrom: paths[1] ?? null });
      for (const [i, path] of paths.entries())
        await recordRestorePoint(tx, {
          job: 'orders',
          runId: 'run_1',
          version: 1,
          kind: 'savepoint',
          path,
          takenAt: new Date(at - (8 - i) * day),
          operationId: `op_${i}`,
        });
    });
    const times = { now: new Date(at), since: new Date(at) };
    await database.transaction((tx) => postHandover(tx, { team: 'data', channel: 'C1' }, '2026-11-25', times, undefined));
    await database.db.update(outboxMessages).set({ state: 'sent', sentTs: '1.1', sentVersion: outboxMessages.desiredVersion });
    await moveClock(database.db, day + 1000);
    await updateClusterView(database.db, 'standalone', { lastOkAt: now });

    const deployers = createDeployers(database.db);
    t.after(() => deployers.close());
    const folders = async () => (await readdir(flink.cluster.savepointDir)).sort();
    assert.equal((await folders()).length, 4);
    assert.equal(await sweepSavepoints({ database, deployers, log: silentLog, keep: undefined, signal: new AbortController().signal }), 2);
    // The newest is always kept, and the second is what runs began from.
    assert.deepEqual(await folders(), [paths[1], paths[3]].map((path) => basename(path ?? '')).sort());
    assert.equal((await auditOf(database.db, 'job:orders')).filter((row) => row.action === 'savepoint.deleted').length, 2);
    assert.equal(await client.jobStatus(second), 'RUNNING');
    // Asked once more, Flink says that there is none: what a successor of a dead process hears.
    const again = await disposeSavepoint(client, paths[0] ?? '');
    assert.deepEqual([again.is, again.is === 'failed' && again.missing], ['failed', true], JSON.stringify(again));
    await client.cancelJob(second);
    const third = await begin(paths[3]);
    assert.equal(await client.jobStatus(third), 'RUNNING');
  });
});
