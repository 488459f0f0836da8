import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { moveClock, now } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { operationSteps } from '../../src/db/schema/index.ts';
import { endRun, findRun, insertRun, type Run, type RunInput, updateRun } from '../../src/jobs/runs.store.ts';
import { type CheckpointInput, forgetCheckpoints, insertCheckpoints, listCheckpoints } from '../../src/restore-points/checkpoints.store.ts';
import { checkpointsAfter } from '../../src/restore-points/kept.rule.ts';
import { lastStateOf } from '../../src/restore-points/last-state.ts';
import { recordCheckpoints } from '../../src/restore-points/record-checkpoints.ts';
import {
  listRestorePoints,
  newestRestorePoints,
  recordRestorePoint,
  restorePointsOfRun,
} from '../../src/restore-points/restore-points.store.ts';
import { checkpoint, fakeDeployer, fakeDeployers, noCheckpoints } from '../helpers/fake-deployer.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
const flinkJobId = 'f'.repeat(32);
async function runOf(database: Database, change: Partial<RunInput> = {}): Promise<Run> {
  await database.transaction((tx) =>
    insertRun(tx, {
      id: 'run_1',
      job: 'etl-orders',
      version: 2,
      cluster: 'standalone',
      flinkJobId,
      operationId: 'op',
      state: 'RUNNING',
      stateAt: now,
      startedBy: ann,
      startedAt: new Date(1_000_000),
      beginning: 'fresh',
      flinkVersion: '2.3.0',
      ...change,
    }),
  );
  return (await findRun(database.db, 'run_1')) as Run;
}
const end = async (database: Database, reason = 'failed'): Promise<Run> => {
  await endRun(database.db, 'run_1', { state: 'FAILED', reason });
  // Flink's statistics are not stale any more.
  await moveClock(database.db, 5000);
  return (await findRun(database.db, 'run_1')) as Run;
};
const open = (t: TestContext, pathsReadable = false) =>
  fakeDeployers({ standalone: fakeDeployer(t).always('checkpoints', noCheckpoints) }, { pathsReadable }).of('standalone');
const paths = async (database: Database) => (await restorePointsOfRun(database.db, 'run_1')).map((p) => p.path.split('/').pop());

describe('checkpoints that Flink has discarded', () => {
  const gone = (id: number) => checkpoint(id, { discarded: true });
  it('are nothing to go back to, also where all that it tells of are; that the run got so far stays known', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [checkpoint(3), checkpoint(2)] });
    assert.equal((await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [gone(4), checkpoint(3), gone(2)] }))?.id, 3);
    assert.deepEqual(await paths(database), ['chk-3']);
    // Only a savepoint was kept: it says nothing of checkpoints.
    const savepoint = checkpoint(5, { isSavepoint: true, path: 's3://lake/savepoint-5' });
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [savepoint] });
    assert.deepEqual(await paths(database), ['savepoint-5', 'chk-3']);
    const last = await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [gone(7), gone(6), savepoint] });
    assert.deepEqual([last?.id, last?.path], [7, undefined]);
    assert.deepEqual(await paths(database), ['savepoint-5']);
  });
});

