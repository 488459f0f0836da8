import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type AppError, UnreachableError } from '../../src/core/errors.ts';
import { newFlinkId } from '../../src/core/ids.ts';
import { processStartTime, startDaemon } from '../../src/core/process.ts';
import { createFlinkClient } from '../../src/flink/client.ts';
import { type SupervisionEvent, startLocalCluster } from '../../src/flink/local-cluster.ts';
import { startTestCluster, type TestCluster, testDistribution, until, untilRunning, untilState } from '../helpers/flink.ts';
import { compileJob, ordersJob } from '../helpers/flink-job.ts';

const version = '2.3.0';

describe('a local cluster', () => {
  let flink: TestCluster;
  let jarId: string;
  before(async () => {
    flink = await startTestCluster(version, { taskManagers: 2, slots: 1 });
    ({ jarId } = await flink.client.uploadJar(await compileJob({ home: flink.home, outDir: join(flink.dir, 'job') })));
  });
  after(() => flink?.stop());

  test('listens on loopback with everything in its folder', async () => {
    assert.match(flink.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await flink.client.taskManagers()).length, 2);
    assert.deepEqual((await readdir(flink.dir)).sort(), ['checkpoints', 'conf', 'job', 'log', 'pids', 'savepoints', 'tmp', 'upload']);
  });

  test('a killed TaskManager is restarted by the supervisor, and a job recovers from its checkpoint', async () => {
    const jobId = newFlinkId();
    const restarts = {
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': '1000',
      'restart-strategy.fixed-delay.delay': '200 ms',
    };
    await flink.client.runJar({ jarId, jobId, entryClass: ordersJob, programArgs: [], parallelism: 2, flinkConfiguration: restarts });
    await untilRunning(flink.client, jobId);
    await until('a checkpoint', async () => (await flink.client.checkpoints(jobId)).latest.completed ?? undefined);
    const events: SupervisionEvent[] = [];
    const stopSupervision = flink.cluster.superviseRestarts(300, (event) => events.push(event));
    const before = flink.cluster.taskManagers[1]?.pid;
    await flink.cluster.kill('taskmanager', 1);
    await until('restart', async () => events.length === 2);
    await flink.cluster.waitReady();
    stopSupervision();
    assert.deepEqual(
      events.map((event) => [event.kind, event.role, event.index]),
      [
        ['died', 'taskmanager', 1],
        ['restarted', 'taskmanager', 1],
      ],
    );
    assert.notEqual(flink.cluster.taskManagers[1]?.pid, before);
    await until('recovery', async () => (await flink.client.checkpoints(jobId)).latest.restored?.is_savepoint === false);
    await untilRunning(flink.client, jobId);
    await flink.client.cancelJob(jobId);
  });

  test('a killed JobManager refuses, comes back on its port without its jobs, and the jars are still there', async () => {
    const jobId = newFlinkId();
    await flink.client.runJar({ jarId, jobId, entryClass: ordersJob });
    await untilRunning(flink.client, jobId);
    await until('a checkpoint', async () => (await flink.client.checkpoints(jobId)).latest.completed ?? undefined);
    await flink.cluster.kill('jobmanager');
    assert.equal(flink.cluster.jobManager.alive, false);
    await assert.rejects(
      flink.client.overview(),
      (error: UnreachableError) => error instanceof UnreachableError && error.details['refused'] === true,
    );
    await flink.cluster.restart('jobmanager');
    await flink.cluster.waitReady();
    const fresh = createFlinkClient({ url: flink.url });
    assert.deepEqual(await fresh.jobs(), []);
    assert.ok((await fresh.jars()).some((jar) => jar.id === jarId));
    await fresh.close();
    const folder = join(flink.cluster.checkpointDir, jobId);
    // A checkpoint that was being written at the kill has no _metadata.
    const files = (await readdir(folder, { recursive: true })).flatMap((name) => /^chk-(\d+)\/_metadata$/.exec(name)?.[1] ?? []);
    const newest = Math.max(...files.map(Number));
    const restored = newFlinkId();
    const savepointPath = join(folder, `chk-${newest}`);
    // The first that this client sends goes out on a connection to the process that died: it is noticed, and sent once more.
    await flink.client.runJar({ jarId, jobId: restored, entryClass: ordersJob, savepointPath });
    await untilRunning(flink.client, restored);
    assert.equal((await flink.client.checkpoints(restored)).latest.restored?.external_path, `file:${savepointPath}`);
  });

  test('a field that Flink does not know is ignored without a word: the job runs, with the default', async () => {
    const run = async (field: string) => {
      const jobId = newFlinkId();
      const body = JSON.stringify({ entryClass: ordersJob, jobId, [field]: 2 });
      const answer = await fetch(`${flink.url}/jars/${jarId}/run`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
      assert.equal(answer.status, 200);
      const { vertices } = await untilRunning(flink.client, jobId).then(() => flink.client.job(jobId));
      await flink.client.cancelJob(jobId);
      await untilState(flink.client, jobId, 'CANCELED');
      return Math.max(...vertices.map((vertex) => vertex.parallelism));
    };
    for (const job of await flink.client.jobs()) if (job.status === 'RUNNING') await flink.client.cancelJob(job.id);
    assert.equal(await run('parallelism'), 2);
    assert.equal(await run('paralelism'), 1);
  });

  test('a stopped JobManager process accepts but does not answer, and goes on later', async () => {
    await flink.cluster.kill('jobmanager', 0, 'SIGSTOP');
    await assert.rejects(flink.client.overview({ timeoutMs: 300 }), (error: UnreachableError) => error.details['timedOut'] === true);
    await flink.cluster.kill('jobmanager', 0, 'SIGCONT');
    await until('an answer', async () => (await flink.client.overview())['flink-version'] === version);
  });
});

