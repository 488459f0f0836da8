import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { createFlinkClient, type FlinkClient } from '../../src/flink/client.ts';
import { FlinkError } from '../../src/flink/errors.ts';

interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Answer = (seen: Seen, response: ServerResponse, socket: Socket) => unknown;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A small server that answers `/overview` with a release and everything else by the given function (JSON, or undefined if it answered itself). */
async function fake(release: string, answer: Answer): Promise<{ client: FlinkClient; seen: Seen[]; url: string; server: Server }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const one: Seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    seen.push(one);
    const value = one.path === '/overview' && release ? overview(release) : answer(one, response, request.socket);
    if (value !== undefined) response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createFlinkClient({ url });
  closing.push(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return { client, seen, url, server };
}
function overview(release: string): object {
  const zero = {
    taskmanagers: 1,
    'slots-total': 1,
    'slots-available': 1,
    'jobs-running': 0,
    'jobs-finished': 0,
    'jobs-cancelled': 0,
    'jobs-failed': 0,
  };
  return { ...zero, 'flink-version': release, 'flink-commit': 'x' };
}
const id = 'a'.repeat(32);
const fullRun = {
  jarId: 'x.jar',
  jobId: id,
  entryClass: 'a.B',
  programArgs: ['--a', 'b c'],
  parallelism: 2,
  savepointPath: '/sp',
  allowNonRestoredState: true,
} as const;

for (const [release, mode] of [
  ['1.15.4', 'restoreMode'],
  ['1.19.1', 'restoreMode'],
  ['1.20.5', 'claimMode'],
  ['2.3.0', 'claimMode'],
] as const) {
  test(`a run on ${release} sends ${mode}, which that release reads, and arguments as a list`, async () => {
    const { client, seen } = await fake(release, () => ({ jobid: id }));
    await client.runJar(fullRun);
    assert.deepEqual(JSON.parse(seen.at(-1)?.body ?? ''), {
      jobId: id,
      entryClass: 'a.B',
      programArgsList: ['--a', 'b c'],
      parallelism: 2,
      savepointPath: '/sp',
      allowNonRestoredState: true,
      [mode]: 'NO_CLAIM',
    });
  });
}

test('options for one job are refused, not dropped, where the release cannot take them', async () => {
  const { client, seen } = await fake('1.16.3', () => ({ jobid: id }));
  const run = client.runJar({ jarId: 'x.jar', jobId: id, flinkConfiguration: { 'pipeline.name': 'x' } });
  await assert.rejects(run, (error: FlinkError) => error.kind === 'unsupported-release' && /1\.17.*1\.16\.3/.test(error.message));
  assert.deepEqual(
    seen.map((one) => one.path),
    ['/overview'],
  );
});

test('an old release is stopped without the fields that it would refuse', async () => {
  const { client, seen } = await fake('1.14.6', () => ({ 'request-id': 'b'.repeat(32) }));
  const stopped = await client.stopWithSavepoint({ jobId: id, triggerId: id, targetDirectory: '/sp' });
  assert.deepEqual(JSON.parse(seen.at(-1)?.body ?? ''), { targetDirectory: '/sp', drain: false });
  assert.equal(stopped.triggerId, 'b'.repeat(32));
});

test('the state of a job on a release without /status comes from the uncached list', async () => {
  const { client, seen } = await fake('1.15.4', () => ({ jobs: [{ id, status: 'RUNNING' }] }));
  assert.equal(await client.jobStatus(id), 'RUNNING');
  await assert.rejects(client.jobStatus('b'.repeat(32)), (error: FlinkError) => error.kind === 'job-not-found');
  assert.equal(seen.filter((one) => one.path === '/overview').length, 1);
});

test('the release is asked again after the JobManager went away', async () => {
  let release = '1.20.5';
  let drop = false;
  const { client } = await fake('', (one, _response, socket) => {
    if (drop) socket.destroy();
    else return one.path === '/overview' ? overview(release) : { jobs: [] };
    return undefined;
  });
  assert.equal((await client.release()).text, '1.20.5');
  release = '2.3.0';
  assert.equal((await client.release()).text, '1.20.5');
  drop = true;
  await assert.rejects(client.jobs(), UnreachableError);
  drop = false;
  assert.equal((await client.release()).text, '2.3.0');
});