describe('the checkpoints of a run that ended', () => {
  it('are kept as Flink was told to', () => {
    const says = (state: string, checkpointRetention: Run['checkpointRetention'], by?: string) =>
      checkpointsAfter({
        state,
        checkpointRetention,
        rootException: by ? { name: by, message: 'killed by ann', at: '2026-01-01T00:00:00Z', task: null } : null,
      });
    const table = (['RETAIN_ON_CANCELLATION', 'DELETE_ON_CANCELLATION', 'NO_EXTERNALIZED_CHECKPOINTS', null] as const).map((retention) =>
      ['FINISHED', 'FAILED', 'CANCELED', 'LOST'].map((state) => says(state, retention)),
    );
    assert.deepEqual(table, [
      ['gone', 'kept', 'kept', 'kept'],
      ['gone', 'kept', 'gone', 'unknown'],
      ['gone', 'gone', 'gone', 'unknown'],
      ['gone', 'unknown', 'unknown', 'unknown'],
    ]);
    // Its JobManager was ended with the application: whether in order is not known.
    assert.equal(says('CANCELED', 'NO_EXTERNALIZED_CHECKPOINTS', 'YARN'), 'unknown');
    assert.equal(says('CANCELED', 'RETAIN_ON_CANCELLATION', 'YARN'), 'kept');
  });
  it('are gone by what Flink was told, but what is on disk is there', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database, { checkpointRetention: 'NO_EXTERNALIZED_CHECKPOINTS' });
    const root = await mkdtemp(join(tmpdir(), 'sluice-kept-'));
    t.after(() => rm(root, { recursive: true, force: true }));
    const path = join(root, flinkJobId, 'chk-4');
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [checkpoint(4, { path: `file:${path}` })] });
    const failed = await end(database);
    // Read once more within the hour after its end: Flink may not say yet that it has deleted it.
    const state = await lastStateOf(database.db, failed, await open(t), undefined);
    assert.deepEqual([state.is, await paths(database)], ['none', []]);
    assert.match(state.is === 'none' ? state.why : '', /Flink was told to delete its checkpoints/);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, '_metadata'), 'state');
    const found = await lastStateOf(database.db, failed, await open(t, true), undefined);
    assert.deepEqual([found.is, await paths(database)], ['found', ['chk-4']]);
  });
});

describe('every checkpoint of a run', () => {
  const failed = (id: number, message = 'Checkpoint expired before completing.') => ({
    id,
    at: 1_900_000 + id * 1000,
    triggeredAt: 1_900_000 + id * 1000 - 600,
    durationMs: 600,
    isSavepoint: false,
    message,
  });
  const rows = async (database: Database) =>
    (await listCheckpoints(database.db, 'etl-orders', 100)).map((c) => [c.id, c.kind, c.state]).sort((a, b) => Number(a[0]) - Number(b[0]));

  it('is recorded once by its number, however often and by whomever it is read; failures are counted once', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    const sight = {
      ...noCheckpoints,
      completed: [checkpoint(4), checkpoint(3, { isSavepoint: true, path: 's3://lake/savepoint-3' }), checkpoint(1)],
      failed: [failed(2)],
      lastFailed: failed(2),
    };
    await recordCheckpoints(database.db, run, sight);
    await Promise.all([recordCheckpoints(database.db, run, sight), recordCheckpoints(database.db, run, sight)]);
    assert.deepEqual(await rows(database), [
      [1, 'checkpoint', 'completed'],
      [2, 'checkpoint', 'failed'],
      [3, 'savepoint', 'completed'],
      [4, 'checkpoint', 'completed'],
    ]);
    assert.equal((await findRun(database.db, 'run_1'))?.failedCheckpoints, 1);
    await recordCheckpoints(database.db, run, { ...noCheckpoints, failed: [failed(6), failed(5), failed(2)], lastFailed: failed(6) });
    assert.equal((await findRun(database.db, 'run_1'))?.failedCheckpoints, 3);
    const last = (await listCheckpoints(database.db, 'etl-orders', 100)).find((c) => c.id === 6);
    assert.deepEqual([last?.failure, last?.durationMs, last?.size], ['Checkpoint expired before completing.', 600, null]);
  });

  it('is remembered when the history has lost it: Flink tells of the newest failure for ever', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    await recordCheckpoints(database.db, run, {
      ...noCheckpoints,
      completed: [checkpoint(30)],
      lastFailed: { id: 7, at: 1_900_000, message: 'declined' },
    });
    assert.deepEqual(await rows(database), [
      [7, 'checkpoint', 'failed'],
      [30, 'checkpoint', 'completed'],
    ]);
  });

  it('is forgotten after a month; of very many the newest stay, and one of each hour', async (t) => {
    const database = await sharedDb(t);
    await runOf(database);
    const newest = Date.now();
    const row = (id: number, agoMs: number): CheckpointInput => ({
      runId: 'run_1',
      id,
      job: 'etl-orders',
      kind: 'checkpoint',
      state: 'completed',
      triggeredAt: new Date(newest - agoMs),
      endedAt: new Date(newest - agoMs),
      durationMs: 1,
    });
    // One each ten seconds: 1,600 are four hours and 27 minutes.
    await insertCheckpoints(
      database.db,
      Array.from({ length: 1600 }, (_, i) => row(i + 1, (1600 - i) * 10_000)),
    );
    await insertCheckpoints(database.db, [{ ...row(1, 31 * 24 * 3_600_000), runId: 'run_0' }]);
    await forgetCheckpoints(database.db);
    const left = await listCheckpoints(database.db, 'etl-orders', 5000);
    assert.equal(left.filter((c) => c.runId === 'run_0').length, 0);
    const ids = left.map((c) => c.id).sort((a, b) => a - b);
    assert.deepEqual(
      ids.slice(-1000),
      Array.from({ length: 1000 }, (_, i) => 601 + i),
    );
    assert.ok(ids.length - 1000 >= 2 && ids.length - 1000 <= 3, `${ids.length - 1000} of the hours before`);
  });
});

