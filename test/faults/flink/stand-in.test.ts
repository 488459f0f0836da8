import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newFlinkId } from '../../../src/core/ids.ts';
import { sleep } from '../../../src/core/time.ts';
import { checkRestorePath, localPath, retainedCheckpoints } from '../../../src/deploy/restore-path.ts';
import type { FlinkError } from '../../../src/flink/errors.ts';
import { until } from '../../helpers/flink.ts';
import { done, failedAs, rig } from './rig.ts';

for (const version of ['1.20.5', '2.3.0'] as const)
  test(`${version}: submit, savepoint, stop, resume: the state goes on, and the truth says from where`, async (t) => {
    const { flink, deployer, start, ended, untilState, truthOf } = await rig(t, { version });
    assert.equal((await deployer.facts()).flinkVersion, version);
    const first = await start();
    const sight = await deployer.look(first);
    assert.ok(sight.is === 'seen' && sight.name === 'orders');
    assert.deepEqual([sight.state, sight.tasksRunning, sight.tasksTotal, sight.ended], ['RUNNING', 4, 4, false]);
    assert.deepEqual([...(await deployer.listRuns())], [[first, 'RUNNING']]);
    const { startedAt, ...listed } = (await deployer.overview()).get(first) ?? {};
    assert.deepEqual(listed, { state: 'RUNNING', tasksRunning: 4, tasksTotal: 4, name: 'orders' });
    assert.ok(typeof startedAt === 'number' && Math.abs(Date.now() - startedAt) < 60_000);
    assert.equal((await deployer.facts()).slotsAvailable, 98);

    const saved = newFlinkId();
    await deployer.triggerSavepoint(first, saved, undefined);
    assert.deepEqual(await deployer.savepoint(first, saved), { is: 'running' });
    const kept = done(await ended(first, saved));
    assert.equal((await checkRestorePath(kept, true)).is, 'complete');
    assert.equal(flink.jobState(first), 'RUNNING');

    const stopped = newFlinkId();
    await deployer.triggerStop(first, stopped, undefined);
    await deployer.triggerStop(first, stopped, undefined);
    const path = done(await ended(first, stopped));
    assert.equal(flink.jobState(first), 'FINISHED');
    const points = (await deployer.checkpoints(first)).completed;
    assert.ok(points.some((p) => p.isSavepoint && p.path === path));
    // A job that FINISHED keeps no checkpoint.
    assert.ok(points.filter((p) => !p.isSavepoint).every((p) => p.discarded));
    assert.deepEqual(await retainedCheckpoints(flink.checkpointDir, first), []);

    const second = await start({ restorePath: path, args: ['--name', 'again'] });
    assert.equal((await deployer.checkpoints(second)).restored?.path, path);
    const savepoint = truthOf('restore-point').find((p) => p.path === path);
    const began = truthOf('job-started').find((e) => e.jobId === second);
    assert.ok(savepoint && began && savepoint.counter > 0);
    assert.deepEqual([savepoint.triggerId, began.restoredFrom, began.counter, began.jobName], [stopped, path, savepoint.counter, 'again']);
    await deployer.cancel(second);
    await untilState(second, 'CANCELED');
    await deployer.cancel(first);
    assert.deepEqual(
      truthOf('job-ended').map((e) => [e.jobId, e.end]),
      [
        [first, 'FINISHED'],
        [second, 'CANCELED'],
      ],
    );
    assert.deepEqual(flink.refusedCalls, []);
  });

test('a checkpoint each interval, the three newest on disk, also after a cancel; a failover goes back to the newest', async (t) => {
  const { flink, deployer, start, untilState, truthOf } = await rig(t);
  const id = await start();
  await until('five checkpoints', async () => truthOf('restore-point').length >= 5);
  assert.deepEqual(await deployer.checkpointConfig(id), { intervalMs: 40, retention: 'RETAIN_ON_CANCELLATION' });
  // Between two of its steps, not in the middle of one: writing the fourth and deleting the first is one step.
  const on = () => readdirSync(join(flink.checkpointDir, id));
  assert.equal(on().length, 3);
  const gone = truthOf('restore-point-gone').map((e) => e.path);
  assert.ok(gone.length >= 2 && gone.every((path) => !existsSync(localPath(path) ?? '')));
  flink.failTask(id, 'the network');
  assert.equal(flink.jobState(id), 'RESTARTING');
  const newest = truthOf('restore-point').at(-1);
  await until('it runs again', async () => truthOf('job-running').length === 2);
  assert.equal((await deployer.checkpoints(id)).restored?.path, newest?.path);
  assert.equal((await deployer.rootCause(id))?.message, 'the network');
  await deployer.cancel(id);
  await untilState(id, 'CANCELED');
  assert.equal(on().length, 3);
});

test('an id that was used is used up, also by a restore that failed; a second run of two never begins', async (t) => {
  const { dir, deployer, flink, submit, truthOf } = await rig(t);
  const both = await Promise.all([0, 1].map(() => submit({ flinkJobId: 'ab'.repeat(16) })));
  assert.deepEqual(both, ['ab'.repeat(16), 'ab'.repeat(16)]);
  assert.equal(truthOf('job-started').length, 1);
  const id = newFlinkId();
  await assert.rejects(submit({ flinkJobId: id, restorePath: join(dir, 'nowhere') }), (error: FlinkError) => {
    assert.equal(error.kind, 'savepoint-missing');
    return true;
  });
  const sight = await deployer.look(id);
  assert.deepEqual([sight.is, sight.is === 'seen' && sight.state], ['seen', 'FAILED']);
  await submit({ flinkJobId: id });
  assert.equal(flink.answers.get('run: duplicate'), 2);
  assert.equal(truthOf('job-started').filter((e) => e.jobId === id).length, 0);
});

