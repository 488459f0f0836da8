import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { newFlinkId } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { now } from '../../src/db/clock.ts';
import { leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { createDeployers } from '../../src/deploy/deployers.ts';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { insertRun, liveRuns } from '../../src/jobs/runs.store.ts';
import { pollCluster } from '../../src/watch/cluster-poll.ts';
import type { PollDeps } from '../../src/watch/poll-deps.ts';
import { startTcpProxy } from '../faults/tcp-proxy.ts';
import { flinkVersionsForTests, startTestCluster, until, untilRunning } from '../helpers/flink.ts';
import { compileJob, ordersJob } from '../helpers/flink-job.ts';
import { createTestDb } from '../helpers/test-db.ts';
import { makeUnwritable } from '../recordings/scenes.ts';

const minute = 60_000;
const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };

// A killed TaskManager, a killed JobManager and a failing job are in test/e2e/road, by the same watch.
describe('real clusters, as watch sees them', { concurrency: 2, timeout: 240_000 }, () => {
  for (const version of flinkVersionsForTests)
    test(`the checkpoint directory cannot be written, then the network is cut: each is told, and closes by itself: Flink ${version}`, async (t) => {
      const flink = await startTestCluster(version, {
        conf: { 'execution.checkpointing.interval': '1 s', 'execution.checkpointing.tolerable-failed-checkpoints': '1000' },
      });
      t.after(() => flink.stop());
      const { jarId } = await flink.client.uploadJar(await compileJob({ home: flink.home, outDir: join(flink.dir, 'job') }));
      const flinkJobId = newFlinkId();
      await flink.client.runJar({ jarId, jobId: flinkJobId, entryClass: ordersJob, programArgs: [], parallelism: 1 });
      const { vertices } = await untilRunning(flink.client, flinkJobId);
      const tasks = vertices.length;

      const address = new URL(flink.url);
      const network = await startTcpProxy({ to: { host: address.hostname, port: Number(address.port) } });
      t.after(() => network.close());
      const database = await createTestDb(t);
      const { db } = database;
      await database.transaction(async (tx) => {
        await putTeam(tx, { name: 'etl', channel: 'C0ETL', alertChannel: 'C0ALERT' });
        await putCluster(tx, { name: 'standalone', kind: 'standalone', url: `http://${network.host}:${network.port}`, team: 'etl' });
        await createJob(tx, {
          name: 'orders',
          team: 'etl',
          kind: 'jar',
          mode: 'streaming',
          project: null,
          definition: { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [], recoverableWithin: '5 s' },
          origin: 'form',
          createdBy: ann,
        });
        await insertRun(tx, {
          id: 'run_orders',
          job: 'orders',
          version: 1,
          cluster: 'standalone',
          flinkJobId,
          operationId: 'op_start',
          state: 'RUNNING',
          stateAt: now,
          startedBy: ann,
          startedAt: now,
          runningAt: now,
          beginning: 'fresh',
          tasksRunning: tasks,
          tasksTotal: tasks,
        });
      });
      const deployers = createDeployers(db);
      t.after(() => deployers.close());
      const [lease] = await leaseClusters(db, 'me', ['standalone']);
      const deps: PollDeps = {
        database,
        deployers,
        log: silentLog,
        publicUrl: 'http://sluice.example',
        defaults: { defaultChannel: undefined, alertChannel: undefined },
        times: { overviewEveryMs: 500, checkpointsEveryMs: 500 },
        firstCheckpointWithinMs: minute,
        incidents: {
          restartingForMs: 0,
          recoverableWithinMs: 30 * minute,
          channels: { always: [], whenSlackIsDown: [] },
          calls: { firstMs: 30 * minute, escalateMs: 60 * minute, againMs: 240 * minute },
        },
        onNews: () => {},
      };
      /** Polls until the incidents are these, newest first: cause and state. */
      const sees = (...wanted: [cause: string, state: string][]) =>
        until(
          JSON.stringify(wanted),
          async () => {
            await pollCluster(deps, lease!, { overviewMs: 5000 });
            const found = (await listIncidents(db)).map((one) => [one.cause, one.state]);
            if (JSON.stringify(found) === JSON.stringify(wanted)) return true;
            throw new Error(`there are ${JSON.stringify(found)}`);
          },
          30_000,
        );

      await until('a checkpoint', async () => (await flink.client.checkpoints(flinkJobId)).counts.completed > 0);
      await sees();
      const mend = await makeUnwritable(flink.cluster.checkpointDir);
      await sees(['not-recoverable', 'firing']);
      assert.match((await listIncidents(db))[0]?.title ?? '', /^orders could only go back to .*; it should be at most 5\.0 s$/);
      await mend();
      await sees(['not-recoverable', 'resolved']);

      await network.set({ is: 'refuse' });
      network.cut();
      await sees(['unreachable', 'firing'], ['not-recoverable', 'resolved']);
      // Unknown is not down: nothing is said of the job, which is still taken for running.
      assert.equal((await liveRuns(db, 'standalone'))[0]?.state, 'RUNNING');
      await network.set();
      await sees(['unreachable', 'resolved'], ['not-recoverable', 'resolved']);
    });
});
