import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { jobViews } from '../../src/commands/views/job-view.ts';
import { ConflictError } from '../../src/core/errors.ts';
import { newFlinkId } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { moveClock } from '../../src/db/clock.ts';
import { leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { createDeployers } from '../../src/deploy/deployers.ts';
import { listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { listRuns } from '../../src/jobs/runs.store.ts';
import { accept } from '../../src/operations/accept.ts';
import { operationKinds } from '../../src/operations/kinds/index.ts';
import { listRestorePoints } from '../../src/restore-points/restore-points.store.ts';
import { pollCluster } from '../../src/watch/cluster-poll.ts';
import type { PollDeps } from '../../src/watch/poll-deps.ts';
import { flinkVersionsForTests, startTestCluster, until, untilRunning } from '../helpers/flink.ts';
import { compileJob, ordersJob } from '../helpers/flink-job.ts';
import { recorded } from '../helpers/recorded.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const minute = 60_000;
const calls = { firstMs: 30 * minute, escalateMs: 60 * minute, againMs: 240 * minute };

describe('a cluster that is only observed', { timeout: 300_000 }, () => {
  for (const version of flinkVersionsForTests)
    test(`its jobs appear by themselves, with what they can go back to, and nothing is ever sent that changes it: Flink ${version}`, async (t) => {
      const flink = await startTestCluster(version, {
        conf: {
          'execution.checkpointing.interval': '1 s',
          'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
        },
      });
      t.after(() => flink.stop());
      const { jarId } = await flink.client.uploadJar(await compileJob({ home: flink.home, outDir: join(flink.dir, 'job') }));
      const start = async (name = 'Orders -> Lake (EU)', flinkConfiguration: Record<string, string> = {}) => {
        const jobId = newFlinkId();
        await flink.client.runJar({
          jarId,
          jobId,
          entryClass: ordersJob,
          programArgs: [],
          parallelism: 1,
          flinkConfiguration: { 'pipeline.name': name, ...flinkConfiguration },
        });
        await untilRunning(flink.client, jobId);
        return jobId;
      };
      const first = await start();

      const database = await sharedDb(t);
      const { db } = database;
      const tap = await recorded(t, flink.url);
      await database.transaction(async (tx) => {
        await putTeam(tx, { name: 'data', channel: 'C0ETL', alertChannel: 'C0ALERT' });
        await putCluster(tx, { name: 'old', kind: 'standalone', url: tap.url, team: 'data', observed: true });
      });
      const deployers = createDeployers(db);
      t.after(() => deployers.close());
      const [lease] = await leaseClusters(db, 'me', ['old']);
      const deps: PollDeps = {
        database,
        deployers,
        log: silentLog,
        publicUrl: 'http://sluice.example',
        defaults: { defaultChannel: undefined, alertChannel: undefined },
        times: { overviewEveryMs: 1000, checkpointsEveryMs: 500 },
        firstCheckpointWithinMs: minute,
        incidents: { restartingForMs: 0, recoverableWithinMs: 30 * minute, channels: { always: [], whenSlackIsDown: [] }, calls },
        onNews: () => {},
      };
      const sees = async <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> =>
        until(what, async () => {
          await pollCluster(deps, lease!, { overviewMs: 5000 });
          return (await look()) || undefined;
        });

      // It appears by its own name, and its checkpoints are what it can go back to.
      await sees('a restore point', async () => (await listRestorePoints(db, 'orders-lake-eu')).length > 0);
      const [view] = await jobViews(db, new Date());
      assert.deepEqual([view?.job.name, view?.observed, view?.state, view?.run?.flinkJobId], ['orders-lake-eu', true, 'running', first]);

      // Nothing can be done to it from here, by whatever way.
      const job = (await findJob(db, 'orders-lake-eu'))!;
      for (const kind of operationKinds)
        await assert.rejects(
          database.transaction((tx) =>
            accept(tx, {
              kind,
              job,
              input: { right: 'operate' },
              actor: { teamId: 'T1', userId: 'U1', name: 'ann' },
              origin: { kind: 'typed' },
              idemKey: `try-${kind.kind}`,
              jobChannel: undefined,
            }),
          ),
          (error) => error instanceof ConflictError && /only observes/.test(error.message),
        );
      const { deployer } = await deployers.of('old');
      await assert.rejects(deployer.cancel(first), ConflictError);
      await assert.rejects(deployer.triggerStop(first, newFlinkId(), undefined), ConflictError);
      await assert.rejects(
        deployer.submit({
          flinkJobId: newFlinkId(),
          artifact: jarId,
          mainClass: undefined,
          args: [],
          parallelism: undefined,
          restorePath: undefined,
          flink: {},
        }),
        ConflictError,
      );

      // Somebody stops it: told only when nothing follows.
      await flink.client.cancelJob(first);
      await sees('its end', async () => (await listRuns(db, job.name))[0]?.ended);
      assert.deepEqual(await openIncidents(db), []);
      await moveClock(db, 3 * minute);
      await database.transaction((tx) => carryIncidentsOn(tx, calls));
      const [told] = await openIncidents(db);
      assert.equal(told?.title, 'orders-lake-eu was canceled by somebody outside Sluice');

      // Started again where it is run: the same job goes on, and the incident is over. That it began from nothing is another one.
      const second = await start();
      await sees('the next run', async () => (await listRuns(db, job.name))[0]?.flinkJobId === second);
      const keys = async () => (await openIncidents(db)).map((incident) => incident.key).join();
      await sees('the end of the incident, and how it began', async () => (await keys()) === `job:${job.name}:began-empty`);
      assert.equal((await listIncidents(db, job.name)).find((incident) => incident.key === told?.key)?.state, 'resolved');
      assert.deepEqual([...tap.methods], ['GET']);

      // Of one with Flink's default, which is the same in all releases, nothing is left when it ends.
      if (version !== flinkVersionsForTests.at(-1)) return;
      const third = await start('Payments', { 'execution.checkpointing.externalized-checkpoint-retention': 'NO_EXTERNALIZED_CHECKPOINTS' });
      await sees('its restore point', async () => (await listRestorePoints(db, 'payments')).length > 0);
      await flink.client.cancelJob(third);
      await sees('its end', async () => (await listRuns(db, 'payments'))[0]?.ended);
      assert.deepEqual(await listRestorePoints(db, 'payments'), []);
      const lost = (await listIncidents(db, 'payments')).find((incident) => incident.cause === 'canceled-elsewhere');
      assert.match(JSON.stringify(lost?.facts), /Flink was told to delete its checkpoints, and there is no savepoint/);
    });
});
