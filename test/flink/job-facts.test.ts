import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allVerticesRunning, failureTimes, rootException } from '../../src/flink/job-facts.ts';
import { exceptionsSchema, type JobDetails, jobSchema } from '../../src/flink/schema.ts';

function vertex(parallelism: number, tasks: Record<string, number>, status = 'RUNNING', start = 100): JobDetails['vertices'][number] {
  return { id: 'v', name: 'v', parallelism, status, 'start-time': start, 'end-time': -1, duration: 1, tasks };
}

test('a RUNNING job whose tasks wait for slots does not run', () => {
  const waiting = { state: 'RUNNING', vertices: [vertex(2, { SCHEDULED: 2 }, 'CREATED', -1), vertex(2, { SCHEDULED: 2 }, 'CREATED', -1)] };
  assert.deepEqual(allVerticesRunning(waiting), { running: 0, total: 4, allRunning: false, runningAt: undefined });
});

test('a vertex with one of its tasks still restoring is not running, although it says so', () => {
  const partly = { state: 'RUNNING', vertices: [vertex(2, { RUNNING: 1, INITIALIZING: 1 }), vertex(2, { RUNNING: 2 })] };
  assert.deepEqual(allVerticesRunning(partly), { running: 3, total: 4, allRunning: false, runningAt: undefined });
});

test('running and finished tasks count, and the last deployment is when it ran', () => {
  const all = { state: 'RUNNING', vertices: [vertex(1, { FINISHED: 1 }, 'FINISHED', 100), vertex(3, { RUNNING: 3 }, 'RUNNING', 250)] };
  assert.deepEqual(allVerticesRunning(all), { running: 4, total: 4, allRunning: true, runningAt: 250 });
});

test('a job without vertices (failed at its start), an ended or a restarting one does not run', () => {
  assert.equal(allVerticesRunning({ state: 'RUNNING', vertices: [] }).allRunning, false);
  assert.deepEqual(allVerticesRunning({ state: 'FINISHED', vertices: [vertex(1, { FINISHED: 1 })] }), {
    running: 0,
    total: 1,
    allRunning: false,
    runningAt: undefined,
  });
  assert.equal(allVerticesRunning({ state: 'RESTARTING', vertices: [vertex(1, { RUNNING: 1 })] }).allRunning, false);
});

test('Flink writes NaN as a word, and adds fields with every release', () => {
  const job = jobSchema.parse({
    jid: 'a',
    name: 'n',
    state: 'RUNNING',
    'start-time': 1,
    'end-time': -1,
    duration: 1,
    now: 2,
    timestamps: { RUNNING: 1 },
    vertices: [{ ...vertex(1, { RUNNING: 1 }), duration: 'NaN', surprise: 1 }],
    'brand-new': { a: [1] },
  });
  assert.ok(Number.isNaN(job.vertices[0]?.duration));
  assert.deepEqual(job['brand-new'], { a: [1] });
});

function entry(stacktrace: string, more: object = {}): object {
  return { exceptionName: 'org.apache.flink.runtime.JobException', stacktrace, timestamp: 5, taskName: null, ...more };
}
function history(...entries: object[]) {
  return exceptionsSchema.parse({ exceptionHistory: { entries, truncated: false } });
}

test('the wrapper around the last failure is opened by its concurrent exceptions', () => {
  const suppressed = 'org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy\n\tat a.B.c(B.java:1)';
  const real =
    'java.lang.RuntimeException: planned\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: disk full\n\tat a.B.c(B.java:1)\n';
  const found = rootException(
    history(
      entry(suppressed, { concurrentExceptions: [{ exceptionName: 'x.Y', stacktrace: real, timestamp: 4, taskName: 'count (1/1)' }] }),
    ),
  );
  assert.deepEqual(found, { name: 'IOException', message: 'disk full', task: 'count (1/1)', timestamp: 4, stack: real });
});

