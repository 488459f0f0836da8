import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { UnreachableError } from '../../../src/core/errors.ts';
import { newFlinkId } from '../../../src/core/ids.ts';
import { sleep } from '../../../src/core/time.ts';
import { checkRestorePath, retainedCheckpoints } from '../../../src/deploy/restore-path.ts';
import { until } from '../../helpers/flink.ts';
import { done, failedAs, rig } from './rig.ts';

test('two stops with different ids break each other, and the job restarts from its checkpoint', async (t) => {
  for (const version of ['1.20.5', '2.3.0'] as const) {
    const { flink, deployer, start, ended, truthOf } = await rig(t, { version, timing: { savepointMs: 100 } });
    const id = await start();
    await until('a checkpoint', async () => truthOf('restore-point').length > 0);
    const [a, b] = [newFlinkId(), newFlinkId()];
    await deployer.triggerStop(id, a, undefined);
    await deployer.triggerStop(id, b, undefined);
    failedAs(await ended(id, a), /broken off/);
    failedAs(await ended(id, b), version === '2.3.0' ? /not all tasks/ : /broken off/);
    await until('it runs again', async () => truthOf('job-running').length === 2);
    assert.equal(flink.jobState(id), 'RUNNING');
    assert.ok(truthOf('restore-point').every((p) => p.kind === 'checkpoint'));
    assert.deepEqual(await readdir(flink.savepointDir), []);
  }
});

test('a trigger id that was used before answers with the old result and does nothing', async (t) => {
  const { flink, deployer, start, ended } = await rig(t);
  const id = await start();
  const trigger = newFlinkId();
  await deployer.triggerSavepoint(id, trigger, undefined);
  const path = done(await ended(id, trigger));
  await deployer.triggerStop(id, trigger, undefined);
  assert.equal(done(await ended(id, trigger)), path);
  assert.equal(flink.jobState(id), 'RUNNING');
});

test('stops that fail: unwritable directory, no file system, job failing before or after the savepoint', async (t) => {
  const { dir, flink, deployer, start, ended, truthOf } = await rig(t);
  const id = await start();
  const stop = async (jobId: string, directory?: string) => {
    const trigger = newFlinkId();
    await deployer.triggerStop(jobId, trigger, directory);
    return ended(jobId, trigger);
  };
  await writeFile(join(dir, 'file'), '');
  failedAs(await stop(id, join(dir, 'file/x')), /file\/x cannot be written/);
  failedAs(await stop(id, 's3://lake/x'), /s3/);
  flink.set({ savepointFails: true });
  failedAs(await stop(id), /cannot be written/);
  flink.set({ savepointFails: false });
  assert.equal(flink.jobState(id), 'RUNNING');

  flink.set({ jobFailsWhileStopping: true });
  failedAs(await stop(id), /broken off/);
  flink.set({ jobFailsWhileStopping: false });
  await until('it runs again', async () => truthOf('job-running').length === 2);

  flink.set({ stopFailsWithSavepoint: true });
  const path = failedAs(await stop(id), /was taken, but the job failed/);
  assert.equal((await checkRestorePath(path ?? '', true)).is, 'complete');
  assert.equal(flink.jobState(id), 'FAILED');
  failedAs(await stop(id), /does not know this job/);
  flink.set({ stopFailsWithSavepoint: false });
  const next = await start({ restorePath: path ?? '' });
  assert.equal(truthOf('job-started').at(-1)?.restoredFrom, path);
  await deployer.cancel(next);
});

test('a cancel in the middle of a savepoint breaks it off and leaves no half of it', async (t) => {
  const { flink, deployer, start, ended } = await rig(t);
  const id = await start();
  flink.set({ savepointDelayMs: 200 });
  const trigger = newFlinkId();
  await deployer.triggerSavepoint(id, trigger, undefined);
  assert.equal((await readdir(flink.savepointDir)).length, 1);
  flink.cancelJob(id);
  failedAs(await ended(id, trigger), /broken off/);
  assert.deepEqual(await readdir(flink.savepointDir), []);
});

