import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../helpers/flink.ts';
import { jobsThatCameUp, type LogFact, readLog } from './real-log.ts';
import { contradictions, type Seen, truthOf, watchRealFlink } from './real-truth.ts';

const a = `aaaaaa${'1'.repeat(26)}`;
const b = `bbbbbb${'2'.repeat(26)}`;
const day = (second: number, ms = 0) => new Date(2026, 10, 25, 23, 35, second, ms).getTime();
const stamp = (second: number, ms = 0) => `2026-11-25 23:35:${String(second).padStart(2, '0')},${String(ms).padStart(3, '0')} INFO `;
const submitLine = (second: number, jobId: string, name = 'orders') =>
  `${stamp(second)} o.a.f.r.d.StandaloneDispatcher [] - Submitting job '${name}' (${jobId}).`;

describe("a JobManager's log", () => {
  test('tells of every life, restart and restore point in the words of both releases', () => {
    const text = [
      `${stamp(1)} o.a.f.r.e.ClusterEntrypoint [] -  Starting StandaloneSessionClusterEntrypoint (Version: 1.20.5, Scala: 2.12, Rev:0980485)`,
      `${stamp(1, 5)} o.a.f.r.e.ClusterEntrypoint [] - Starting StandaloneSessionClusterEntrypoint.`,
      `${stamp(2)} o.a.f.r.d.StandaloneDispatcher [] - Received JobGraph submission 'orders' (${a}).`,
      submitLine(2, a),
      `${stamp(3)} o.a.f.r.d.StandaloneDispatcher [] - Submitting application 'SingleJobApplication(orders)' (${b}).`,
      `${stamp(3)} o.a.f.r.d.StandaloneDispatcher [] - Submitting job 'or (d) ers' (${b}) with associated application (${b}).`,
      `${stamp(3)} o.a.f.r.c.CheckpointCoordinator [] - Starting job ${b} from savepoint file:/s/savepoint-aaaaaa-0123456789ab ()`,
      `${stamp(4)} o.a.f.r.c.CheckpointCoordinator [] - Triggering checkpoint 1 (type=CheckpointType{name='Checkpoint', sharingFilesStrategy=FORWARD_BACKWARD}) @ 1795649711678 for job ${a}.`,
      `${stamp(4, 117)} o.a.f.r.c.CheckpointCoordinator [] - Completed checkpoint 1 for job ${a} (6203 bytes, checkpointDuration=117 ms, finalizationTime=4 ms).`,
      `${stamp(5)} o.a.f.r.c.CheckpointCoordinator [] - Triggering checkpoint 2 (type=SavepointType{name='Suspend Savepoint', postCheckpointAction=SUSPEND, formatType=CANONICAL}) @ 1795649714357 for job ${a}.`,
      `${stamp(6)} o.a.f.r.e.ExecutionGraph [] - Job orders (${a}) switched from state RUNNING to RESTARTING.`,
      'java.lang.IllegalStateException: Planned failure',
      `${stamp(7)} o.a.f.r.d.StandaloneDispatcher [] - Job ${a} reached terminal state FAILED.`,
      '',
    ].join('\n');
    assert.deepEqual(readLog(text), [
      { at: day(1), is: 'booted' },
      { at: day(2), is: 'submitted', jobId: a, jobName: 'orders' },
      { at: day(3), is: 'submitted', jobId: b, jobName: 'or (d) ers' },
      { at: day(3), is: 'restored', jobId: b, path: 'file:/s/savepoint-aaaaaa-0123456789ab' },
      { at: day(4), is: 'triggered', jobId: a, id: 1, savepoint: false, triggeredAt: 1795649711678 },
      { at: day(4, 117), is: 'completed', jobId: a, id: 1 },
      { at: day(5), is: 'triggered', jobId: a, id: 2, savepoint: true, triggeredAt: 1795649714357 },
      { at: day(6), is: 'restarting', jobId: a },
      { at: day(7), is: 'ended', jobId: a, end: 'FAILED' },
    ]);
  });
});

const graph = 'e'.repeat(32);
const task = (second: number, vertex: string, from: string, to: string) =>
  `${stamp(second)} o.a.f.r.e.ExecutionGraph [] - totals (per customer) -> Sink: out (1/1) (${graph}_${vertex.repeat(32)}_0_0) switched from ${from} to ${to}.`;
const scheduling = (second: number, jobId: string) =>
  `${stamp(second)} o.a.f.r.e.ExecutionGraph [] - Job orders (${jobId}) switched from state CREATED to RUNNING.`;

