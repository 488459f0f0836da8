import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { rootCauseOf } from '../../src/flink/causes.ts';
import { classifyFlinkError, FlinkError } from '../../src/flink/errors.ts';

interface Refusal {
  release: string;
  action: string;
  status: number | null;
  text: string;
}
/** What real clusters of both releases answered; stack frames thinned out, the folder renamed to /flink. */
const refusals: Refusal[] = JSON.parse(readFileSync(new URL('./refusals.json', import.meta.url), 'utf8'));

/** For each action: the kind, and what a person must read in the message. */
const expected: Record<string, [string, RegExp]> = {
  duplicate: ['duplicate-job', /already taken a job with this id/],
  noclass: ['entry-class-not-found', /no class a\.Nope\./],
  nomain: ['entry-class-not-found', /names no main class/],
  nojar: ['jar-not-found', /jar is not on the cluster/],
  deljar: ['jar-not-found', /jar is not on the cluster/],
  badjar: ['not-a-jar', /not a readable jar/],
  txt: ['not-a-jar', /not a readable jar/],
  throw: ['main-threw', /main method: The order system has no configuration orders\.conf\.$/],
  planthrow: ['main-threw', /main method: The order system has no configuration orders\.conf\.$/],
  unknownopt: ['main-threw', /Unknown option '--nope'/],
  noexec: ['no-jobs', /without starting a job/],
  twice: ['multiple-executes', /more than one job; only its first/],
  badid: ['bad-request', /id "xyz": it must be 32 hex digits/],
  badjob: ['bad-request', /jobid.*zzz/],
  par0: ['bad-request', /parallelism must be at least 1/],
  nometa: ['savepoint-missing', /at \/flink\/nope\.$/],
  emptysp: ['savepoint-missing', /^\/flink\/empty holds no complete savepoint/],
  corrupt: ['savepoint-corrupt', /damaged/],
  emptymeta: ['savepoint-corrupt', /damaged/],
  s3restore: ['unsupported-filesystem', /s3:\/\/ paths/],
  s3: ['unsupported-filesystem', /s3:\/\/ paths/],
  s3ckpt: ['unsupported-filesystem', /s3:\/\/ paths/],
  unwritable: ['savepoint-directory', /\/flink\/file\/x cannot be written/],
  nojob: ['job-not-found', /does not know this job/],
  cancelunknown: ['job-not-found', /does not know this job/],
  uid: ['state-incompatible', /operator \([0-9a-f]{32}\) that the new program does not have/],
  par200: ['max-parallelism', /at most 128, but 200/],
  maxpar: ['max-parallelism', /has max parallelism 128, but the program now sets 64/],
  par8max4: ['max-parallelism', /parallelism 8 is higher than the job's max parallelism 4/],
  ckptdir: ['checkpoint-storage', /checkpoint directory cannot be used: \/flink\/file\.$/],
  notallrunning: ['not-all-running', /not all tasks of the job are running/],
  stopclose: ['stopping-failed-with-savepoint', /savepoint-\w+-\w+ was taken, but the job failed while it stopped/],
  failcp: ['savepoint-interrupted', /broken off/],
  cancelended: ['job-already-ended', /already ended \(FINISHED\)/],
};

test('every refusal that real clusters gave is told by its kind and in one sentence', () => {
  let seen = 0;
  for (const { release, action, status, text } of refusals) {
    const [kind, message] = expected[action] ?? assert.fail(`no expectation for ${action}`);
    const body = status === null ? text : JSON.stringify({ errors: ['Internal server error.', text] });
    const error = classifyFlinkError(status ?? undefined, body);
    assert.equal(error.kind, kind, `${release} ${action}`);
    assert.match(error.message, message, `${release} ${action}`);
    assert.doesNotMatch(error.message, /\n|\tat |Caused by|Exception: /, `${release} ${action}`);
    seen++;
  }
  assert.ok(seen > 60, `only ${seen}`);
});

test('the status decides nothing: the same text with any status has the same kind', () => {
  for (const { action, text } of refusals) {
    const kinds = new Set([200, 400, 404, 409, 500].map((status) => classifyFlinkError(status, JSON.stringify({ errors: [text] })).kind));
    assert.equal(kinds.size, 1, action);
  }
});

test('a savepoint that was taken although the stop failed is kept', () => {
  const text = refusals.find((refusal) => refusal.action === 'stopclose')?.text ?? '';
  const error = classifyFlinkError(undefined, text);
  assert.match(error.savepointPath ?? '', /^file:\/flink\/savepoints\/savepoint-[0-9a-f]{6}-[0-9a-f]{12}$/);
});

test('a leader election is worth another try', () => {
  const error = classifyFlinkError(
    503,
    '{"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]}',
  );
  assert.equal(error.kind, 'leader-election');
  assert.equal(error.retryable, true);
});

test('a login that is refused is no fault of the job, whatever the page says', () => {
  assert.equal(classifyFlinkError(401, '<html>Job 0 not found</html>').kind, 'not-authorized');
});

test('the root cause is the innermost one that says something', () => {
  const trace = [
    'java.util.concurrent.CompletionException: java.lang.IllegalStateException: outer',
    '\tat a.b.C.d(C.java:1)',
    'Caused by: java.lang.IllegalStateException: outer',
    '\tat a.b.C.d(C.java:1)',
    'Caused by: org.apache.flink.util.SerializedThrowable: java.io.IOException: disk',
    'is full',
    '\t... 7 more',
  ].join('\n');
  assert.deepEqual(rootCauseOf(trace), { name: 'IOException', message: 'disk is full' });
  assert.deepEqual(rootCauseOf('java.lang.NullPointerException\n\tat a.b.C.d(C.java:1)'), { name: 'NullPointerException', message: '' });
  assert.deepEqual(rootCauseOf('plain words: no Java at all'), { name: '', message: 'plain words: no Java at all' });
  assert.equal(rootCauseOf(''), undefined);
});

test('a password in the words of a program stays out of message and details', () => {
  const text =
    'ProgramInvocationException: The main method caused an error: x\n\tat a.b.C.d(C.java:1)\nCaused by: java.sql.SQLException: no route to jdbc:x?password=geheim';
  const error = classifyFlinkError(400, JSON.stringify({ errors: [text] }));
  assert.match(error.message, /no route to jdbc:x\?password=/);
  assert.doesNotMatch(`${error.message}${error.rootCause}${JSON.stringify(error.details)}`, /geheim/);
});

test('any body at all gives an error of one short line', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string().map((text) => JSON.stringify({ errors: [text] })),
      ),
      (body) => {
        const error = classifyFlinkError(500, body);
        assert.ok(error instanceof FlinkError);
        assert.ok(error.message.length > 5 && error.message.length < 600);
        assert.doesNotMatch(error.message, /\n/);
      },
    ),
  );
});
