import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { newFlinkId } from '../../src/core/ids.ts';
import type { FlinkClient, RunRequest, SavepointResult } from '../../src/flink/client.ts';
import { FlinkError, type FlinkErrorKind } from '../../src/flink/errors.ts';
import { allVerticesRunning, rootException } from '../../src/flink/job-facts.ts';
import { flinkVersionsForTests, startTestCluster, type TestCluster, until, untilRunning, untilState } from '../helpers/flink.ts';
import { compileJob, customersJob, ordersJob } from '../helpers/flink-job.ts';

for (const version of flinkVersionsForTests) {
  describe(`the client on a real Flink ${version}`, () => {
    let flink: TestCluster;
    let client: FlinkClient;
    let jarId: string;
    /** A job that runs through the whole file; the last test stops it. */
    const orders = newFlinkId();

    before(async () => {
      flink = await startTestCluster(version);
      client = flink.client;
      const jar = await compileJob({ home: flink.home, outDir: join(flink.dir, 'job') });
      ({ jarId } = await client.uploadJar(jar));
      await client.runJar({
        jarId,
        jobId: orders,
        entryClass: ordersJob,
        programArgs: ['--rate', '200', '--name', 'etl orders'],
        parallelism: 2,
      });
      await untilRunning(client, orders);
    });
    after(() => flink?.stop());

    const run = (more: Partial<RunRequest> = {}) => client.runJar({ jarId, jobId: newFlinkId(), entryClass: ordersJob, ...more });
    async function refused(call: Promise<unknown>, kind: FlinkErrorKind, message: RegExp): Promise<FlinkError> {
      const error = await call.then(
        () => assert.fail(`expected ${kind}`),
        (caught: unknown) => caught,
      );
      assert.ok(error instanceof FlinkError, String(error));
      assert.equal(error.kind, kind, error.message);
      assert.match(error.message, message);
      return error;
    }
    async function savepoint(jobId: string, more: { targetDirectory?: string; formatType?: 'NATIVE' } = {}): Promise<SavepointResult> {
      const triggerId = newFlinkId();
      assert.equal((await client.triggerSavepoint({ jobId, triggerId, ...more })).triggerId, triggerId);
      return ended(jobId, triggerId);
    }
    function ended(jobId: string, triggerId: string): Promise<SavepointResult> {
      return until('the savepoint', async () => {
        const result = await client.savepointResult(jobId, triggerId);
        return result.state !== 'in-progress' && result;
      });
    }
    function failedWith(result: SavepointResult, kind: FlinkErrorKind): FlinkError {
      assert.equal(result.state, 'failed');
      assert.equal(result.error.kind, kind, result.error.message);
      return result.error;
    }

    test('tells the cluster: release, slots, TaskManagers, configuration, logs', async () => {
      assert.equal((await client.release()).text, version);
      assert.equal((await client.overview())['slots-total'], 4);
      assert.equal((await client.config())['flink-version'], version);
      const [taskManager] = await client.taskManagers();
      assert.equal(taskManager?.slotsNumber, 4);
      assert.equal((await client.jobManagerConfig())['execution.checkpointing.num-retained'], '3');
      const names = (await client.jobManagerLogs()).map((file) => file.name);
      assert.ok(names.includes('jobmanager.log'), names.join());
      const tail = await client.jobManagerLog({ tailBytes: 2000 });
      assert.ok(tail.text.length > 0 && tail.text.length <= 2000 && tail.truncated);
      assert.match((await client.taskManagerLog(taskManager?.id ?? '')).text, /TaskExecutor/i);
    });

    test('tells a running job: all tasks, names, checkpoints, accumulators, metrics', async () => {
      const job = await client.job(orders);
      assert.deepEqual([job.name, job.state, job.vertices.length], ['etl orders', 'RUNNING', 2]);
      const progress = allVerticesRunning(job);
      assert.deepEqual([progress.running, progress.total, progress.allRunning], [4, 4, true]);
      assert.ok((progress.runningAt ?? 0) > 1.6e12);
      assert.deepEqual(await client.jobs(), [{ id: orders, status: 'RUNNING' }]);
      // Flink makes this overview now and then only, and may show it as it was before its tasks ran.
      await until('its tasks in the overview', async () => (await client.jobsOverview())[0]?.tasks.running === 4);
      assert.equal(await client.jobStatus(orders), 'RUNNING');
      assert.equal((await client.checkpointConfig(orders)).interval, 2000);
      assert.equal((await client.jobConfig(orders)).name, 'etl orders');
      const completed = await until('a checkpoint', async () => (await client.checkpoints(orders)).latest.completed ?? undefined);
      assert.match(completed.external_path ?? '', new RegExp(`^file:${flink.cluster.checkpointDir}/${orders}/chk-\\d+$`));
      assert.equal((await client.checkpointDetails(orders, completed.id)).status, 'COMPLETED');
      await until('orders counted', async () => Number((await client.accumulators(orders))['orders']) > 0);
      await until(
        'metrics',
        async () => (await client.metrics(orders, ['numRestarts', 'lastCompletedCheckpointId']))['numRestarts'] === '0',
      );
      const [source, totals] = job.vertices.map((vertex) => vertex.id);
      // Each TaskManager hands on its own, every 10 s; what one has handed on says nothing of the other vertex.
      const names = await until('names of metrics', async () => {
        const found = await client.subtaskMetricNames(orders, source ?? '');
        return found.includes('Source__order_numbers.numRecordsOut') && found;
      });
      assert.ok(!names.includes('currentInputWatermark'));
      await until('values of metrics', async () => {
        const values = await client.subtaskMetrics(orders, totals ?? '', ['numRecordsIn', 'currentInputWatermark']);
        return [...values.keys()].sort().join() === 'currentInputWatermark,numRecordsIn';
      });
      assert.deepEqual(await client.subtaskMetrics(orders, source ?? '', ['numRecordsOut', 'currentInputWatermark']), new Map());
      assert.equal((await client.executionResult(orders)).status.id, 'IN_PROGRESS');
    });

    test('a checkpoint on demand', async () => {
      const triggerId = newFlinkId();
      await client.triggerCheckpoint({ jobId: orders, triggerId });
      const result = await until('the checkpoint', async () => {
        const one = await client.checkpointResult(orders, triggerId);
        return one.state !== 'in-progress' && one;
      });
      assert.equal(result.state, 'completed');
    });

    test('a second submission with the same id is a duplicate, also after the job ended', async () => {
      await refused(run({ jobId: orders }), 'duplicate-job', /already taken/);
      const { jobId } = await run({ programArgs: ['--rate', '1'] });
      await client.cancelJob(jobId);
      await untilState(client, jobId, 'CANCELED');
      // Right after the end Flink clears away the job's jars, and a submission may stumble over that first.
      await until('the refusal', () => refused(run({ jobId }), 'duplicate-job', /already taken/));
      assert.equal(await client.jobStatus(jobId), 'CANCELED');
    });

    test('wrong jars, classes and programs', async () => {
      await refused(run({ entryClass: 'com.example.Nope' }), 'entry-class-not-found', /com\.example\.Nope/);
      await refused(client.planJar({ jarId, entryClass: 'com.example.Nope' }), 'entry-class-not-found', /com\.example\.Nope/);
      await refused(client.runJar({ jarId, jobId: newFlinkId() }), 'entry-class-not-found', /names no main class/);
      await refused(run({ jarId: 'gone.jar' }), 'jar-not-found', /not on the cluster/);
      await refused(client.deleteJar('gone.jar'), 'jar-not-found', /not on the cluster/);
      const garbage = join(flink.dir, 'garbage.jar');
      await writeFile(garbage, 'no zip');
      const uploaded = await client.uploadJar(garbage);
      assert.deepEqual((await client.jars()).find((jar) => jar.id === uploaded.jarId)?.entry, []);
      await refused(run({ jarId: uploaded.jarId }), 'not-a-jar', /not a readable jar/);
      await client.deleteJar(uploaded.jarId);
      await refused(client.uploadJar(garbage, 'garbage.txt'), 'not-a-jar', /not a readable jar/);
      const thrown = await refused(run({ programArgs: ['--throw-main', 'orders.conf'] }), 'main-threw', /no configuration orders\.conf/);
      assert.match(thrown.rootCause, /^IllegalStateException: /);
      await refused(
        client.planJar({ jarId, entryClass: ordersJob, programArgs: ['--throw-main', 'x'] }),
        'main-threw',
        /no configuration x/,
      );
      await refused(run({ programArgs: ['--rat', '5'] }), 'main-threw', /Unknown option '--rat'/);
      await refused(run({ programArgs: ['--no-execute'] }), 'no-jobs', /without starting a job/);
      await refused(run({ parallelism: 0 }), 'bad-request', /at least 1/);
      await refused(run({ jobId: 'xyz' }), 'bad-request', /xyz/);
    });

    test('a program with two jobs is refused, and its first job runs all the same', async () => {
      const jobId = newFlinkId();
      await refused(run({ jobId, programArgs: ['--twice', '--rate', '1'] }), 'multiple-executes', /only its first/);
      await client.cancelJob(jobId);
      await untilState(client, jobId, 'CANCELED');
    });

    test('a plan names the vertices and starts nothing', async () => {
      const before = (await client.jobs()).length;
      const plan = await client.planJar({ jarId, entryClass: customersJob, parallelism: 2 });
      assert.equal(plan.nodes.length, 2);
      assert.equal((await client.jobs()).length, before);
    });

    test("the demo's second job runs", async () => {
      const { jobId } = await run({ entryClass: customersJob, programArgs: ['--name', 'customers'] });
      assert.equal((await untilRunning(client, jobId)).name, 'customers');
      await client.cancelJob(jobId);
      await untilState(client, jobId, 'CANCELED');
    });

    test('an unknown job is unknown everywhere, whatever the status code', async () => {
      const nobody = newFlinkId();
      for (const call of [client.job, client.jobStatus, client.checkpoints, client.jobConfig, client.executionResult, client.cancelJob]) {
        await refused(call(nobody), 'job-not-found', /does not know this job/);
      }
      await refused(client.exceptions(nobody), 'job-not-found', /does not know this job/);
      failedWith(await savepoint(nobody), 'job-not-found');
      assert.deepEqual(await client.savepointResult(orders, newFlinkId()), { state: 'unknown' });
      assert.deepEqual(await client.metrics(nobody, ['numRestarts']), {});
      await refused(client.job('zzz'), 'bad-request', /zzz/);
    });

    test('savepoints that cannot be written leave the job running', async () => {
      const file = join(flink.dir, 'file');
      await writeFile(file, '');
      const unwritable = failedWith(await savepoint(orders, { targetDirectory: join(file, 'x') }), 'savepoint-directory');
      assert.match(unwritable.message, /file\/x cannot be written/);
      failedWith(await savepoint(orders, { targetDirectory: 's3://bucket/x' }), 'unsupported-filesystem');
      assert.equal(await client.jobStatus(orders), 'RUNNING');
      await refused(
        run({ flinkConfiguration: { 'execution.checkpointing.dir': `file://${file}/x` } }),
        'checkpoint-storage',
        /checkpoint directory/,
      );
    });

    test('restore points that are missing, damaged or do not fit', async () => {
      const folder = join(flink.dir, 'not-a-savepoint');
      await refused(run({ savepointPath: folder }), 'savepoint-missing', /no savepoint or checkpoint at/);
      await mkdir(folder);
      await refused(run({ savepointPath: folder }), 'savepoint-missing', /_metadata file is missing/);
      await writeFile(join(folder, '_metadata'), 'garbage garbage garbage');
      await refused(run({ savepointPath: folder }), 'savepoint-corrupt', /damaged/);
      await writeFile(join(folder, '_metadata'), '');
      await refused(run({ savepointPath: folder }), 'savepoint-corrupt', /damaged/);

      const taken = await savepoint(orders, { formatType: 'NATIVE' });
      assert.equal(taken.state, 'completed');
      const savepointPath = taken.location;
      await refused(run({ savepointPath, programArgs: ['--uid-suffix', '-2'] }), 'state-incompatible', /does not have/);
      await refused(run({ savepointPath, parallelism: 200 }), 'max-parallelism', /at most 128/);
      await refused(run({ savepointPath, programArgs: ['--max-parallelism', '64'] }), 'max-parallelism', /sets 64/);
      await refused(run({ parallelism: 8, programArgs: ['--max-parallelism', '4'] }), 'max-parallelism', /8 is higher/);
      const jobId = newFlinkId();
      await refused(run({ jobId, savepointPath: join(flink.dir, 'nowhere') }), 'savepoint-missing', /nowhere/);
      // The refused restore leaves a FAILED job behind, and its id cannot be used again.
      assert.equal(await client.jobStatus(jobId), 'FAILED');
      await refused(run({ jobId }), 'duplicate-job', /already taken/);

      const { triggerId } = await client.disposeSavepoint(savepointPath);
      const disposed = await until('disposal', async () => {
        const one = await client.disposalResult(triggerId);
        return one.state !== 'in-progress' && one;
      });
      assert.equal(disposed.state, 'completed');
      await refused(run({ savepointPath }), 'savepoint-missing', /./);
    });

    test('RUNNING without slots is not running, and no savepoint can be taken', async () => {
      const { jobId } = await run({ parallelism: 6 });
      const job = await client.job(jobId);
      assert.deepEqual([job.state, allVerticesRunning(job).running, allVerticesRunning(job).total], ['RUNNING', 0, 12]);
      failedWith(await savepoint(jobId), 'not-all-running');
      await client.cancelJob(jobId);
      await untilState(client, jobId, 'CANCELED');
    });

    test('a job that fails tells the root cause and its task', async () => {
      const { jobId } = await run({ programArgs: ['--fail-after', '5'] });
      await untilState(client, jobId, 'FAILED');
      const root = await until('the exception', async () => rootException(await client.exceptions(jobId)));
      assert.deepEqual([root.name, root.message], ['IllegalStateException', 'Planned failure after 5 orders']);
      assert.match(root.task ?? '', /totals per customer/);
      assert.equal((await client.executionResult(jobId))['job-execution-result']?.['application-status'], 'FAILED');
      await refused(client.cancelJob(jobId), 'job-already-ended', /FAILED/);
    });

    test('a fault that is switched on makes the job restart, and off again it goes on from its checkpoint', async () => {
      const fault = join(flink.dir, 'fault');
      const restarts = {
        'restart-strategy.type': 'fixed-delay',
        'restart-strategy.fixed-delay.attempts': '1000',
        'restart-strategy.fixed-delay.delay': '300 ms',
      };
      const { jobId } = await run({ programArgs: ['--fail-file', fault], flinkConfiguration: restarts });
      await untilRunning(client, jobId);
      await until('a checkpoint', async () => (await client.checkpoints(jobId)).latest.completed ?? undefined);
      await writeFile(fault, '');
      await until('a restart', async () => (await client.jobStatus(jobId)) === 'RESTARTING');
      const root = await until('the exception', async () => rootException(await client.exceptions(jobId)));
      assert.match(root.message, /^Cannot write order \d+: the target database refused the connection$/);
      await rm(fault);
      await until('recovery', async () => (await client.checkpoints(jobId)).latest.restored?.is_savepoint === false);
      await untilRunning(client, jobId);
      await client.cancelJob(jobId);
      await untilState(client, jobId, 'CANCELED');
    });

    test('a savepoint whose job is cancelled meanwhile was broken off', async () => {
      const { jobId } = await run({ programArgs: ['--slow-checkpoint', '4000'] });
      await untilRunning(client, jobId);
      const triggerId = newFlinkId();
      await client.triggerSavepoint({ jobId, triggerId });
      assert.deepEqual(await client.savepointResult(jobId, triggerId), { state: 'in-progress' });
      await client.cancelJob(jobId);
      // Which of the two depends on whether it had begun, or still waited behind a checkpoint.
      const outcome = await ended(jobId, triggerId);
      assert.ok(
        outcome.state === 'failed' && ['savepoint-interrupted', 'not-all-running'].includes(outcome.error.kind),
        JSON.stringify(outcome),
      );
      await untilState(client, jobId, 'CANCELED');
    });

    test('a stop whose job fails while closing still tells the savepoint', async () => {
      const { jobId } = await run({ programArgs: ['--fail-close'] });
      await untilRunning(client, jobId);
      const triggerId = newFlinkId();
      await client.stopWithSavepoint({ jobId, triggerId });
      const error = failedWith(await ended(jobId, triggerId), 'stopping-failed-with-savepoint');
      assert.match(error.savepointPath ?? '', new RegExp(`^file:${flink.cluster.savepointDir}/savepoint-`));
    });

    test('stop with savepoint, repeated with the same id, and the state goes on in the next job', async () => {
      await until('orders counted', async () => Number((await client.accumulators(orders))['orders']) > 100);
      const triggerId = newFlinkId();
      await client.stopWithSavepoint({ jobId: orders, triggerId });
      await client.stopWithSavepoint({ jobId: orders, triggerId });
      const stopped = await ended(orders, triggerId);
      assert.equal(stopped.state, 'completed');
      assert.equal(await client.jobStatus(orders), 'FINISHED');
      // For a moment more a busy JobManager takes a cancel of what has finished, to no effect.
      const error = await until('it is over', () =>
        client.cancelJob(orders).then(
          () => undefined,
          (caught: unknown) => caught,
        ),
      );
      await refused(Promise.reject(error), 'job-already-ended', /FINISHED/);

      const { jobId } = await run({
        savepointPath: stopped.location,
        parallelism: 1,
        flinkConfiguration: { 'pipeline.name': 'restored orders' },
      });
      const job = await untilRunning(client, jobId);
      assert.equal(job.name, 'restored orders');
      const restored = (await client.checkpoints(jobId)).latest.restored;
      assert.equal(restored?.external_path, stopped.location);
      const counts = await until('counts', async () => {
        const found = await client.accumulators(jobId);
        return Number(found['restored']) > 100 && Number(found['orders']) > Number(found['restored']) && found;
      });
      assert.ok(Number(counts['restored']) > 100);
      await client.cancelJob(jobId);
      await untilState(client, jobId, 'CANCELED');
    });
  });
}
