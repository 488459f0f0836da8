import { reportError } from '../../src/access/error-reports.store.ts';
import { inMs } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { leaseClusters, updateClusterView } from '../../src/deploy/cluster-views.store.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { acknowledgeIncidents, openIncident, resolveIncidents } from '../../src/incidents/open.ts';
import { addSilence } from '../../src/incidents/silences.store.ts';
import { addVersion, createJob, type JobDefinition } from '../../src/jobs/jobs.store.ts';
import { insertApproval } from '../../src/operations/approvals.store.ts';
import { writeStep } from '../../src/operations/operations.store.ts';
import { insertBuild } from '../../src/projects/builds.store.ts';
import { type CheckpointInput, insertCheckpoints } from '../../src/restore-points/checkpoints.store.ts';
import { recordRestorePoint } from '../../src/restore-points/restore-points.store.ts';
import { definition, emma, lena, seedBasics, seedOperation, seedRun } from './seed.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** A checkpoint a minute for three hours, slower in the last half hour; three failed, one is a savepoint. */
function checkpointsOf(job: string, runId: string): CheckpointInput[] {
  return Array.from({ length: 180 }, (_, i) => {
    const endedAt = new Date(Date.now() - (180 - i) * minute);
    const failed = i === 60 || i === 121 || i === 122;
    const durationMs = failed ? 600_000 : Math.round(800 + 90 * Math.sin(i) + (i > 150 ? (i - 150) * 420 : 0));
    return {
      runId,
      id: 632 + i,
      job,
      kind: i === 100 ? 'savepoint' : 'checkpoint',
      state: failed ? 'failed' : 'completed',
      triggeredAt: new Date(endedAt.getTime() - durationMs),
      endedAt,
      durationMs,
      ...(failed
        ? { failure: 'Checkpoint expired before completing.' }
        : {
            size: 20_000_000 + i * 25_000,
            written: 1_400_000,
            ...(i === 178
              ? { processed: 2_000_000, persisted: 61_000_000, unaligned: true }
              : { processed: i > 150 ? (i - 150) * 3_000_000 : 4000, persisted: 0, unaligned: false }),
            path: `s3://lake/checkpoints/9f31/chk-${632 + i}`,
          }),
    };
  });
}