test('without concurrent exceptions the wrapper is opened by its last cause', () => {
  const trace =
    'org.apache.flink.runtime.JobException: Recovery is suppressed by X\n\tat a.B.c(B.java:1)\nCaused by: java.lang.RuntimeException: planned\n\tat a.B.c(B.java:1)';
  assert.equal(rootException(history(entry(trace)))?.message, 'planned');
});

test('the newest failure is told, and none when there was none', () => {
  const newest = entry('java.lang.IllegalStateException: second\n\tat a.B.c(B.java:1)', { taskName: 'out (1/2)' });
  const found = rootException(history(newest, entry('java.lang.IllegalStateException: first')));
  assert.deepEqual([found?.name, found?.message, found?.task], ['IllegalStateException', 'second', 'out (1/2)']);
  assert.equal(rootException(history()), undefined);
});

test('a failure whose restart has not begun is not in the history yet: the root exception tells why', () => {
  const stack =
    'java.lang.RuntimeException: outer\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: disk full\n\tat a.B.c(B.java:1)\n';
  const none = { exceptionHistory: { entries: [], truncated: false } };
  const all = { 'all-exceptions': [{ exception: stack, task: 'out (1/2)', location: 'x', timestamp: 6 }], truncated: false };
  const waiting = exceptionsSchema.parse({ 'root-exception': stack, timestamp: 7, ...all, ...none });
  assert.deepEqual(rootException(waiting), { name: 'IOException', message: 'disk full', task: 'out (1/2)', timestamp: 7, stack });
  const before = { exceptionName: 'x.Y', stacktrace: 'java.io.IOException: no route', timestamp: 3, taskName: 'out (2/2)' };
  const again = exceptionsSchema.parse({ ...waiting, exceptionHistory: { entries: [before], truncated: false } });
  assert.deepEqual([rootException(again)?.message, rootException(again)?.timestamp], ['disk full', 7]);
  const begun = { ...before, stacktrace: stack, timestamp: 6, taskName: 'out (1/2) - execution #0' };
  const running = exceptionsSchema.parse({ ...waiting, exceptionHistory: { entries: [begun, before], truncated: false } });
  assert.equal(rootException(running)?.task, 'out (1/2) - execution #0');
  const likeBefore = exceptionsSchema.parse({ ...waiting, timestamp: 5006, exceptionHistory: { entries: [begun], truncated: false } });
  assert.equal(rootException(likeBefore)?.timestamp, 5006);
  const newer = exceptionsSchema.parse({ ...waiting, exceptionHistory: { entries: [{ ...before, timestamp: 8 }], truncated: false } });
  assert.equal(rootException(newer)?.message, 'no route');
  const never = exceptionsSchema.parse({ 'root-exception': null, timestamp: null, 'all-exceptions': [], truncated: false, ...none });
  assert.equal(rootException(never), undefined);
});

test('each failure of the history counts once, with the one that 1.x tells only beside it', () => {
  const entry = (timestamp: number, stacktrace = `boom ${timestamp}`) => ({
    exceptionName: 'Boom',
    stacktrace,
    timestamp,
    taskName: null,
    concurrentExceptions: [{ exceptionName: 'Boom', stacktrace: 'beside it', timestamp: timestamp + 5, taskName: null }],
  });
  const told = (more: object) =>
    exceptionsSchema.parse({ exceptionHistory: { entries: [entry(9000), entry(5000)], truncated: false }, ...more });
  assert.deepEqual(failureTimes(told({})), [9000, 5000]);
  assert.deepEqual(failureTimes(told({ 'root-exception': 'boom 9000', timestamp: 9003 })), [9000, 5000]);
  assert.deepEqual(failureTimes(told({ 'root-exception': 'boom 12000', timestamp: 12_000 })), [12_000, 9000, 5000]);
  assert.deepEqual(failureTimes(exceptionsSchema.parse({ exceptionHistory: { entries: [], truncated: false } })), []);
});