describe('checkpoints that Flink tells of', () => {
  it('become restore points; subsumed ones vanish; the newest is the run’s last', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [checkpoint(3), checkpoint(2), checkpoint(1)] });
    assert.deepEqual(await paths(database), ['chk-3', 'chk-2', 'chk-1']);
    const fact = await recordCheckpoints(database.db, run, {
      ...noCheckpoints,
      completed: [checkpoint(5), checkpoint(4), checkpoint(3), checkpoint(2, { discarded: true })],
    });
    assert.deepEqual(await paths(database), ['chk-5', 'chk-4', 'chk-3']);
    assert.equal(fact?.id, 5);
    const after = await findRun(database.db, 'run_1');
    assert.deepEqual([after?.lastCheckpoint?.id, after?.lastCheckpoint?.path], [5, checkpoint(5).path]);
    assert.ok(after?.checkpointsReadAt);
    const [newest] = await listRestorePoints(database.db, 'etl-orders');
    assert.deepEqual(
      [newest?.version, newest?.flinkVersion, newest?.size, newest?.durationMs, newest?.checkpointId],
      [2, '2.3.0', 24_000, 40, 5],
    );
  });

  it('vanish when they are subsumed although a savepoint stands between', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    const savepoint = checkpoint(3, { isSavepoint: true, path: 'file:/data/savepoints/savepoint-3' });
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [checkpoint(4), savepoint, checkpoint(2)] });
    await recordCheckpoints(database.db, run, {
      ...noCheckpoints,
      completed: [checkpoint(7), checkpoint(6), checkpoint(5), checkpoint(4, { discarded: true }), savepoint],
    });
    assert.deepEqual(await paths(database), ['chk-7', 'chk-6', 'chk-5', 'savepoint-3']);
    assert.deepEqual(
      (await restorePointsOfRun(database.db, 'run_1')).map((p) => p.kind),
      ['checkpoint', 'checkpoint', 'checkpoint', 'savepoint'],
    );
  });

  it('do not vanish because Flink, asked again, shows none', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [checkpoint(3)] });
    assert.equal(await recordCheckpoints(database.db, run, noCheckpoints), undefined);
    assert.deepEqual(await paths(database), ['chk-3']);
    assert.equal((await findRun(database.db, 'run_1'))?.lastCheckpoint?.id, 3);
  });

  it('that are kept in memory only are the last one, but no restore point', async (t) => {
    const database = await sharedDb(t);
    const fact = await recordCheckpoints(database.db, await runOf(database), {
      ...noCheckpoints,
      completed: [checkpoint(3, { path: undefined })],
    });
    assert.equal(fact?.id, 3);
    assert.deepEqual(await paths(database), []);
  });

  it('told again keep what was known: final, size, operation', async (t) => {
    const database = await sharedDb(t);
    const base = { job: 'etl-orders', runId: 'run_1', version: 2, kind: 'savepoint' as const, path: 's3://a', takenAt: new Date(5) };
    await recordRestorePoint(database.db, { ...base, final: true, size: 7, operationId: 'op_1' });
    await recordRestorePoint(database.db, { ...base, size: 9, durationMs: 4 });
    const all = await listRestorePoints(database.db, 'etl-orders');
    assert.deepEqual(
      all.map((p) => [p.final, p.size, p.durationMs, p.operationId]),
      [[true, 7, 4, 'op_1']],
    );
    assert.equal((await newestRestorePoints(database.db)).get('etl-orders')?.path, 's3://a');
  });
});