test('a job has come up when all its tasks run at once', () => {
  const lines = [
    `${stamp(1)} o.a.f.r.a.AbstractApplication [] - Application SingleJobApplication(orders) (${b}) switched from state CREATED to RUNNING.`,
    scheduling(1, a),
    task(1, '1', 'CREATED', 'SCHEDULED'),
    task(1, '2', 'CREATED', 'SCHEDULED'),
    task(2, '1', 'INITIALIZING', 'RUNNING'),
    task(2, '1', 'RUNNING', 'FAILED'),
    task(3, '2', 'INITIALIZING', 'RUNNING'),
    task(4, '1', 'INITIALIZING', 'RUNNING'),
  ];
  const upAfter = (n: number) => [...jobsThatCameUp(readLog(lines.slice(0, n).join('\n')))];
  assert.deepEqual(
    lines.map((_, n) => upAfter(n + 1).length),
    [0, 0, 0, 0, 0, 0, 0, 1],
  );
  assert.deepEqual(upAfter(8), [a]);
});

const seen = (log: LogFact[], more: Partial<Seen> = {}): Seen => ({
  log,
  files: new Map(),
  asked: [],
  jars: [],
  checkpointDir: '/c',
  ...more,
});
const submitted = (at: number, jobId: string): LogFact => ({ at, is: 'submitted', jobId, jobName: 'orders' });
const triggered = (triggeredAt: number, jobId: string, id: number, savepoint: boolean): LogFact => ({
  at: triggeredAt + 1,
  is: 'triggered',
  jobId,
  id,
  savepoint,
  triggeredAt,
});
const stopPath = '/s/savepoint-aaaaaa-000000000001';