test('a JobManager that restarts forgets jobs, triggers and jars; the dead socket, the half savepoint and the checkpoints stay', async (t) => {
  const { flink, deployer, start, submit, truthOf } = await rig(t);
  const id = await start();
  await until('a checkpoint', async () => truthOf('restore-point').length > 0);
  flink.set({ savepointDelayMs: 10_000 });
  const trigger = newFlinkId();
  await deployer.triggerStop(id, trigger, undefined);
  await flink.killJobManager();
  await assert.rejects(
    deployer.listRuns(),
    (error: UnreachableError) => error.details['refused'] === true || error.details['sent'] === true,
  );
  await assert.rejects(deployer.listRuns(), (error: UnreachableError) => error.details['refused'] === true);
  await flink.startJobManager();
  assert.deepEqual((await deployer.look(id)).is, 'gone');
  assert.deepEqual(await deployer.savepoint(id, trigger), { is: 'not-known' });
  assert.equal(await deployer.findArtifact({ sha256: 'a'.repeat(64), name: 'shop.jar' }), undefined);
  assert.deepEqual([...(await deployer.listRuns())], []);
  const [half] = await readdir(flink.savepointDir);
  assert.equal((await checkRestorePath(join(flink.savepointDir, half ?? ''), true)).is, 'incomplete');
  const kept = await retainedCheckpoints(flink.checkpointDir, id);
  assert.ok(kept && kept.length > 0);
  assert.deepEqual(
    flink.truth.slice(-2).map((e) => (e.is === 'job-ended' ? e.end : e.is)),
    ['LOST', 'jobmanager-restarted'],
  );
  // The old id is free on a new JobManager.
  await submit({ flinkJobId: id, restorePath: kept[0]?.path });
  assert.ok((truthOf('job-started').at(-1)?.counter ?? 0) > 0);
});

test('with high availability another JobManager takes over: it does not know the jobs for a while, and they go on from a checkpoint', async (t) => {
  const { flink, deployer, start, untilState, truthOf } = await rig(t);
  const id = await start();
  await until('a checkpoint', async () => truthOf('restore-point').length > 0);
  const before = await deployer.jobManager();
  assert.equal(await deployer.keepsJobs(), false);
  flink.takeOver(500);
  assert.equal(await deployer.keepsJobs(), true);
  assert.notEqual(await deployer.jobManager(), before);
  assert.deepEqual((await deployer.look(id)).is, 'gone');
  assert.deepEqual([...(await deployer.listRuns())], []);
  await untilState(id, 'RUNNING');
  assert.ok((await deployer.checkpoints(id)).restored, 'from its last checkpoint');
  assert.deepEqual([truthOf('job-started').length, truthOf('job-ended').length], [1, 0], 'the same run');
});

test('what a frozen JobManager was asked is executed when it thaws, although nobody waits any more', async (t) => {
  const { flink, deployer, start, submit, state, truthOf } = await rig(t);
  await start();
  flink.freeze();
  const id = newFlinkId();
  const [jar] = truthOf('jar-uploaded');
  const submission = {
    flinkJobId: id,
    artifact: jar?.jarId ?? '',
    mainClass: 'shop.Orders',
    args: [],
    parallelism: 1,
    restorePath: undefined,
    flink: {},
  };
  await assert.rejects(deployer.submit(submission, { timeoutMs: 60 }), (error: UnreachableError) => error.details['timedOut'] === true);
  await sleep(50);
  assert.equal(truthOf('job-started').length, 1);
  flink.thaw();
  await until('it runs', async () => (await state(id)) === 'RUNNING');
  assert.equal(truthOf('job-started').length, 2);
  await submit({ flinkJobId: id });
  assert.equal(truthOf('job-started').length, 2);
});

test('a slow submission appears later, also when the client gave up', async (t) => {
  const { flink, submit, start, state } = await rig(t);
  await start();
  flink.set({ submitDelayMs: 150 });
  const id = newFlinkId();
  const asked = submit({ flinkJobId: id });
  await sleep(50);
  assert.equal(await state(id), undefined);
  await asked;
  assert.ok(await state(id));
});
