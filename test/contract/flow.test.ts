import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { newFlinkId } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { messageToText } from '../../src/core/message.ts';
import { sleep } from '../../src/core/time.ts';
import { leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { createDeployers } from '../../src/deploy/deployers.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { incidentMessage } from '../../src/incidents/message.ts';
import { listCheckpoints } from '../../src/restore-points/checkpoints.store.ts';
import { pollCluster } from '../../src/watch/cluster-poll.ts';
import { followedRuns } from '../../src/watch/flow.store.ts';
import { type FlowDeps, followFlows } from '../../src/watch/flow.ts';
import { startTestCluster, until, untilRunning } from '../helpers/flink.ts';
import { compileJob, ordersJob } from '../helpers/flink-job.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const minute = 60_000;

describe('the data of jobs on a real Flink', { timeout: 240_000 }, () => {
  test('a source that hangs and a part that does not keep up are told although all tasks run; the records close the one', async (t) => {
    const flink = await startTestCluster('2.3.0', { conf: { 'metrics.fetcher.update-interval': '200' } });
    t.after(() => flink.stop());
    const { jarId } = await flink.client.uploadJar(await compileJob({ home: flink.home, outDir: join(flink.dir, 'job') }));
    const pause = join(flink.dir, 'pause');
    const start = async (name: string, programArgs: string[]) => {
      const run = { jarId, jobId: newFlinkId(), entryClass: ordersJob, parallelism: 1, flinkConfiguration: { 'pipeline.name': name } };
      await flink.client.runJar({ ...run, programArgs });
      await untilRunning(flink.client, run.jobId);
    };
    await Promise.all([
      start('orders', ['--rate', '100', '--event-time', '--pause-file', pause]),
      start('slow', ['--rate', '0', '--slow-order', '20']),
    ]);
    const database = await sharedDb(t);
    const { db } = database;
    await database.transaction(async (tx) => {
      await putTeam(tx, { name: 'data', channel: 'C0ETL', alertChannel: 'C0ALERT' });
      await putCluster(tx, { name: 'old', kind: 'standalone', url: flink.url, team: 'data', observed: true });
    });
    const deployers = createDeployers(db);
    t.after(() => deployers.close());
    const deps: FlowDeps = {
      database,
      deployers,
      log: silentLog,
      publicUrl: 'http://sluice.example',
      defaults: { defaultChannel: undefined, alertChannel: undefined },
      times: { overviewEveryMs: 1000, checkpointsEveryMs: 1000 },
      firstCheckpointWithinMs: minute,
      incidents: {
        restartingForMs: 0,
        recoverableWithinMs: 30 * minute,
        channels: { always: [], whenSlackIsDown: [] },
        calls: { firstMs: 30 * minute, escalateMs: 60 * minute, againMs: 240 * minute },
      },
      onNews: () => {},
      // Seconds stand for minutes.
      flow: { limits: { noDataMs: 4000, watermarkMs: 4000, backpressureMs: 2000 }, everyMs: minute, budget: { requests: 100, ms: 5000 } },
    };
    const known = new Map();
    /** Looks twice a second until what is looked for is there. */
    const sees = <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> =>
      until(what, async () => {
        await sleep(500);
        const [lease] = await leaseClusters(db, 'me', ['old']);
        await pollCluster(deps, lease!, { overviewMs: 5000 });
        await followFlows(deps, lease!, known);
        return (await look()) || undefined;
      });
    const incident = async (job: string) => (await openIncidents(db, job))[0];

    const slow = await sees('what does not keep up', () => incident('slow'));
    assert.equal(slow.key, 'job:slow:backpressure');
    assert.match(
      messageToText(incidentMessage(slow)),
      /Source: order numbers -> throttle -> orders is held back \d+ % of the time: totals per customer -> Sink: totals out does not keep up/,
    );
    // Only what is a habit can be missed; how many looks that takes is the machine's affair.
    await sees('a habit', async () => {
      const orders = (await followedRuns(db, 'old', 10)).find(({ run }) => run.job === 'orders');
      return Object.values(orders?.memory ?? {}).some((one) => one.in?.steady || one.out?.steady);
    });
    assert.equal(await incident('orders'), undefined);
    await writeFile(pause, '');
    const told = await sees('data that stopped', () => incident('orders'));
    assert.equal(told.key, 'job:orders:no-data');
    assert.match(messageToText(incidentMessage(told)), /(reads|gets|hands on|gives) no records, since [\d :-]+ UTC\. All its tasks run/);
    assert.deepEqual(
      (await flink.client.jobsOverview()).map((job) => job.tasks.running),
      [2, 2],
    );
    await rm(pause);
    await sees('its end', async () => (await incident('orders')) === undefined);
    const checkpoints = await listCheckpoints(db, 'orders', 100);
    assert.ok(checkpoints.length > 3 && new Set(checkpoints.map((one) => one.id)).size === checkpoints.length);
    assert.ok(checkpoints.every((one) => one.state === 'completed' && (one.size ?? 0) > 0 && one.path !== null && one.unaligned === false));
  });
});
