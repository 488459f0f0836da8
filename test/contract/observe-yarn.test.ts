import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { jobViews } from '../../src/commands/views/job-view.ts';
import { http } from '../../src/core/http.ts';
import { newFlinkId } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { moveClock } from '../../src/db/clock.ts';
import { leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { createDeployers } from '../../src/deploy/deployers.ts';
import { createFlinkClient } from '../../src/flink/client.ts';
import { type Incident, openIncidents } from '../../src/incidents/incidents.store.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import type { IncidentFacts } from '../../src/incidents/message.ts';
import { latestRun, listRuns } from '../../src/jobs/runs.store.ts';
import { listRestorePoints } from '../../src/restore-points/restore-points.store.ts';
import { pollCluster } from '../../src/watch/cluster-poll.ts';
import type { PollDeps } from '../../src/watch/poll-deps.ts';
import { until } from '../helpers/flink.ts';
import { compileJob, ordersJob } from '../helpers/flink-job.ts';
import { recorded } from '../helpers/recorded.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { startTestYarn } from '../helpers/yarn.ts';

const minute = 60_000;
const calls = { firstMs: 30 * minute, escalateMs: 60 * minute, againMs: 240 * minute };

describe('a whole YARN that is only observed', { timeout: 600_000 }, () => {
  test('jobs of all its applications appear; a new attempt is no end, an end has its cause, and a dead ResourceManager is one incident', async (t) => {
    const yarn = await startTestYarn('1.20.5', '2.3.0');
    t.after(() => yarn.stop());
    const [failNow, failNightly] = [join(yarn.dir, 'fail-now'), join(yarn.dir, 'fail-nightly')];
    const jar = await compileJob({ home: yarn.home, outDir: join(yarn.dir, 'job') });
    const applicationMode = ['run-application', '-t', 'yarn-application', '-d', '-Dyarn.application.name=etl-orders'];
    const perJobMode = ['run', '-t', 'yarn-per-job', '-d', '-Dyarn.application.name=etl-nightly'];
    await Promise.all([
      yarn.flink(...applicationMode, '-Dyarn.application-attempts=2', '-c', ordersJob, jar, '--name', 'Orders', '--fail-file', failNow),
      yarn.flink(...perJobMode, '-c', ordersJob, jar, '--name', 'Nightly', '--fail-file', failNightly),
      yarn.session('-d', '-nm', 'etl-session'),
    ]);
    const apps = JSON.parse((await http(`${yarn.url}/ws/v1/cluster/apps`)).body).apps.app as Record<string, string>[];
    const idOf = (name: string) => apps.find((app) => app['name'] === name)?.['id'] ?? '';
    const [application, session] = [idOf('etl-orders'), idOf('etl-session')];

    const database = await sharedDb(t);
    const { db } = database;
    const tap = await recorded(t, yarn.url);
    await database.transaction(async (tx) => {
      await putTeam(tx, { name: 'data', channel: 'C0ETL', alertChannel: 'C0ALERT' });
      const options = { proxyUrl: `${tap.url}/proxy`, applications: 'etl-*' };
      await putCluster(tx, { name: 'grid', kind: 'yarn', url: tap.url, team: 'data', observed: true, options });
    });
    const deployers = createDeployers(db);
    t.after(() => deployers.close());
    const [lease] = await leaseClusters(db, 'me', ['grid']);
    const deps: PollDeps = {
      database,
      deployers,
      log: silentLog,
      publicUrl: 'http://sluice.example',
      defaults: { defaultChannel: undefined, alertChannel: undefined },
      times: { overviewEveryMs: 1000, checkpointsEveryMs: 500 },
      firstCheckpointWithinMs: minute,
      incidents: { restartingForMs: 10 * minute, recoverableWithinMs: 30 * minute, channels: { always: [], whenSlackIsDown: [] }, calls },
      onNews: () => {},
    };
    const sees = async <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> =>
      until(
        what,
        async () => {
          await pollCluster(deps, lease!, { overviewMs: 5000 });
          return (await look()) || undefined;
        },
        180_000,
      );
    const others = async () => (await openIncidents(db)).filter((incident: Incident) => incident.key !== 'job:orders:began-empty');
    const told = async () => (await others()).filter((incident) => incident.state !== 'pending');
    const stateOf = async (job: string) => (await jobViews(db, new Date())).find((view) => view.job.name === job)?.state;

    // Application mode: by name, with its checkpoints; the page of Flink is reached through the proxy.
    await sees('a restore point', async () => (await listRestorePoints(db, 'orders')).length > 0);
    const first = (await latestRun(db, 'orders'))!;
    assert.deepEqual([first.application, first.flinkVersion], [application, '1.20.5']);
    const { deployer } = await deployers.of('grid');
    await sees('what runs in per-job mode', async () => (await stateOf('nightly')) === 'running');
    assert.equal((await latestRun(db, 'nightly'))?.application, idOf('etl-nightly'));
    assert.ok(deployer.runUrl(first.flinkJobId, first.application).startsWith(`${tap.url}/proxy/${application}/#/job/running/`));

    // Its ApplicationMaster dies and YARN makes the next attempt, while others submit to the session.
    await yarn.killMaster(application);
    const master = apps.find((app) => app['id'] === session)?.['amRPCAddress'];
    const flink = createFlinkClient({ url: `http://${master}` });
    t.after(() => flink.close());
    const { jarId } = await flink.uploadJar(await compileJob({ home: yarn.sessionHome, outDir: join(yarn.dir, 'session-job') }));
    for (const name of ['Clicks', 'Views'])
      await flink.runJar({ jarId, jobId: newFlinkId(), entryClass: ordersJob, programArgs: ['--name', name], parallelism: 1 });
    await sees('both jobs of the session', async () => (await stateOf('clicks')) === 'running' && (await stateOf('views')) === 'running');
    assert.equal((await latestRun(db, 'clicks'))?.flinkVersion, '2.3.0');
    await sees('the job of the new attempt', async () => {
      const run = await latestRun(db, 'orders');
      return run?.flinkJobId !== first.flinkJobId && (await stateOf('orders')) === 'running';
    });
    assert.deepEqual(
      (await listRuns(db, 'orders')).map((run) => [run.application, run.ended]),
      [
        [application, false],
        [application, true],
      ],
    );
    assert.deepEqual(await others(), []);
    // Without high availability it left its checkpoints lying, and that is told.
    await sees('that it began from nothing', async () => (await openIncidents(db)).length > 0);

    // The ResourceManager is stopped: one incident about it, and none about what runs on.
    await yarn.stopResourceManager();
    await sees('the cluster does not answer', async () => (await told()).length > 0);
    assert.deepEqual(
      (await others()).map((incident) => incident.key),
      ['cluster:grid:unreachable'],
    );
    assert.equal(await stateOf('orders'), 'unknown');
    await yarn.startResourceManager();
    await sees('the cluster answers', async () => (await others()).length === 0 && (await stateOf('orders')) === 'running');

    // It fails: YARN says only FAILED, the JobManager's log says why.
    await writeFile(failNow, '');
    const failed = await sees('its end', async () => (await told())[0]);
    assert.equal(failed.key, 'job:orders:failed');
    assert.match((failed.facts as IncidentFacts).exception ?? '', /^IllegalStateException: /);

    // Somebody kills the session.
    await yarn.kill(session);
    await sees('the end of its jobs', async () => (await stateOf('clicks')) === 'stopped' && (await stateOf('views')) === 'stopped');
    assert.equal((await latestRun(db, 'clicks'))?.state, 'CANCELED');
    await moveClock(db, 3 * minute);
    await database.transaction((tx) => carryIncidentsOn(tx, calls));
    const killed = (await told()).filter((incident) => incident.key !== failed.key);
    assert.deepEqual(killed.map((incident) => incident.key).sort(), ['job:clicks:canceled-elsewhere', 'job:views:canceled-elsewhere']);
    assert.match((killed[0]!.facts as IncidentFacts).detail ?? '', /was killed by user/);

    // In per-job mode the application fails with its job.
    await writeFile(failNightly, '');
    const nightly = await sees('the end of the nightly job', async () => (await told()).find((one) => one.key === 'job:nightly:failed'));
    assert.match((nightly.facts as IncidentFacts).exception ?? '', /^IllegalStateException: /);
    assert.deepEqual([...tap.methods], ['GET']);
  });
});
