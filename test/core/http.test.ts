import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { http } from '../../src/core/http.ts';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  t.after(close);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return body;
}
async function unreachable(work: Promise<unknown>): Promise<UnreachableError> {
  const error = await work.then(
    () => assert.fail('it should not have been answered'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof UnreachableError, String(error));
  assert.equal(error.retryable, true);
  return error;
}

test('sends what it is given and gives status, headers and text back, whatever the status', async (t) => {
  const url = await serve(t, async (request, response) => {
    response.writeHead(request.method === 'POST' ? 418 : 200, { 'content-type': 'application/json', 'x-seen': 'yes' });
    const { 'content-type': type, authorization } = request.headers;
    response.end(JSON.stringify({ method: request.method, path: request.url, type, authorization, body: await bodyOf(request) }));
  });
  const posted = await http(`${url}/a?b=c`, { method: 'POST', json: { ü: 1 }, headers: { authorization: 'x' } });
  assert.equal(posted.status, 418);
  assert.equal(posted.headers['x-seen'], 'yes');
  assert.deepEqual(JSON.parse(posted.body), {
    method: 'POST',
    path: '/a?b=c',
    type: 'application/json',
    authorization: 'x',
    body: '{"ü":1}',
  });
  assert.deepEqual(JSON.parse((await http(url)).body), { method: 'GET', path: '/', body: '' });
  assert.equal(JSON.parse((await http(url, { method: 'PUT', body: 'raw' })).body).body, 'raw');
});

test('characters that come in two pieces are whole', async (t) => {
  const euro = Buffer.from('€');
  const url = await serve(t, (_request, response) => {
    response.write(euro.subarray(0, 1), () => setImmediate(() => response.end(euro.subarray(1))));
  });
  assert.equal((await http(url)).body, '€');
});

test('no answer in time is unreachable, whether nothing came at all or only a part', async (t) => {
  const silent = await serve(t, () => {});
  const slow = await serve(t, (_request, response) => response.write('a part'));
  for (const url of [silent, slow]) {
    const error = await unreachable(http(`${url}/path?token=hidden`, { timeoutMs: 300 }));
    assert.deepEqual(error.details, { url: `${url}/path`, timedOut: true });
    assert.match(error.message, /^http:\/\/127\.0\.0\.1:\d+ did not answer\.$/);
  }
});

test('an answer larger than allowed is not read to its end', async (t) => {
  let closed = false;
  const url = await serve(t, (_request, response) => {
    response.on('close', () => {
      closed = true;
    });
    const more = () => {
      while (response.write('x'.repeat(64 * 1024)));
      response.once('drain', more);
    };
    more();
  });
  const error = await unreachable(http(url, { maxBytes: 100_000, timeoutMs: 60_000 }));
  assert.match(String(error.cause), /larger than 100000 bytes/);
  assert.equal(error.details['timedOut'], false);
  const exact = await serve(t, (_request, response) => response.end('x'.repeat(1000)));
  assert.equal((await http(exact, { maxBytes: 1000 })).body.length, 1000);
  await unreachable(http(exact, { maxBytes: 999 }));
  assert.equal(closed, true);
});

test('a refused or broken connection is unreachable, and no secret of the address is told', async (t) => {
  const gone = createServer();
  await new Promise<void>((done) => gone.listen(0, '127.0.0.1', done));
  const { port } = gone.address() as AddressInfo;
  await new Promise((done) => gone.close(done));
  const error = await unreachable(http(`http://127.0.0.1:${port}/x?secret=1`));
  assert.equal((error.cause as { code?: string }).code, 'ECONNREFUSED');
  assert.doesNotMatch(JSON.stringify([error.message, error.details]), /secret/);
  const breaks = await serve(t, (request) => request.socket.destroy());
  await unreachable(http(breaks));
  const cut = await serve(t, (request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => request.socket.destroy());
  });
  await unreachable(http(cut));
});

test('whoever gives up hears the own reason, not that the other side is unreachable', async (t) => {
  const reason = new Error('shutting down');
  let arrived = () => {};
  const url = await serve(t, () => arrived());
  await assert.rejects(http(url, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  arrived = () => controller.abort(reason);
  await assert.rejects(http(url, { signal: controller.signal, timeoutMs: 60_000 }), reason);
});
