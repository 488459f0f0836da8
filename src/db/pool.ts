import pg from 'pg';
import type { Log } from '../core/log.ts';
import { sleep } from '../core/time.ts';
import { driverConfig, type Target } from './connection.ts';
import { isConnectionLoss, mayConcernAll, storeUnreachable } from './failures.ts';

export interface PoolOptions {
  log: Log;
  /** Connections at most; 10 by default. */
  max?: number;
  /** How long a connection is waited for, be it new or busy; 2 s by default. */
  connectTimeoutMs?: number;
  /** How long one statement may take; 3 s by default. */
  queryTimeoutMs?: number;
}
export interface Pool {
  /** A connection that no error event of can end the process. @throws UnreachableError */
  checkout(): Promise<pg.PoolClient>;
  /** Gives a connection back, or destroys it if the error says that it is lost. */
  giveBack(client: pg.PoolClient, error?: unknown): void;
  /** Waits for what runs, at most 3 s, then cuts every connection. */
  close(): Promise<void>;
}

/** A pool whose every wait is bounded and that outlives each loss of its connections. */
export function createPool(target: Target, options: PoolOptions): Pool {
  const { log } = options;
  const pool = new pg.Pool({
    ...driverConfig(target),
    max: options.max ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 2000,
    query_timeout: options.queryTimeoutMs ?? 3000,
    idleTimeoutMillis: 30_000,
  });
  const clients = new Set<pg.PoolClient>();
  const madeAt = new WeakMap<pg.PoolClient, number>();
  /** When a connection turned out to be dead last. */
  let lostAt = Number.NEGATIVE_INFINITY;
  // Without these two handlers an idle disconnect ends the process.
  pool.on('error', (error) => {
    // Not the error itself: it carries the whole client, secrets included. While closing it is no news.
    if (!closing) log.warn({ code: (error as { code?: string }).code, reason: error.message }, 'idle database connection lost');
  });
  pool.on('connect', (client) => {
    clients.add(client);
    madeAt.set(client, performance.now());
    client.on('error', (error) => log.debug({ reason: error.message }, 'database connection lost'));
  });
  pool.on('remove', (client) => void clients.delete(client));
  let closing: Promise<void> | undefined;
  return {
    async checkout() {
      try {
        for (;;) {
          const client = await pool.connect();
          if ((madeAt.get(client) ?? 0) >= lostAt) return client;
          // Older than a loss: on a server that vanished without a word each of these would cost its own time limit.
          client.release(true);
          streamOf(client)?.destroy();
        }
      } catch (error) {
        if (!isConnectionLoss(error)) throw error;
        throw storeUnreachable(error, 'nothing', { connections: pool.totalCount, waiting: pool.waitingCount });
      }
    },
    giveBack(client, error) {
      if (mayConcernAll(error)) lostAt = performance.now();
      client.release(isConnectionLoss(error));
    },
    close() {
      closing ??= (async () => {
        const timer = new AbortController();
        const cut = sleep(3000, timer.signal).then(
          () => {
            for (const client of clients) streamOf(client)?.destroy();
          },
          () => {},
        );
        await Promise.race([pool.end(), cut]);
        timer.abort();
      })();
      return closing;
    },
  };
}

function streamOf(client: pg.PoolClient): { destroy(): void } | undefined {
  return (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection?.stream;
}
