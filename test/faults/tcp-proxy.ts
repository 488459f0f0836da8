import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Target } from '../../src/db/connection.ts';
import { type Address, type Fault, type FaultOf, matches, type Pattern, rst, type Way } from './tcp-faults.ts';

export interface TcpProxy {
  host: string;
  /** 0 when it listens on a Unix socket. */
  port: number;
  /** The Unix socket it listens on, if it does. */
  path: string | undefined;
  /** From now on these faults, and no others; none given: none. Resolves when the listener is open or closed accordingly. */
  set(...faults: Fault[]): Promise<void>;
  /** Resets every open connection; how many. */
  cut(): number;
  /** How many connections are open. */
  connections(): number;
  /** How often each fault did something, by its name (`cut` too): requests, connections (`blackhole`: also chunks held; `latency`, `slow-drip`: chunks). */
  fired: Record<string, number>;
  /** Ends everything. */
  close(): Promise<void>;
}

const headBytes = 64 * 1024;
const heldBytes = 256 * 1024;
const dripEveryMs = 20;

interface Pair {
  client: Socket;
  server: Socket;
  up: Lane;
  down: Lane;
  /** The request so far: reset by the server's answer. */
  head: Buffer;
  judged: Set<Fault>;
  doomed: boolean;
  /** Sides that were told the end though the other goes on. */
  halfClosed: Set<'client' | 'server'>;
}
interface Lane {
  push(item: Buffer | 'end' | 'abort'): void;
  pump(): void;
  stop(): void;
  /** Bytes passed since the faults were set. */
  passed: number;
}

