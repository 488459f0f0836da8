import { createConnection, createServer, type Socket } from 'node:net';
import type { Closing } from './closing.ts';

export interface SeenRequest {
  /** Milliseconds since 1970, with fractions. */
  at: number;
  method: string;
  path: string;
}
export interface RequestLog {
  /** Where to send what is to be seen. */
  url: string;
  /** In the order in which they came; may be emptied. */
  seen: SeenRequest[];
}

/** Milliseconds since 1970 finer than `Date.now()`: from its last tick on by the monotonic clock. Made anew now and then, since the two drift apart. */
export function createFineClock(): () => number {
  const before = Date.now();
  let tick = before;
  while (tick === before) tick = Date.now();
  const offset = tick - performance.now();
  return () => offset + performance.now();
}

/** The request whose head a chunk begins with; undefined for the middle of one. */
export function requestLine(chunk: string): { method: string; path: string } | undefined {
  const found = /^(GET|POST|PUT|PATCH|DELETE) (\S+) HTTP\/1\.1\r\n/.exec(chunk);
  return found ? { method: found[1] as string, path: found[2] as string } : undefined;
}

/** A relay on loopback before an HTTP server that notes when each request arrives; the bytes go on untouched. */
export async function startRequestLog(closing: Closing, target: string, clock: () => number): Promise<RequestLog> {
  const { hostname, port } = new URL(target);
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (chunk) => {
      const at = clock();
      upstream.write(chunk);
      const line = requestLine(chunk.subarray(0, 2000).toString('latin1'));
      if (line) seen.push({ at, ...line });
    });
    upstream.pipe(client);
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  closing.add(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, seen };
}