/** Jobs in many states, with all that a page can show of them. */
export async function seedFleet(database: Database): Promise<void> {
  await seedBasics(database);
  await leaseClusters(database.db, 'test', ['standalone', 'attic']);
  await database.transaction(async (tx) => {
    await putCluster(tx, { name: 'attic', kind: 'standalone', url: 'http://127.0.0.1:2', webUrl: 'https://flink.attic.example.com' });
    await updateClusterView(tx, 'standalone', {
      flinkVersion: '1.20.5',
      slotsTotal: 12,
      slotsAvailable: 5,
      taskManagers: 3,
      lastOkAt: inMs(-second),
    });
    await updateClusterView(tx, 'attic', {
      flinkVersion: '2.3.0',
      slotsTotal: 4,
      slotsAvailable: 0,
      taskManagers: 1,
      lastOkAt: inMs(-11 * minute),
      failures: 40,
      lastError: 'connect ECONNREFUSED',
    });
    const checkpoint = (id: number, agoMs: number) => ({
      id,
      path: `s3://lake/checkpoints/9f31/chk-${id}`,
      size: 24_576_000,
      durationMs: 840,
      at: new Date(Date.now() - agoMs).toISOString(),
    });
    const job = (name: string, change: Partial<JobDefinition> = {}, project: string | null = 'etl') =>
      createJob(tx, {
        name,
        team: 'data',
        kind: 'jar',
        mode: 'streaming',
        project,
        definition: { ...definition, ...change },
        origin: 'apply',
        createdBy: lena,
      });
    for (const name of ['payments-fraud-scoring', 'sessions', 'clicks-hourly', 'inventory-sync', 'customers-daily']) await job(name);
    await job('attic-archive', { cluster: 'attic' });
    await job('orders-dev', { environment: 'development' });
    await job('brand-new', {}, null);
    await seedRun(tx, 'etl-orders', { ended: true, endedAt: inMs(-26 * hour), endReason: 'stopped', state: 'FINISHED', ago: 30 * hour });
    const current = await seedRun(tx, 'etl-orders', {
      version: 1,
      lastCheckpoint: checkpoint(812, 8 * second),
      restoredFrom: 's3://lake/savepoints/savepoint-5ae2f1-04c2',
      failedCheckpoints: 3,
    });
    await insertCheckpoints(tx, checkpointsOf('etl-orders', current));
    await seedRun(tx, 'inventory-sync', { lastCheckpoint: checkpoint(99, 41 * minute), restarts: 7, state: 'RESTARTING', tasksRunning: 2 });
    await seedRun(tx, 'attic-archive', { cluster: 'attic', stateAt: inMs(-11 * minute), lastCheckpoint: checkpoint(5, 12 * minute) });
    await seedRun(tx, 'orders-dev', { lastCheckpoint: checkpoint(3, 20 * second) });
    await seedRun(tx, 'clicks-hourly', { ended: true, endedAt: inMs(-50 * minute), endReason: 'finished', state: 'FINISHED' });
    await seedRun(tx, 'customers-daily', { ended: true, endedAt: inMs(-2 * hour), endReason: 'stopped', state: 'FINISHED' });
    const rootException = {
      name: 'java.lang.OutOfMemoryError',
      message: 'Java heap space',
      at: new Date(Date.now() - 3 * minute).toISOString(),
      task: 'Window(TumblingEventTimeWindows(60000)) (3/4)',
    };
    const failed = await seedRun(tx, 'payments-fraud-scoring', {
      ended: true,
      endedAt: inMs(-3 * minute),
      endReason: 'failed',
      state: 'FAILED',
      rootException,
      lastCheckpoint: checkpoint(4410, 3.5 * minute),
    });
    const incident = {
      job: 'payments-fraud-scoring',
      cluster: 'standalone',
      cause: 'failed' as const,
      runId: failed,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    };
    await openIncident(tx, {
      ...incident,
      key: 'job:payments-fraud-scoring:restarting',
      cause: 'restarting',
      title: 'payments-fraud-scoring keeps restarting',
      facts: { tasks: '2/4' },
    });
    await resolveIncidents(tx, ['job:payments-fraud-scoring:restarting'], 'It runs again on 4/4 tasks.');
    await openIncident(tx, {
      ...incident,
      key: 'job:payments-fraud-scoring:failed',
      title: 'payments-fraud-scoring failed',
      facts: {
        exception: 'java.lang.OutOfMemoryError: Java heap space',
        task: 'Window (3/4)',
        version: 2,
        checkpoint: { id: 4410, path: 's3://lake/checkpoints/77aa/chk-4410', at: new Date(Date.now() - 3.5 * minute).toISOString() },
      },
    });
    await addSilence(tx, { scope: 'cluster', name: 'standalone', reason: 'new nodes', by: lena, forMs: 90 * minute });
    for (const open of await openIncidents(tx, 'payments-fraud-scoring')) await acknowledgeIncidents(tx, [open.id], lena);
    for (const [i, final] of [false, false, true].entries())
      await recordRestorePoint(tx, {
        job: 'etl-orders',
        runId: current,
        version: i === 2 ? 1 : 2,
        kind: i === 1 ? 'checkpoint' : 'savepoint',
        path: `s3://lake/savepoints/savepoint-5ae2f1-04c${i}`,
        size: 24_576_000 * (i + 1),
        durationMs: 1840,
        takenAt: new Date(Date.now() - (i + 1) * 20 * minute),
        flinkVersion: '1.20.5',
        checkpointId: 800 + i,
        final,
      });
    await seedOperation(tx, 'etl-orders', 'savepoint', 'succeeded', 'Savepoint of etl-orders written', 20 * minute);
    await seedOperation(
      tx,
      'etl-orders',
      'stop',
      'failed',
      'etl-orders was not stopped: the savepoint failed, the full error is err_4k2m9x7qw3tz',
      5 * hour,
    );
    await seedOperation(tx, 'sessions', 'start', 'running', 'Starting sessions', 4 * second);
    await seedOperation(tx, 'inventory-sync', 'savepoint', 'parked', 'Parked: taking a savepoint of inventory-sync', 11 * minute);
    const built = await seedOperation(
      tx,
      'orders-dev',
      'restart',
      'failed',
      'orders-dev was not restarted; what ran before was not touched',
      9 * minute,
    );
    await writeStep(tx, built, { name: 'build-bind', seq: 0, title: 'Make the version' }, { state: 'done', result: { version: 3 } });
    await reportError(tx, built.id, `operation ${built.id}, step upload`, new Error('the cluster refused the jar'));
    await insertBuild(tx, {
      id: built.id.replace('op_', 'bld_'),
      project: 'etl',
      job: 'orders-dev',
      operationId: built.id,
      branch: 'main',
      commit: '3f2a91c0ffee',
      subject: 'Count late orders too',
      state: 'succeeded',
      log: `[INFO] Scanning for projects...\n${'[INFO] Compiling 12 source files with javac [debug release 11] to target/classes\n'.repeat(60)}[INFO] BUILD SUCCESS\n`,
      startedAt: inMs(-9 * minute),
      finishedAt: inMs(-8 * minute),
      actor: emma,
    });
    const waiting = await seedOperation(tx, 'etl-orders', 'restore', 'waiting', 'Approval needed to restore etl-orders', 2 * minute);
    await insertApproval(tx, {
      id: 'ap_1',
      operationId: waiting.id,
      planHash: 'f'.repeat(64),
      state: 'pending',
      requestedBy: emma,
      reason: 'Bad deploy at 14:00',
      expiresAt: inMs(hour),
    });
    await insertBuild(tx, {
      id: 'bld_000000000001',
      project: 'etl',
      job: 'etl-orders',
      operationId: waiting.id,
      branch: 'main',
      commit: '3f2a91c0ffee',
      subject: 'Count late orders too',
      state: 'succeeded',
      sha256: 'a'.repeat(64),
      size: 12_400_000,
      log: `[INFO] Scanning for projects...\n${'[INFO] Compiling 12 source files\n'.repeat(60)}[INFO] BUILD SUCCESS\n`,
      startedAt: inMs(-hour),
      finishedAt: inMs(-hour + 41 * second),
      actor: emma,
    });
    await insertBuild(tx, {
      id: 'bld_000000000002',
      project: 'etl',
      job: 'etl-orders',
      operationId: waiting.id,
      branch: 'fix-late-orders',
      commit: 'bb02d4aa7712',
      subject: 'Fix late orders',
      state: 'running',
      log: '[INFO] Scanning for projects...\n[INFO] Compiling\n',
      startedAt: inMs(-12 * second),
      actor: emma,
    });
    await addVersion(tx, 'etl-orders', {
      definition: {
        ...definition,
        parallelism: 8,
        args: ['--rate', '200', '--name', 'late orders'],
        flink: { 'state.backend.incremental': 'true' },
      },
      origin: 'form',
      note: 'parallelism, args',
      createdBy: emma,
    });
    await reportError(tx, 'err_4k2m9x7qw3tz', 'page /jobs', new Error('the full text of the error'));
  });
}