test('a kept-alive socket that is dead is noticed and the request sent once more', async () => {
  let kill = 0;
  const { client, seen } = await fake('2.3.0', (_one, _response, socket) => {
    if (kill-- > 0) socket.destroy();
    else return { jobid: id };
    return undefined;
  });
  await client.release();
  kill = 1;
  assert.deepEqual(await client.runJar(fullRun), { jobId: id });
  assert.equal(seen.filter((one) => one.method === 'POST').length, 2);
});

test('what may change something asks for leave right before it leaves, each time; questions do not', async () => {
  let kill = 0;
  let asked = 0;
  const { client, seen } = await fake('2.3.0', (_one, _response, socket) => {
    if (kill-- > 0) socket.destroy();
    else return { jobid: id };
    return undefined;
  });
  await client.release({ beforeSend: () => asked++ });
  assert.equal(asked, 0);
  kill = 1;
  await client.runJar(fullRun, { beforeSend: () => asked++ });
  assert.equal(asked, 2, 'also before it is repeated');
  const sent = () => seen.filter((one) => one.method !== 'GET').length;
  const before = sent();
  const lost = new Error('the lease is over');
  const refuse = () => {
    throw lost;
  };
  await assert.rejects(client.runJar(fullRun, { beforeSend: refuse }), lost);
  await assert.rejects(client.cancelJob(id, { beforeSend: refuse }), lost);
  assert.equal(sent(), before, 'nothing left');
});

test('what is not safe to repeat is sent once, and the effect is told as unknown', async () => {
  const { client, seen } = await fake('2.3.0', (_one, _response, socket) => void socket.destroy());
  await assert.rejects(
    client.disposeSavepoint('/sp'),
    (error: UnreachableError) => error.details['refused'] === false && error.details['sent'] === true,
  );
  assert.equal(seen.length, 1);
});

test('nothing listens: refused is true, so nothing can have happened', async () => {
  const { client, server, url } = await fake('2.3.0', () => ({}));
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await assert.rejects(client.overview(), (error: UnreachableError) => {
    assert.deepEqual([error.code, error.details['refused'], error.details['sent']], ['unreachable', true, false]);
    assert.match(error.message, new RegExp(`${url} refuses connections`));
    return true;
  });
});

test('a refusal after a socket that died proves nothing about the first try', async () => {
  const { client, server } = await fake('2.3.0', (_one, _response, socket) => {
    // The process acts, then dies: its port is closed before the second try.
    server.close();
    socket.destroy();
  });
  await client.release();
  await assert.rejects(client.runJar(fullRun), (error: UnreachableError) => {
    assert.equal(error.details['code'], 'ECONNREFUSED');
    assert.equal(error.details['refused'], false);
    assert.equal(error.details['sent'], true);
    return true;
  });
});

test('no answer in time is unreachable with an unknown effect; a caller who gives up gets the own reason', async () => {
  const { client } = await fake('2.3.0', () => undefined);
  await assert.rejects(
    client.jobs({ timeoutMs: 50 }),
    (error: UnreachableError) => error.details['timedOut'] === true && error.details['refused'] === false,
  );
  const reason = new Error('enough');
  await assert.rejects(client.jobs({ signal: AbortSignal.abort(reason) }), reason);
});

test("a proxy's error page is unreachable, Flink's own 503 is a leader election", async () => {
  let body = '<html>Bad Gateway</html>';
  const { client } = await fake('2.3.0', (_one, response) => void response.writeHead(503).end(body));
  await assert.rejects(client.jobs(), UnreachableError);
  body = '{"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]}';
  await assert.rejects(client.jobs(), (error: FlinkError) => error.kind === 'leader-election');
});

test('an answer of something else than Flink is told as that', async () => {
  const { client } = await fake('2.3.0', (_one, response) => void response.end('<html>Welcome</html>'));
  await assert.rejects(client.jobs(), (error: FlinkError) => error instanceof FlinkError && error.kind === 'unexpected-answer');
});

test('login data of the URL are in no message', async () => {
  const { url } = await fake('2.3.0', (_one, response) => void response.end('no JSON'));
  const client = createFlinkClient({ url: url.replace('//', '//me:geheim@') });
  closing.unshift(() => client.close());
  const error = (await client.jobs().catch((caught: unknown) => caught)) as FlinkError;
  assert.equal(error.kind, 'unexpected-answer');
  assert.doesNotMatch(`${error.message} ${JSON.stringify(error.details)} ${client.url}`, /geheim/);
});