describe('the last state of a run', () => {
  it('is its final savepoint', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [checkpoint(3)] });
    await recordRestorePoint(database.db, {
      job: 'etl-orders',
      runId: 'run_1',
      version: 2,
      kind: 'savepoint',
      path: 's3://lake/savepoint-1',
      takenAt: new Date(),
      final: true,
    });
    const state = await lastStateOf(database.db, await end(database, 'stopped'), await open(t), undefined);
    assert.ok(state.is === 'found');
    assert.deepEqual(
      [state.point.path, state.point.kind, state.point.final, state.checked],
      ['s3://lake/savepoint-1', 'savepoint', true, false],
    );
    assert.match(state.note ?? '', /cannot be read by Sluice/);
  });

  it('is its last checkpoint after a crash, which is marked as final', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [checkpoint(3), checkpoint(2)] });
    const state = await lastStateOf(database.db, await end(database), await open(t), undefined);
    assert.ok(state.is === 'found');
    assert.deepEqual([state.point.path, state.point.kind], [checkpoint(3).path, 'checkpoint']);
    assert.deepEqual(
      (await restorePointsOfRun(database.db, 'run_1')).map((p) => p.final),
      [true, false],
    );
  });

  it('of a run that kept none is where that run began', async (t) => {
    const database = await sharedDb(t);
    await runOf(database, { restoredFrom: 's3://lake/chk-9', beginning: 'resume' });
    const state = await lastStateOf(database.db, await end(database), await open(t), undefined);
    assert.ok(state.is === 'found');
    assert.deepEqual([state.point.path, state.point.kind, state.point.final], ['s3://lake/chk-9', 'checkpoint', false]);
    assert.match(state.note ?? '', /goes back to where that run began/);
  });

  it('is not where the run began when it got further: that would rewind it', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database, { restoredFrom: 's3://lake/savepoint-0', beginning: 'resume' });
    await recordCheckpoints(database.db, run, { ...noCheckpoints, completed: [checkpoint(3, { path: undefined })] });
    const state = await lastStateOf(database.db, await end(database), await open(t), undefined);
    assert.deepEqual(state, { is: 'none', why: 'its checkpoints were kept in memory only' });
    await updateRun(database.db, 'run_1', { endReason: 'finished' });
    const finished = await lastStateOf(database.db, (await findRun(database.db, 'run_1')) as Run, await open(t), undefined);
    assert.deepEqual(finished, { is: 'none', why: 'it finished, and Flink then deletes its checkpoints' });
  });

  it('is none, with the reason, when nothing was ever kept', async (t) => {
    const database = await sharedDb(t);
    await runOf(database);
    assert.deepEqual(await lastStateOf(database.db, await end(database), await open(t), undefined), {
      is: 'none',
      why: 'it ended before its first checkpoint',
    });
    await updateRun(database.db, 'run_1', { checkpointIntervalMs: 0 });
    const off = await lastStateOf(database.db, (await findRun(database.db, 'run_1')) as Run, await open(t), undefined);
    assert.deepEqual(off, { is: 'none', why: 'its checkpointing was off' });
  });
});