describe('a local cluster whose owner dies', () => {
  test('ends by itself after kill -9 of the owner, the same port can be used again, and its folder too', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-flink-owner-'));
    await testDistribution(version);
    const logFile = join(dir, 'owner.log');
    const script = fileURLToPath(new URL('../helpers/flink-owner.ts', import.meta.url));
    const env = { SLUICE_FLINK_CACHE: process.env['SLUICE_FLINK_CACHE'], FLINK_HOME: process.env['FLINK_HOME'] };
    const owner = await startDaemon(process.execPath, [script, version, join(dir, 'flink')], { logFile, env });
    try {
      const line = await until('the cluster of the owner', async () => /^\{.*\}$/m.exec(await readFile(logFile, 'utf8'))?.[0], 180_000);
      const { url, pids } = JSON.parse(line) as { url: string; pids: number[] };
      for (const pid of pids) assert.ok(await processStartTime(pid));
      await owner.stop('SIGKILL');
      await until(
        'the end of all processes',
        async () => (await Promise.all(pids.map(processStartTime))).every((time) => time === undefined),
        20_000,
      );
      await until('the watchdog', async () => (await readdir(join(dir, 'flink', 'pids'))).length === 0);
      const restPort = Number(new URL(url).port);
      const again = await startTestCluster(version, { dir: join(dir, 'flink'), restPort });
      assert.equal(again.url, url);
      await again.stop();
    } finally {
      await owner.stop('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    }
  });

  test('a taken port and a release that cannot start are told, and nothing stays behind', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-flink-bad-'));
    const { home } = await testDistribution(version);
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    try {
      const taken = startLocalCluster({ home, dir, restPort: port, taskManagers: 1, slots: 1 });
      await assert.rejects(taken, (error: AppError) => error.message === `Port ${port} is taken by another program.`);
      const broken = startLocalCluster({
        home,
        dir,
        restPort: 0,
        taskManagers: 1,
        slots: 1,
        conf: { 'taskmanager.memory.task.heap.size': 'much' },
      });
      await assert.rejects(
        broken,
        (error: AppError) =>
          /TaskManager 1 ended during its start: .*does not start with a number/.test(error.message) &&
          /taskmanager-1\.log/.test(error.hint ?? ''),
      );
      assert.deepEqual(await readdir(join(dir, 'pids')), []);
    } finally {
      await new Promise((done) => server.close(done));
      await rm(dir, { recursive: true, force: true });
    }
  });
});