test('a path in the URL is kept, and headers are sent', async () => {
  const { url, seen } = await fake('2.3.0', () => ({ jobs: [] }));
  const client = createFlinkClient({ url: `${url.replace('//', '//me:geheim@')}/proxy/app/`, headers: { 'x-team': 'etl' } });
  closing.unshift(() => client.close());
  await client.jobs();
  assert.equal(seen[0]?.path, '/proxy/app/jobs');
  assert.equal(seen[0]?.headers['x-team'], 'etl');
  assert.equal(seen[0]?.headers.authorization, `Basic ${Buffer.from('me:geheim').toString('base64')}`);
});

test('a savepoint: in progress, done, failed, forgotten', async () => {
  const failure = {
    class: 'x',
    'stack-trace': 'java.io.IOException: Failed to create savepoint directory at file:/x',
    'serialized-throwable': 'AAAA',
  };
  const answers: unknown[] = [
    { status: { id: 'IN_PROGRESS' }, operation: null },
    { status: { id: 'COMPLETED' }, operation: { location: 'file:/sp' } },
    { status: { id: 'COMPLETED' }, operation: { 'failure-cause': failure } },
    undefined,
  ];
  const { client } = await fake('2.3.0', (_one, response) => {
    const next = answers.shift();
    if (next === undefined)
      response
        .writeHead(404)
        .end(JSON.stringify({ errors: [`NotFoundException: There is no savepoint operation with triggerId=${id} for job ${id}.`] }));
    return next;
  });
  assert.deepEqual(await client.savepointResult(id, id), { state: 'in-progress' });
  assert.deepEqual(await client.savepointResult(id, id), { state: 'completed', location: 'file:/sp' });
  const failed = await client.savepointResult(id, id);
  assert.equal(failed.state === 'failed' && failed.error.kind, 'savepoint-directory');
  assert.deepEqual(await client.savepointResult(id, id), { state: 'unknown' });
});

test('of a large log only the last whole lines are kept', async () => {
  const lines = Array.from({ length: 200_000 }, (_, i) => `line ${i}`).join('\n');
  const { client } = await fake('2.3.0', (_one, response) => void response.end(lines));
  const tail = await client.jobManagerLog({ tailBytes: 100 });
  assert.equal(tail.totalBytes, lines.length);
  assert.equal(tail.truncated, true);
  assert.ok(tail.text.length <= 100);
  assert.match(tail.text, /^line 1999\d\d\n(?:line \d+\n)+line 199999$/);
  const whole = await client.jobManagerLog({ tailBytes: 10_000_000, name: 'a b.log' });
  assert.equal(whole.text, lines);
  assert.equal(whole.truncated, false);
});

test('a jar is uploaded under the given name, and a missing file is told before anything is sent', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-client-'));
  closing.push(() => rm(dir, { recursive: true }));
  const jar = join(dir, 'built.jar');
  await writeFile(jar, 'bytes of the jar');
  const { client, seen } = await fake('2.3.0', () => ({ filename: '/up/flink-web-upload/123_etl.jar', status: 'success' }));
  assert.deepEqual(await client.uploadJar(jar, 'etl.jar'), { jarId: '123_etl.jar', path: '/up/flink-web-upload/123_etl.jar' });
  assert.match(seen[0]?.body ?? '', /filename="etl\.jar"[\s\S]*bytes of the jar/);
  await assert.rejects(client.uploadJar(join(dir, 'none.jar')), /no file none\.jar/);
  assert.equal(seen.length, 1);
});

test('a list that is as before is not read anew; whatever changes it is', async () => {
  let status = 'RUNNING';
  const { client } = await fake('2.3.0', () => ({ jobs: [{ id, status }] }));
  const first = await client.jobs();
  assert.equal(await client.jobs(), first);
  status = 'FAILED';
  assert.deepEqual(await client.jobs(), [{ id, status: 'FAILED' }]);
  status = 'RUNNING';
  assert.deepEqual(await client.jobs(), [{ id, status: 'RUNNING' }]);
});

test('a NUL or half a character that an exception quotes is not in what is read: PostgreSQL could not store it', async () => {
  const { client } = await fake('2.3.0', () => ({
    'all-exceptions': [],
    truncated: false,
    exceptionHistory: {
      truncated: false,
      entries: [
        {
          exceptionName: 'java.io.IOException',
          stacktrace: 'java.io.IOException: bad byte \u0000 at 7, \ud83d cut',
          timestamp: 1,
          concurrentExceptions: [],
        },
      ],
    },
  }));
  const { exceptionHistory } = await client.exceptions('a'.repeat(32));
  assert.equal(exceptionHistory?.entries[0]?.stacktrace, 'java.io.IOException: bad byte \uFFFD at 7, \uFFFD cut');
});