describe('where the files can be read', () => {
  async function onDisk(t: TestContext, ...ids: number[]) {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-state-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    for (const id of ids) {
      const place = join(dir, flinkJobId, `chk-${id}`);
      await mkdir(place, { recursive: true });
      await writeFile(join(place, '_metadata'), 'x');
      await utimes(join(place, '_metadata'), new Date(), new Date(2_000_000_000_000 + id * 1000));
    }
    return { dir, path: (id: number) => `file:${dir}/${flinkJobId}/chk-${id}` };
  }
  const tell = (database: Database, run: Run, disk: { path(id: number): string }, ...ids: number[]) =>
    recordCheckpoints(database.db, run, { ...noCheckpoints, completed: ids.map((id) => checkpoint(id, { path: disk.path(id) })) });

  it('a broken newest point is never replaced by an older one', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    const disk = await onDisk(t, 2, 3);
    await tell(database, run, disk, 3, 2);
    await rm(join(disk.dir, flinkJobId, 'chk-3', '_metadata'));
    const ended = await end(database);
    assert.deepEqual(await lastStateOf(database.db, ended, await open(t, true), undefined), {
      is: 'broken',
      path: disk.path(3),
      why: 'it has no _metadata file, so it was never completed',
    });
    await rm(join(disk.dir, flinkJobId, 'chk-3'), { recursive: true });
    assert.equal((await lastStateOf(database.db, ended, await open(t, true), undefined)).is, 'broken');
  });

  it('a checkpoint younger than the last look is found, beside the known one', async (t) => {
    const database = await sharedDb(t);
    const run = await runOf(database);
    const disk = await onDisk(t, 3, 4, 5);
    await tell(database, run, disk, 3);
    const state = await lastStateOf(database.db, await end(database), await open(t, true), undefined);
    assert.ok(state.is === 'found');
    assert.deepEqual([state.point.path, state.checked], [disk.path(5), true]);
    assert.deepEqual(await paths(database), ['chk-5', 'chk-4', 'chk-3'], 'the known one once, whatever its spelling');
  });

  it('is looked for in the job’s own directory when no checkpoint was ever told of', async (t) => {
    const database = await sharedDb(t);
    await runOf(database, { restoredFrom: 's3://older' });
    const disk = await onDisk(t, 1);
    const state = await lastStateOf(database.db, await end(database, 'lost'), await open(t, true), `file://${disk.dir}`);
    assert.ok(state.is === 'found');
    assert.match(state.point.path, /chk-1$/);
  });

  it('what lies there of a run that was stopped does not come before its savepoint', async (t) => {
    const database = await sharedDb(t);
    await runOf(database);
    const disk = await onDisk(t, 9);
    await mkdir(join(disk.dir, 'savepoint-1'));
    await writeFile(join(disk.dir, 'savepoint-1', '_metadata'), 'x');
    await recordRestorePoint(database.db, {
      job: 'etl-orders',
      runId: 'run_1',
      version: 2,
      kind: 'savepoint',
      path: `file:${disk.dir}/savepoint-1`,
      takenAt: new Date(),
      final: true,
      operationId: 'op_stop',
    });
    // What makes it the run's last state is the stop that took it: the newest point of any ended run is marked as final.
    await database.db
      .insert(operationSteps)
      .values({ operationId: 'op_stop', name: 'stop-savepoint', seq: 1, title: 'Stop', state: 'done', startedAt: new Date() });
    const state = await lastStateOf(database.db, await end(database, 'stopped'), await open(t, true), disk.dir);
    assert.ok(state.is === 'found');
    assert.match(state.point.path, /savepoint-1$/);
    assert.equal(state.checked, true);
  });

  it('a savepoint taken on the way, marked as final because it was the newest known, does not hide a younger checkpoint', async (t) => {
    const database = await sharedDb(t);
    await runOf(database);
    const disk = await onDisk(t, 9);
    await mkdir(join(disk.dir, 'savepoint-1'));
    await writeFile(join(disk.dir, 'savepoint-1', '_metadata'), 'x');
    await recordRestorePoint(database.db, {
      job: 'etl-orders',
      runId: 'run_1',
      version: 2,
      kind: 'savepoint',
      path: `file:${disk.dir}/savepoint-1`,
      takenAt: new Date(1_000_000),
      final: true,
      operationId: 'op_savepoint',
    });
    const state = await lastStateOf(database.db, await end(database, 'lost'), await open(t, true), disk.dir);
    assert.ok(state.is === 'found');
    assert.match(state.point.path, /chk-9$/);
  });
});