test('a program that calls execute() twice is refused while its first job runs under our id', async (t) => {
  const { deployer, submit, state } = await rig(t);
  const id = newFlinkId();
  await assert.rejects(submit({ flinkJobId: id, args: ['--twice'] }), (error: FlinkError) => error.kind === 'multiple-executes');
  await until('it runs', async () => (await state(id)) === 'RUNNING');
  assert.equal((await deployer.look(id)).is, 'seen');
});

test('jobs fail after their start, at the hand of somebody, or wait for slots', async (t) => {
  const { flink, deployer, start, submit, untilState, truthOf } = await rig(t, { slots: 3 });
  flink.set({ failAfterStartMs: 20 });
  const first = await submit();
  await untilState(first, 'FAILED');
  assert.equal((await deployer.rootCause(first))?.message, 'Planned failure after the start');
  flink.set({ failAfterStartMs: undefined });
  const second = await start();
  const third = await submit();
  await untilState(third, 'RUNNING');
  const waits = await deployer.look(third);
  assert.ok(waits.is === 'seen' && !waits.allRunning && waits.tasksRunning === 0);
  const trigger = newFlinkId();
  await deployer.triggerSavepoint(third, trigger, undefined);
  failedAs(await deployer.savepoint(third, trigger), /not all tasks/);
  flink.failJob(second, 'disk full');
  await untilState(second, 'FAILED');
  assert.equal((await deployer.rootCause(second))?.message, 'disk full');
  await until('the slot is used', async () => truthOf('job-running').some((e) => e.jobId === third));
});

test('what Flink shows of a job may be as old as its refresh interval, the status never', async (t) => {
  const { flink, deployer, submit, untilState } = await rig(t, { timing: { refreshMs: 60_000 } });
  const id = await submit();
  const sight = await deployer.look(id);
  assert.ok(sight.is === 'seen' && !sight.allRunning);
  await untilState(id, 'RUNNING');
  await sleep(50);
  const later = await deployer.look(id);
  assert.ok(later.is === 'seen' && later.state === 'RUNNING' && later.tasksRunning === 0, 'the tasks are of the first look');
  assert.equal(flink.jobState(id), 'RUNNING');
});

test('calls that no Sluice should make are noted, and answered as Flink would', async (t) => {
  const { flink, deployer, submit } = await rig(t);
  const id = await submit();
  const call = (method: string, path: string, body?: unknown) =>
    fetch(flink.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    }).then(async (r) => {
      await r.text();
      return r.status;
    });
  const [jar] = flink.truth.flatMap((e) => (e.is === 'jar-uploaded' ? [e.jarId] : []));
  const calls: [number, string, string, unknown?][] = [
    [404, 'GET', '/nope'],
    [404, 'DELETE', '/jobs'],
    [404, 'POST', `/jobs/${id}`, {}],
    [400, 'GET', '/jobs/zzz'],
    [400, 'GET', `/jobs/${id}/savepoints/zz`],
    [202, 'POST', `/jobs/${id}/savepoints`, { triggerId: newFlinkId(), targetDirectory: '/x' }],
    [202, 'POST', `/jobs/${id}/stop`, { triggerid: newFlinkId() }],
    [400, 'POST', `/jobs/${id}/savepoints`, { triggerId: 'zz' }],
    [200, 'POST', `/jars/${jar}/run`, { jobId: newFlinkId(), entryClass: 'shop.Orders', programArgs: '--rate 1' }],
    [400, 'POST', `/jars/${jar}/run`, { jobId: 'xyz' }],
    [400, 'POST', `/jars/${jar}/run`, { jobId: newFlinkId(), parallelism: '2' }],
    [400, 'PATCH', `/jobs/${id}?mode=stop-it`],
    [200, 'GET', `/jobs/${id}/exceptions?max=3`],
    [400, 'POST', '/jars/upload', {}],
  ];
  for (const [status, method, path, body] of calls) {
    const before = flink.refusedCalls.length;
    assert.equal(await call(method, path, body), status, `${method} ${path}`);
    assert.ok(flink.refusedCalls.length > before, `${method} ${path} was not noted`);
  }
  await deployer.look(id);
  assert.equal((await call('GET', '/overview')) === 200 && flink.refusedCalls.at(-1)?.path, '/jars/upload');
});

test('hundreds of jobs are quick and leave nothing behind', async (t) => {
  const { flink, deployer, submit, untilState } = await rig(t, {
    slots: 10_000,
    timing: { submitMs: 0, deployMs: 3, cancelMs: 1, checkpointIntervalMs: 60_000 },
  });
  const ids: string[] = [];
  for (let round = 0; round < 8; round++) ids.push(...(await Promise.all(Array.from({ length: 50 }, () => submit()))));
  await until('all run', async () => flink.truth.filter((e) => e.is === 'job-running').length === 400);
  for (let i = 0; i < ids.length; i += 50) await Promise.all(ids.slice(i, i + 50).map((id) => deployer.cancel(id)));
  await untilState(ids.at(-1) ?? '', 'CANCELED');
  assert.equal((await deployer.facts()).slotsAvailable, 10_000);
});