describe('the truth of a real cluster', () => {
  test('a run that goes on from the savepoint of another begins with its state; replaced checkpoints are gone', () => {
    const truth = truthOf(
      seen(
        [
          submitted(10, a),
          triggered(20, a, 1, false),
          { at: 22, is: 'completed', jobId: a, id: 1 },
          triggered(30, a, 2, true),
          { at: 40, is: 'ended', jobId: a, end: 'FINISHED' },
          submitted(50, b),
          { at: 51, is: 'restored', jobId: b, path: `file:${stopPath}` },
        ],
        {
          files: new Map([
            [`/c/${a}/chk-1`, { madeAt: 21, seenAt: 35, gone: true }],
            [stopPath, { madeAt: 33, seenAt: 60, gone: false }],
          ]),
          asked: [{ jobId: a, triggerId: 'stop-1', at: 29, path: `file:${stopPath}` }],
          jars: [{ id: 'j_orders.jar', name: 'orders.jar' }],
        },
      ),
    );
    assert.deepEqual(
      truth.map(({ seq, at, ...fact }) => fact),
      [
        { is: 'job-started', jobId: a, jobName: 'orders', jarId: '', restoredFrom: undefined, counter: 0 },
        { is: 'job-running', jobId: a },
        { is: 'restore-point', kind: 'checkpoint', jobId: a, path: `file:/c/${a}/chk-1`, counter: 20 },
        { is: 'restore-point', kind: 'savepoint', jobId: a, path: `file:${stopPath}`, counter: 30, triggerId: 'stop-1' },
        { is: 'restore-point-gone', path: `file:/c/${a}/chk-1` },
        { is: 'job-ended', jobId: a, end: 'FINISHED', counter: 40 },
        { is: 'job-started', jobId: b, jobName: 'orders', jarId: '', restoredFrom: `file:${stopPath}`, counter: 30 },
        { is: 'jar-uploaded', jarId: 'j_orders.jar', name: 'orders.jar' },
      ],
    );
    assert.deepEqual(
      truth.map((event) => event.seq),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
  });

  test('with a JobManager every job is lost, and what it had written without telling belongs to the request without an answer', () => {
    const truth = truthOf(
      seen(
        [
          submitted(10, a),
          submitted(11, b),
          { at: 15, is: 'ended', jobId: b, end: 'CANCELED' },
          triggered(20, a, 1, false),
          triggered(30, a, 2, true),
          { at: 50, is: 'booted' },
        ],
        {
          files: new Map([
            [`/c/${a}/chk-1`, { madeAt: 21, seenAt: 60, gone: false }],
            [stopPath, { madeAt: 33, seenAt: 60, gone: false }],
          ]),
          asked: [{ jobId: a, triggerId: 'stop-1', at: 29, path: undefined }],
        },
      ),
    );
    assert.deepEqual(
      truth.filter((event) => event.is === 'job-ended').map((event) => [event.jobId, event.end]),
      [
        [b, 'CANCELED'],
        [a, 'LOST'],
      ],
    );
    assert.deepEqual(
      truth.flatMap((event) => (event.is === 'restore-point' ? [[event.path, event.triggerId]] : [])),
      [
        [`file:/c/${a}/chk-1`, undefined],
        [`file:${stopPath}`, 'stop-1'],
      ],
    );
    assert.equal(truth.at(-1)?.is, 'jobmanager-restarted');
    assert.ok(
      truth.some((event) => event.is === 'job-running' && event.jobId === a),
      'what kept something had come up',
    );
    assert.ok(!truth.some((event) => event.is === 'job-running' && event.jobId === b));
  });

  test('orders that a run counts other than the log says are seen', () => {
    const two = `cccccc${'3'.repeat(26)}`;
    const truth = truthOf(
      seen(
        [
          submitted(10, a),
          triggered(20, a, 1, true),
          triggered(30, a, 2, true),
          submitted(40, b),
          { at: 41, is: 'restored', jobId: b, path: '/s/savepoint-aaaaaa-000000000001' },
          submitted(50, two),
          { at: 51, is: 'restored', jobId: two, path: '/s/savepoint-aaaaaa-000000000002' },
        ],
        {
          files: new Map([
            ['/s/savepoint-aaaaaa-000000000001', { madeAt: 22, seenAt: 60, gone: false }],
            ['/s/savepoint-aaaaaa-000000000002', { madeAt: 32, seenAt: 60, gone: false }],
          ]),
        },
      ),
    );
    const counts = (one: number, other: number, third: number) =>
      contradictions(
        truth,
        new Map([
          [a, one],
          [b, other],
          [two, third],
        ]),
      ).length;
    assert.equal(counts(0, 100, 200), 0);
    assert.equal(counts(0, 200, 100), 1, 'the later savepoint holds less');
    assert.equal(counts(5, 100, 200), 1, 'from nothing, with orders before it');
  });
});

test('a watcher reads the log as it grows, the disk, and the savepoints that are asked for through it', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-truth-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [checkpointDir, savepointDir, logFile] = [join(dir, 'checkpoints'), join(dir, 'savepoints'), join(dir, 'jobmanager.log')];
  const savepoint = join(savepointDir, 'savepoint-aaaaaa-0123456789ab');
  await mkdir(savepoint, { recursive: true });
  await writeFile(logFile, `${submitLine(1, b, 'before')}\n`);
  const trigger = 'd'.repeat(32);
  const flink = createServer((request, response) => {
    const path = request.url ?? '';
    const failure = `A savepoint has been created at: file:${savepoint}, but stopping the job failed`;
    const answers: Record<string, unknown> = {
      '/jars': { files: [{ id: 'j_orders.jar', name: 'orders.jar' }] },
      [`/jobs/${a}/savepoints/${trigger}`]: { status: { id: 'COMPLETED' }, operation: { 'failure-cause': { 'stack-trace': failure } } },
      [`/jobs/${a}/accumulators`]: { 'user-task-accumulators': [{ name: 'restored', type: 'LongCounter', value: '7' }] },
    };
    request.resume();
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answers[path] ?? { errors: ['Not found'] }));
  });
  await new Promise<void>((done) => flink.listen(0, '127.0.0.1', done));
  t.after(() => {
    flink.closeAllConnections();
    flink.close();
  });
  const truth = await watchRealFlink({
    url: `http://127.0.0.1:${(flink.address() as AddressInfo).port}`,
    checkpointDir,
    savepointDir,
    jobManager: { role: 'jobmanager', index: 0, pid: 1, alive: true, logFile },
  });
  t.after(() => truth.close());

  const whole = submitLine(2, a);
  await appendFile(logFile, whole.slice(0, 40));
  assert.deepEqual(
    (await truth.read()).map((event) => event.is),
    ['jar-uploaded'],
    'half a line is none, and what was before is left out',
  );
  const triggering = `Triggering checkpoint 3 (type=SavepointType{name='Savepoint'}) @ ${day(3)} for job ${a}.`;
  const up = [scheduling(2, a), task(2, '1', 'CREATED', 'SCHEDULED'), task(2, '1', 'INITIALIZING', 'RUNNING')].join('\n');
  await appendFile(logFile, `${whole.slice(40)}\n${up}\n${stamp(3)} o.a.f.r.c.CheckpointCoordinator [] - ${triggering}\n`);
  await fetch(`${truth.url}/jobs/${a}/stop`, { method: 'POST', body: JSON.stringify({ targetDirectory: '/s', triggerId: trigger }) });
  await writeFile(join(savepoint, '_metadata'), 'x');
  await until('the orders counted', async () => truth.compared() === 1, 5000);
  const events = await truth.read();
  assert.deepEqual(
    events.map((event) => event.is),
    ['job-started', 'job-running', 'restore-point', 'jar-uploaded'],
  );
  assert.ok(events.some((event) => event.is === 'restore-point' && event.triggerId === trigger && event.counter === day(3)));
  assert.equal(truth.contradictions().length, 1, 'from nothing, with seven orders');
  await rm(savepoint, { recursive: true });
  assert.ok((await truth.read()).some((event) => event.is === 'restore-point-gone'));
});
