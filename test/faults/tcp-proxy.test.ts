import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer as createHttpServer, request as httpRequest } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { UnreachableError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { sleep } from '../../src/core/time.ts';
import { openDb } from '../../src/db/db.ts';
import { clockOffset } from '../../src/db/schema/clock.ts';
import { createTestTarget } from '../helpers/test-db.ts';
import { databaseAddress, databaseThrough, startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** Waits for what must come about by itself. */
async function until(what: string, true_: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!true_()) {
    assert.ok(performance.now() < deadline, `never came true: ${what}`);
    await sleep(2);
  }
}

/** A server that notes what it got and answers each chunk with `echo:<chunk>`. */
async function echo(t: TestContext, options: { socketPath?: string } = {}) {
  const got: string[] = [];
  let ends = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      got.push(chunk.toString());
      socket.write(`echo:${chunk}`);
    });
    socket.on('end', () => {
      ends++;
      socket.end();
    });
  });
  await new Promise<void>((done) => (options.socketPath ? server.listen(options.socketPath, done) : server.listen(0, '127.0.0.1', done)));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = (server.address() ?? {}) as { port: number };
  return { to: { host: '127.0.0.1', port }, text: () => got.join(''), ends: () => ends, sockets };
}
async function proxied(
  t: TestContext,
  to: Parameters<typeof startTcpProxy>[0]['to'],
  more: { random?: () => number } = {},
): Promise<TcpProxy> {
  const proxy = await startTcpProxy({ to, ...more });
  t.after(() => proxy.close());
  return proxy;
}
/** A client whose every event is remembered. */
function dial(t: TestContext, at: Pick<TcpProxy, 'port' | 'path'>) {
  const socket = at.path === undefined ? connect({ port: at.port, host: '127.0.0.1', allowHalfOpen: true }) : connect(at.path);
  const seen = { text: '', chunks: 0, ended: false, closed: false, error: undefined as string | undefined };
  socket.on('data', (chunk) => {
    seen.text += chunk;
    seen.chunks++;
  });
  socket.on('end', () => {
    seen.ended = true;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.error = error.code;
  });
  socket.on('close', () => {
    seen.closed = true;
  });
  t.after(() => socket.destroy());
  return { socket, seen };
}

