import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { UpstreamError } from '../../src/core/errors.ts';
import { freePort, onFreePort } from '../../src/demo/free-port.ts';

test('a port that somebody took since it was free is left to them', async (t) => {
  const port = await freePort(0);
  const first = createServer().listen(port, '127.0.0.1');
  t.after(() => first.close());
  await once(first, 'listening');
  const second = await onFreePort(port, (at) => {
    const server = createServer().listen(at, '127.0.0.1');
    return new Promise<Server>((resolve, reject) => {
      server.once('listening', () => resolve(server));
      server.once('error', reject);
    });
  });
  t.after(() => second.close());
  assert.notEqual((second.address() as { port: number }).port, port);
});

test('Flink says it in its own words; anything else is not tried again', async () => {
  const asked: number[] = [];
  const started = await onFreePort(8081, async (port) => {
    asked.push(port);
    if (port === 8081)
      throw new UpstreamError(
        'The JobManager ended during its start: BindException: Could not start rest endpoint on any port in port range 8081',
      );
    return port;
  });
  assert.deepEqual(asked, [8081, started]);
  await assert.rejects(
    onFreePort(8081, async () => {
      throw new UpstreamError('The JobManager ended during its start: OutOfMemoryError');
    }),
    /OutOfMemoryError/,
  );
});
