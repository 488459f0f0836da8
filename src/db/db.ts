import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import type { ExtractTablesWithRelations } from 'drizzle-orm';
import type { NodePgDatabase, NodePgQueryResultHKT, NodePgSession } from 'drizzle-orm/node-postgres';
import type { PgTransaction } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { sleep } from '../core/time.ts';
import type { Target } from './connection.ts';
import { isConnectionLoss, isRetryable, storeFull, storeUnreachable } from './failures.ts';
import { createPool, type PoolOptions } from './pool.ts';
import * as schema from './schema/index.ts';

// As in schema/builders.ts: the ESM build of drizzle costs about 270 MB more memory.
const require = createRequire(import.meta.url);
const { DrizzleQueryError } = require('drizzle-orm') as typeof import('drizzle-orm');
const nodePg = require('drizzle-orm/node-postgres') as typeof import('drizzle-orm/node-postgres');

type Schema = typeof schema;
/** An open transaction; its own `transaction` is a savepoint. */
export type Tx = PgTransaction<NodePgQueryResultHKT, Schema, ExtractTablesWithRelations<Schema>>;
/** Statements outside a transaction, each on its own. What a repository takes is `Db | Tx`. */
export type Db = Omit<NodePgDatabase<Schema>, 'transaction' | '$client'>;

export interface Database {
  db: Db;
  /**
   * Runs `fn` in one transaction; the whole of it again (at most 5 times) after a serialization failure or a deadlock, so
   * `fn` does nothing but database work. Inside, only `tx` may be used: `db` throws.
   * @throws UnreachableError if the store is lost or full; its `details.outcome` is `unknown` if it was lost at the COMMIT.
   */
  transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** @throws UnreachableError if the store does not answer. */
  ping(): Promise<void>;
  /** Whether the last write met a full disk; known again after the next transaction. For `/healthz`. */
  isFull(): boolean;
  /** Waits for what runs, at most 3 s. */
  close(): Promise<void>;
}
export type OpenDbOptions = Target & PoolOptions;

const maxTries = 5;

/** Opens a pool on the database; no connection is made before the first statement. */
export function openDb(options: OpenDbOptions): Database {
  const pool = createPool(options, options);
  const queryTimeoutMs = options.queryTimeoutMs ?? 3000;
  const scope = new AsyncLocalStorage<{ open: boolean }>();
  function guard(): void {
    if (scope.getStore()?.open) throw new Error('The outer database was used inside an open transaction: pass tx to what is called there.');
  }
  let full = false;
  /** The error as callers get it. */
  function explained(error: unknown): unknown {
    const noRoom = storeFull(error);
    if (noRoom?.details['sqlState'] === '53100' && !full) {
      full = true;
      options.log.error({ reason: String(error) }, 'the disk of the state store is full: new work is refused');
    }
    return noRoom ?? error;
  }
  function committed(): void {
    if (full) options.log.warn({}, 'the state store can write again');
    full = false;
  }
  async function outerQuery(config: pg.QueryConfig, values: unknown[]): Promise<pg.QueryResult> {
    guard();
    const client = await pool.checkout();
    try {
      const result = await client.query(config, values);
      pool.giveBack(client);
      return result;
    } catch (error) {
      pool.giveBack(client, error);
      throw isConnectionLoss(error) ? storeUnreachable(error, /^\s*select\b/i.test(config.text) ? 'nothing' : 'unknown') : explained(error);
    }
  }
  const db = nodePg.drizzle({ client: { query: outerQuery } as unknown as pg.Pool, schema });
  const { dialect, session } = db as unknown as { dialect: ConstructorParameters<typeof NodePgSession>[1]; session: PlainSession };
  throwPlainErrors(session);
  Object.defineProperty(db, 'transaction', {
    value: () => Promise.reject(new Error('Transactions are opened by Database.transaction, which retries and guards them.')),
  });

  async function once<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await pool.checkout();
    const state = { open: true };
    let failure: unknown;
    const query = async (config: pg.QueryConfig | string, values?: unknown[]): Promise<pg.QueryResult> => {
      if (!state.open) throw new Error('The transaction was used after its end: await everything inside it.');
      if (isConnectionLoss(failure)) throw storeUnreachable(failure, 'nothing');
      try {
        return await client.query(config as pg.QueryConfig, values);
      } catch (error) {
        if (!isConnectionLoss(error)) throw explained(error);
        failure = error;
        throw storeUnreachable(error, 'nothing');
      }
    };
    const txSession = new nodePg.NodePgSession({ query } as unknown as pg.PoolClient, dialect, session.schema, {});
    throwPlainErrors(txSession as unknown as PlainSession);
    const tx = new nodePg.NodePgTransaction(dialect, txSession, session.schema) as unknown as Tx;
    try {
      // One round trip. `set local` also works behind a pooler; the second limit frees the locks of a frozen process.
      await query(`begin; set local statement_timeout = ${queryTimeoutMs}; set local idle_in_transaction_session_timeout = 10000`);
      const result = await scope.run(state, () => fn(tx));
      if (isConnectionLoss(failure)) throw storeUnreachable(failure, 'nothing');
      state.open = false;
      const { command } = await client.query('commit').catch((error: unknown) => {
        failure = error;
        throw isConnectionLoss(error) ? storeUnreachable(error, 'unknown') : explained(error);
      });
      // PostgreSQL answers the COMMIT of a failed transaction with a ROLLBACK and no error.
      if (command !== 'COMMIT')
        throw new Error('A statement failed and its error was swallowed inside the transaction; nothing was saved.');
      committed();
      return result;
    } catch (error) {
      state.open = false;
      if (!isConnectionLoss(failure)) {
        await client.query('rollback').catch((lost: unknown) => {
          failure = lost;
        });
      }
      throw error;
    } finally {
      pool.giveBack(client, failure);
    }
  }

  return {
    db,
    async transaction(fn) {
      guard();
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(fn);
        } catch (error) {
          if (attempt >= maxTries || !isRetryable(error)) throw error;
          options.log.debug({ err: error, attempt }, 'transaction is tried again');
          await sleep(Math.random() * 20 * 2 ** attempt);
        }
      }
    },
    async ping() {
      await outerQuery({ text: 'select 1' }, []);
    },
    isFull: () => full,
    close: () => pool.close(),
  };
}

/** The two members of a drizzle session used here; private in its types. */
interface PlainSession {
  schema: ConstructorParameters<typeof NodePgSession>[2];
  prepareQuery(...args: unknown[]): Record<'execute' | 'all', (...args: unknown[]) => Promise<unknown>>;
}

/** drizzle wraps errors in one whose message lists every parameter, secrets too: callers get the cause itself. */
function throwPlainErrors(session: PlainSession): void {
  const prepareQuery = session.prepareQuery.bind(session);
  session.prepareQuery = (...args) => {
    const prepared = prepareQuery(...args);
    for (const method of ['execute', 'all'] as const) {
      const original = prepared[method].bind(prepared);
      prepared[method] = async (...values) => {
        try {
          return await original(...values);
        } catch (error) {
          throw error instanceof DrizzleQueryError ? (error.cause ?? error) : error;
        }
      };
    }
    return prepared;
  };
}