/** An HTTP server that counts what it did, and a way to ask it with a kept connection. */
async function http(t: TestContext, body = 'done') {
  const did = { POST: 0, GET: 0 } as Record<string, number>;
  const server = createHttpServer((request, response) => {
    request.resume().on('end', () => {
      did[request.method ?? ''] = (did[request.method ?? ''] ?? 0) + 1;
      response.end(body);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  /** The body, or the code of the error. */
  const ask = (proxy: TcpProxy, method: string): Promise<string> =>
    new Promise((resolve) => {
      const outgoing = httpRequest({ port: proxy.port, host: '127.0.0.1', method, agent, path: '/' }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => resolve(text));
        answer.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code} after ${text.length} bytes`));
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      outgoing.end(method === 'POST' ? 'x'.repeat(200_000) : undefined);
    });
  return { to: { host: '127.0.0.1', port }, did, ask };
}

describe('TCP proxy', () => {
  it('passes everything both ways, and the end, when no fault is set', async (t) => {
    const server = await echo(t);
    const proxy = await proxied(t, server.to);
    const { socket, seen } = dial(t, proxy);
    socket.end('hello');
    await until('the answer and the end', () => seen.ended);
    assert.equal(seen.text, 'echo:hello');
    assert.equal(server.ends(), 1);
    await until('nothing is open', () => proxy.connections() === 0);
    assert.deepEqual(proxy.fired, {});
  });

  it('carries large bodies whole, in both directions', async (t) => {
    const big = 'abcdefghij'.repeat(300_000);
    const server = await http(t, big);
    const proxy = await proxied(t, server.to);
    assert.equal(await server.ask(proxy, 'POST'), big);
    assert.equal(server.did['POST'], 1);
  });

  it('stands before and on Unix sockets', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'proxy-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    await echo(t, { socketPath: join(dir, 'server') });
    const proxy = await startTcpProxy({ to: { socketPath: join(dir, 'server') }, listen: { socketPath: join(dir, 'front') } });
    t.after(() => proxy.close());
    const { socket, seen } = dial(t, proxy);
    socket.write('hello');
    await until('the answer', () => seen.text === 'echo:hello');
    assert.equal(proxy.cut(), 1);
    await until('the cut', () => seen.closed);
  });

  it('latency holds each chunk back both ways and keeps their order under jitter', async (t) => {
    const server = await echo(t);
    const jitter = [0.9, 0, 0.5, 0, 0.7];
    const proxy = await proxied(t, server.to, { random: () => jitter.shift() ?? 0 });
    const { socket, seen } = dial(t, proxy);
    await proxy.set({ is: 'latency', ms: 60, jitterMs: 100 });
    const started = performance.now();
    for (const part of ['a', 'b', 'c', 'd']) {
      await new Promise<void>((done) => void socket.write(part, () => done()));
      await until('it is in the proxy', () => (proxy.fired['latency'] ?? 0) >= part.charCodeAt(0) - 96);
    }
    await until('all of it is back', () => seen.text.replaceAll('echo:', '').length === 4);
    assert.ok(performance.now() - started >= 119, 'there and back');
    assert.equal(server.text(), 'abcd');
    await proxy.set({ is: 'latency', ms: 10_000, way: 'up' });
    await proxy.set();
    const { socket: other, seen: otherSeen } = dial(t, proxy);
    other.write('x');
    await until('no delay any more', () => otherSeen.text === 'echo:x');
  });

  it('blackhole accepts and passes nothing; lifted, what was held arrives', async (t) => {
    const server = await echo(t);
    const proxy = await proxied(t, server.to);
    const { socket, seen } = dial(t, proxy);
    socket.write('before ');
    await until('the answer', () => seen.text === 'echo:before ');
    await proxy.set({ is: 'blackhole' });
    socket.write('inside ');
    await until('it is held', () => proxy.fired['blackhole'] === 1);
    const late = dial(t, proxy);
    late.socket.write('late');
    await until('a new one is held too', () => proxy.fired['blackhole'] === 3);
    assert.equal(server.text(), 'before ');
    assert.equal(proxy.connections(), 2);
    assert.equal(seen.closed || late.seen.closed, false);
    await proxy.set();
    await until('both answers', () => seen.text === 'echo:before echo:inside ' && late.seen.text === 'echo:late');
  });

  it('refuse closes the listener, leaves what is open, and the same port answers again afterwards', async (t) => {
    const server = await echo(t);
    const proxy = await proxied(t, server.to);
    const { socket, seen } = dial(t, proxy);
    socket.write('1');
    await until('the answer', () => seen.text === 'echo:1');
    await proxy.set({ is: 'refuse' });
    const refused = dial(t, proxy);
    await until('the refusal', () => refused.seen.closed);
    assert.equal(refused.seen.error, 'ECONNREFUSED');
    socket.write('2');
    await until('the open one still works', () => seen.text === 'echo:1echo:2');
    assert.equal(proxy.fired['refuse'], 1);
    await proxy.set();
    const again = dial(t, proxy);
    again.socket.write('3');
    await until('the listener is back', () => again.seen.text === 'echo:3');
  });

  it('reset sends RST to what is open and to what comes', async (t) => {
    const server = await echo(t);
    const proxy = await proxied(t, server.to);
    const open = dial(t, proxy);
    open.socket.write('1');
    await until('the answer', () => open.seen.text === 'echo:1');
    await proxy.set({ is: 'reset' });
    await until('it is over', () => open.seen.closed);
    assert.equal(open.seen.error, 'ECONNRESET');
    const next = dial(t, proxy);
    await until('the next is over', () => next.seen.closed);
    assert.equal(next.seen.error, 'ECONNRESET');
    assert.equal(proxy.fired['reset'], 2);
    assert.equal(server.text(), '1');
  });

  it('reset of matching requests keeps them from the server', async (t) => {
    const server = await http(t);
    const proxy = await proxied(t, server.to);
    await proxy.set({ is: 'reset', matching: /^POST/ });
    assert.equal(await server.ask(proxy, 'GET'), 'done');
    assert.equal(await server.ask(proxy, 'POST'), 'ECONNRESET');
    assert.equal(await server.ask(proxy, 'POST'), 'done');
    assert.deepEqual(server.did, { GET: 1, POST: 1 });
    assert.equal(proxy.fired['reset'], 1);
  });

  it('reset after commit: the server did it, the client never hears of it, and the next one passes', async (t) => {
    const server = await http(t);
    const proxy = await proxied(t, server.to);
    await proxy.set({ is: 'reset-after-commit', matching: /^POST/, times: 2 });
    assert.equal(await server.ask(proxy, 'GET'), 'done');
    assert.equal(await server.ask(proxy, 'POST'), 'ECONNRESET');
    assert.equal(await server.ask(proxy, 'GET'), 'done');
    assert.equal(await server.ask(proxy, 'POST'), 'ECONNRESET');
    assert.equal(await server.ask(proxy, 'POST'), 'done');
    assert.deepEqual(server.did, { GET: 2, POST: 3 });
    assert.equal(proxy.fired['reset-after-commit'], 2);
  });

  it('recognises a request that comes in pieces', async (t) => {
    let text = '';
    const quiet = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        text += chunk;
        if (text.endsWith(';')) socket.write('ok');
      });
    });
    await new Promise<void>((done) => quiet.listen(0, '127.0.0.1', done));
    t.after(() => quiet.close());
    const second = await proxied(t, { host: '127.0.0.1', port: (quiet.address() as { port: number }).port });
    await second.set({ is: 'reset-after-commit', matching: Buffer.from('COMMIT;') });
    const { socket, seen } = dial(t, second);
    socket.setNoDelay(true);
    socket.write('COM');
    await until('the first piece is through', () => text === 'COM');
    socket.write('MIT;');
    await until('it is over', () => seen.closed);
    assert.equal(seen.text, '');
    assert.equal(text, 'COMMIT;');
    assert.equal(second.fired['reset-after-commit'], 1);
  });

  it('half-close to the client: it sees the end without an answer, and what it sends still arrives', async (t) => {
    const server = await echo(t);
    const proxy = await proxied(t, server.to);
    await proxy.set({ is: 'half-close', side: 'client' });
    const { socket, seen } = dial(t, proxy);
    socket.write('one ');
    await until('the end', () => seen.ended);
    socket.write('two');
    await until('the rest arrived', () => server.text() === 'one two');
    assert.equal(seen.text, '');
    assert.equal(seen.closed, false);
    assert.equal(proxy.fired['half-close'], 1);
  });

  it('half-close to the server: it sees the end, and its answer still arrives', async (t) => {
    const server = await echo(t);
    const proxy = await proxied(t, server.to);
    const { socket, seen } = dial(t, proxy);
    socket.write('zero ');
    await until('the answer', () => seen.text === 'echo:zero ');
    await proxy.set({ is: 'half-close', side: 'server', matching: 'one' });
    socket.write('one');
    await until('the answer', () => seen.text === 'echo:zero echo:one');
    await until('the server saw the end', () => server.ends() === 1);
    assert.equal(proxy.fired['half-close'], 1);
  });

  it('slow drip lets so many bytes a second through', async (t) => {
    const server = await http(t, 'x'.repeat(200));
    const proxy = await proxied(t, server.to);
    assert.equal((await server.ask(proxy, 'GET')).length, 200);
    await proxy.set({ is: 'slow-drip', bytesPerSecond: 2000 });
    const started = performance.now();
    assert.equal((await server.ask(proxy, 'GET')).length, 200);
    // More than 200 bytes of answer and about 60 of request.
    assert.ok(performance.now() - started >= 120, `${performance.now() - started} ms`);
    assert.ok((proxy.fired['slow-drip'] ?? 0) > 5);
  });

  it('cut after n bytes delivers exactly these and closes', async (t) => {
    const server = await echo(t);
    const proxy = await proxied(t, server.to);
    await proxy.set({ is: 'cut-after', bytes: 7 });
    const { socket, seen } = dial(t, proxy);
    socket.write('hello');
    await until('the end', () => seen.ended);
    assert.equal(seen.text, 'echo:he');
    assert.equal(proxy.fired['cut-after'], 1);
    assert.equal(proxy.connections(), 0);
    await proxy.set({ is: 'cut-after', bytes: 2, way: 'up' });
    const { socket: other, seen: otherSeen } = dial(t, proxy);
    other.write('abcdef');
    await until('the end', () => otherSeen.closed || otherSeen.ended);
    assert.match(server.text(), /^hello(ab)?$/);
    const { ask, to } = await http(t, 'y'.repeat(500));
    const third = await proxied(t, to);
    await third.set({ is: 'cut-after', bytes: 300 });
    assert.match(await ask(third, 'GET'), /^ECONNRESET after \d+ bytes$/);
  });

  it('several faults at once, and cut() resets what is open', async (t) => {
    const server = await http(t);
    const proxy = await proxied(t, server.to);
    await proxy.set({ is: 'latency', ms: 30 }, { is: 'reset-after-commit', matching: /^POST/ });
    assert.equal(await server.ask(proxy, 'POST'), 'ECONNRESET');
    assert.equal(server.did['POST'], 1);
    assert.ok((proxy.fired['latency'] ?? 0) >= 1);
    await proxy.set({ is: 'none' });
    const { socket, seen } = dial(t, proxy);
    await until('it is open', () => proxy.connections() > 0 && !socket.connecting);
    assert.ok(proxy.cut() >= 1);
    await until('it is over', () => seen.closed);
    assert.equal(seen.error, 'ECONNRESET');
  });

  it('resets a socket whose own end is on its way so that the process can still end', async () => {
    const program = `
      import { connect, createServer } from 'node:net';
      import { rst } from ${JSON.stringify(new URL('tcp-faults.ts', import.meta.url).href)};
      const server = createServer((socket) => { socket.end(); rst(socket); server.close(); });
      server.listen(0, '127.0.0.1', () => connect(server.address().port, '127.0.0.1').resume().on('error', () => {}));`;
    // It spins where it does not end, and no longer listens to anything but SIGKILL.
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000, killSignal: 'SIGKILL' });
  });

  it('a server that is not there resets the client', async (t) => {
    const proxy = await proxied(t, { socketPath: '/nonexistent/socket' });
    const { seen } = dial(t, proxy);
    await until('it is over', () => seen.closed);
    assert.equal(proxy.connections(), 0);
  });

  it('before PostgreSQL: reset after COMMIT leaves the outcome unknown and the row saved', async (t) => {
    const target = await createTestTarget(t, { beforeDrop: () => database.close() });
    const proxy = await proxied(t, databaseAddress(target));
    const database = openDb({ log: silentLog, ...databaseThrough(proxy, target) });
    await proxy.set({ is: 'reset-after-commit', matching: /commit/i });
    await assert.rejects(
      database.transaction((tx) => tx.insert(clockOffset).values({ id: 2 })),
      (error) => error instanceof UnreachableError && error.details['outcome'] === 'unknown',
    );
    assert.equal(await database.db.$count(clockOffset), 2);
    assert.equal(proxy.fired['reset-after-commit'], 1);
    await proxy.set({ is: 'reset', matching: /commit/i });
    await assert.rejects(
      database.transaction((tx) => tx.insert(clockOffset).values({ id: 3 })),
      UnreachableError,
    );
    assert.equal(await database.db.$count(clockOffset), 2, 'the COMMIT never arrived');
  });
});