/** A proxy on loopback (or a Unix socket) before any TCP server, to lose, slow and cut connections in the ways in which networks do. */
export async function startTcpProxy(options: {
  to: Address;
  listen?: 'tcp' | { socketPath: string };
  /** For jitter: 0 <= x < 1. */
  random?: () => number;
}): Promise<TcpProxy> {
  const random = options.random ?? Math.random;
  const listen = options.listen ?? 'tcp';
  const path = listen === 'tcp' ? undefined : listen.socketPath;
  const fired: Record<string, number> = {};
  const pairs = new Set<Pair>();
  let faults: Fault[] = [];
  const left = new Map<Fault, number>();
  let server: Server | undefined;
  let port = 0;
  let closed = false;

  const now = <K extends Fault['is']>(is: K) => faults.find((f): f is FaultOf<K> => f.is === is);
  const count = (is: string) => {
    fired[is] = (fired[is] ?? 0) + 1;
  };
  /** Takes one use of a fault. */
  function use(fault: Fault, otherwise: number): boolean {
    const rest = left.get(fault) ?? ('times' in fault ? fault.times : undefined) ?? otherwise;
    if (rest <= 0) return false;
    left.set(fault, rest - 1);
    count(fault.is);
    return true;
  }

  function reset(pair: Pair): void {
    pairs.delete(pair);
    pair.up.stop();
    pair.down.stop();
    rst(pair.client);
    rst(pair.server);
  }
  function halfClose(pair: Pair, side: 'client' | 'server'): void {
    if (pair.halfClosed.has(side)) return;
    (side === 'client' ? pair.down : pair.up).push('end');
    pair.halfClosed.add(side);
  }

  function createLane(way: Way, from: Socket, to: Socket, pair: () => Pair): Lane {
    const queue: ({ bytes: Buffer; at: number } | 'end' | 'abort')[] = [];
    let held = 0;
    let timer: NodeJS.Timeout | undefined;
    let nextDripAt = 0;
    const later = (ms: number) => {
      timer = setTimeout(lane.pump, Math.max(1, Math.ceil(ms)));
    };
    const lane: Lane = {
      passed: 0,
      push(item) {
        // Who was told that it is over gets no more.
        if (pair().halfClosed.has(way === 'up' ? 'server' : 'client') && item !== 'abort') return;
        if (typeof item === 'string') queue.push(item);
        else {
          const latency = now('latency');
          const delayed = latency && (latency.way ?? way) === way;
          if (delayed) count('latency');
          if (now('blackhole')) count('blackhole');
          queue.push({ bytes: item, at: performance.now() + (delayed ? latency.ms + random() * (latency.jitterMs ?? 0) : 0) });
          held += item.length;
          if (held > heldBytes) from.pause();
        }
        lane.pump();
      },
      pump() {
        clearTimeout(timer);
        for (;;) {
          const item = queue[0];
          if (item === undefined || now('blackhole')) return;
          if (item === 'abort') return reset(pair());
          if (item === 'end') {
            queue.shift();
            to.end();
            continue;
          }
          const time = performance.now();
          if (item.at > time) return later(item.at - time);
          const drip = now('slow-drip');
          if (drip && nextDripAt > time) return later(nextDripAt - time);
          let piece = item.bytes;
          if (drip) {
            piece = piece.subarray(0, Math.max(1, Math.floor((drip.bytesPerSecond * dripEveryMs) / 1000)));
            nextDripAt = time + (piece.length / drip.bytesPerSecond) * 1000;
            count('slow-drip');
          }
          const cut = now('cut-after');
          const room = cut && (cut.way ?? 'down') === way ? Math.max(0, cut.bytes - lane.passed) : Number.POSITIVE_INFINITY;
          if (piece.length >= room) {
            count('cut-after');
            return cutAfter(pair(), to, piece.subarray(0, room));
          }
          lane.passed += piece.length;
          held -= piece.length;
          if (piece.length === item.bytes.length) queue.shift();
          else item.bytes = item.bytes.subarray(piece.length);
          const taken = to.write(piece);
          if (!taken) {
            from.pause();
            to.once('drain', () => from.resume());
          } else if (held <= heldBytes) from.resume();
        }
      },
      stop() {
        clearTimeout(timer);
        queue.length = 0;
      },
    };
    return lane;
  }
  /** The last bytes are delivered, then both sides are closed in the ordinary way. */
  function cutAfter(pair: Pair, to: Socket, last: Buffer): void {
    pairs.delete(pair);
    pair.up.stop();
    pair.down.stop();
    to.end(last, () => {
      pair.client.destroy();
      pair.server.destroy();
    });
  }

  function accept(client: Socket): void {
    const resetting = now('reset');
    if (resetting && resetting.matching === undefined && use(resetting, Number.POSITIVE_INFINITY)) {
      rst(client);
      return;
    }
    if (now('blackhole')) count('blackhole');
    const upstream = createConnection({
      allowHalfOpen: true,
      ...('socketPath' in options.to ? { path: options.to.socketPath } : options.to),
    });
    const pair: Pair = {
      client,
      server: upstream,
      up: createLane('up', client, upstream, () => pair),
      down: createLane('down', upstream, client, () => pair),
      head: Buffer.alloc(0),
      judged: new Set(),
      doomed: false,
      halfClosed: new Set(),
    };
    pairs.add(pair);
    for (const [from, lane] of [
      [client, pair.up],
      [upstream, pair.down],
    ] as const) {
      from.setNoDelay(true);
      from.on('end', () => lane.push('end'));
      from.on('error', () => lane.push('abort'));
      from.on('close', () => {
        if (client.destroyed && upstream.destroyed) pairs.delete(pair);
      });
    }
    client.on('data', (chunk) => request(pair, chunk));
    upstream.on('data', (chunk) => {
      if (pair.doomed) {
        count('reset-after-commit');
        return reset(pair);
      }
      pair.head = Buffer.alloc(0);
      pair.judged.clear();
      pair.down.push(chunk);
    });
  }
  function request(pair: Pair, chunk: Buffer): void {
    if (pair.head.length < headBytes) pair.head = Buffer.concat([pair.head, chunk]).subarray(0, headBytes);
    const matched = (fault: { matching?: Pattern } | undefined) => {
      if (!fault || pair.judged.has(fault as Fault) || !matches(pair.head, fault.matching)) return false;
      pair.judged.add(fault as Fault);
      return true;
    };
    const lost = now('reset');
    if (lost?.matching !== undefined && matched(lost) && use(lost, 1)) {
      reset(pair);
      return;
    }
    const committed = now('reset-after-commit');
    if (committed && matched(committed)) {
      const rest = left.get(committed) ?? committed.times ?? 1;
      left.set(committed, rest - 1);
      if (rest > 0) pair.doomed = true;
    }
    pair.up.push(chunk);
    const half = now('half-close');
    if (half && !pair.halfClosed.has(half.side) && matched(half) && use(half, Number.POSITIVE_INFINITY)) halfClose(pair, half.side);
  }

  async function open(): Promise<void> {
    const next = createServer({ allowHalfOpen: true }, accept);
    server = next;
    await new Promise<void>((resolve, reject) => {
      next.once('error', reject);
      if (path === undefined) next.listen(port, '127.0.0.1', resolve);
      else next.listen(path, resolve);
    });
    const address = next.address();
    if (typeof address === 'object' && address) port = address.port;
  }
  await open();

  return {
    host: '127.0.0.1',
    port,
    path,
    fired,
    async set(...wanted) {
      faults = wanted;
      left.clear();
      for (const pair of pairs) {
        pair.up.passed = 0;
        pair.down.passed = 0;
      }
      const resetting = now('reset');
      const half = now('half-close');
      for (const pair of [...pairs]) {
        if (resetting && resetting.matching === undefined && use(resetting, Number.POSITIVE_INFINITY)) reset(pair);
        else if (half && half.matching === undefined && use(half, Number.POSITIVE_INFINITY)) halfClose(pair, half.side);
        pair.up.pump();
        pair.down.pump();
      }
      if (now('refuse') && server) {
        // Only the listener: its callback would wait for what is open.
        server.close();
        server = undefined;
        count('refuse');
      } else if (!now('refuse') && !server && !closed) await open();
    },
    cut() {
      const all = [...pairs];
      for (const pair of all) {
        count('cut');
        reset(pair);
      }
      return all.length;
    },
    connections: () => pairs.size,
    async close() {
      closed = true;
      const done = server && new Promise<void>((resolve) => void server?.close(() => resolve()));
      for (const pair of [...pairs]) reset(pair);
      await done;
    },
  };
}

/** Where a PostgreSQL listens, for `to`. */
export function databaseAddress(target: Target): Address {
  if ('url' in target) {
    const url = new URL(target.url);
    return { host: url.hostname, port: Number(url.port || 5432) };
  }
  const { host, port = 5432 } = target.connection;
  return host.startsWith('/') ? { socketPath: `${host}/.s.PGSQL.${port}` } : { host, port };
}
/** The same database through a proxy that stands before it (by TCP, or on a socket named `.s.PGSQL.<port>`). */
export function databaseThrough(proxy: Pick<TcpProxy, 'host' | 'port' | 'path'>, target: Target): Target {
  if ('connection' in target) {
    const place = proxy.path === undefined ? { host: proxy.host, port: proxy.port } : { host: dirname(proxy.path) };
    return { connection: { ...target.connection, ...place } };
  }
  const url = new URL(target.url);
  url.host = `${proxy.host}:${proxy.port}`;
  return { url: String(url) };
}
