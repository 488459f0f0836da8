import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { type Database, openDb } from '../../src/db/db.ts';
import type { PoolOptions } from '../../src/db/pool.ts';
import { sql } from '../../src/db/query.ts';
import { clockOffset } from '../../src/db/schema/clock.ts';
import { type DbProxy, startDbProxy } from '../helpers/db-proxy.ts';
import { createTestDb, createTestTarget } from '../helpers/test-db.ts';

// An error event without a handler would fail these tests as an uncaught exception.

async function throughProxy(t: TestContext, options: Partial<PoolOptions> = {}): Promise<{ database: Database; proxy: DbProxy }> {
  const target = await createTestTarget(t, { beforeDrop: () => database.close() });
  const proxy = await startDbProxy(t, target);
  const database = openDb({ log: silentLog, ...options, ...proxy.target });
  return { database, proxy };
}
const nothingStarted = { name: 'UnreachableError', message: 'The state store does not answer; nothing was started.' };
const killOthers = sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;

describe('connection loss', () => {
  it('of idle connections is survived', async (t) => {
    const bothLost = Promise.withResolvers<void>();
    let lost = 0;
    const log: Log = { ...silentLog, warn: () => void (++lost === 2 && bothLost.resolve()) };
    const database = await createTestDb(t, { max: 3, log });
    const three = () => Promise.all([1, 2, 3].map(() => database.db.execute(sql`select pg_sleep(0.05)`)));
    await three();
    await database.db.execute(killOthers);
    await bothLost.promise;
    await three();
  });

  it('inside a transaction saves nothing and says so', async (t) => {
    const database = await createTestDb(t);
    await assert.rejects(
      database.transaction(async (tx) => {
        await tx.insert(clockOffset).values({ id: 2 });
        await tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`);
      }),
      nothingStarted,
    );
    assert.equal(await database.db.$count(clockOffset), 1);
  });

  it('inside a transaction is reported even if fn swallows it', async (t) => {
    const database = await createTestDb(t);
    await assert.rejects(
      database.transaction((tx) => tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`).catch(() => {})),
      nothingStarted,
    );
    await database.ping();
  });

  it('during COMMIT leaves the outcome open, and fn is not run again', async (t) => {
    const { database, proxy } = await throughProxy(t);
    let runs = 0;
    await assert.rejects(
      database.transaction(async (tx) => {
        runs++;
        await tx.insert(clockOffset).values({ id: 2 });
        proxy.cutAfter('commit');
      }),
      (error) => {
        assert.ok(error instanceof UnreachableError);
        assert.equal(error.details['outcome'], 'unknown');
        assert.match(error.message, /may or may not have been saved/);
        return true;
      },
    );
    assert.equal(runs, 1);
    assert.equal(await database.db.$count(clockOffset), 2, 'the server had committed it');
  });

  it('during a write outside a transaction leaves the outcome open, during a read it does not', async (t) => {
    const { database, proxy } = await throughProxy(t);
    const outcome = (expected: string) => (error: unknown) => error instanceof UnreachableError && error.details['outcome'] === expected;
    proxy.cutAfter('insert into');
    await assert.rejects(async () => database.db.insert(clockOffset).values({ id: 2 }), outcome('unknown'));
    proxy.cutAfter('select');
    await assert.rejects(async () => database.db.select().from(clockOffset), outcome('nothing'));
  });

  it('of a frozen server becomes an error within about 3 s, and it recovers alone', async (t) => {
    const { database, proxy } = await throughProxy(t);
    await database.ping();
    const seconds = async (promise: Promise<unknown>) => {
      const started = performance.now();
      await assert.rejects(promise, nothingStarted);
      return (performance.now() - started) / 1000;
    };
    const frozenInside = database.transaction(async (tx) => {
      await tx.insert(clockOffset).values({ id: 2 });
      proxy.freeze();
      await tx.insert(clockOffset).values({ id: 3 });
    });
    assert.ok((await seconds(frozenInside)) < 5);
    assert.ok((await seconds(database.ping())) < 5);
    proxy.thaw();
    assert.equal(await database.db.$count(clockOffset), 1);
  });

  it('of a server that vanished without a word costs one time limit, not one for each connection', async (t) => {
    const { database, proxy } = await throughProxy(t, { queryTimeoutMs: 500 });
    await Promise.all([1, 2, 3, 4, 5].map(() => database.db.execute(sql`select pg_sleep(0.1)`)));
    proxy.abandon();
    await assert.rejects(database.ping(), nothingStarted);
    const started = performance.now();
    for (let n = 0; n < 10; n++) await database.ping();
    assert.ok(performance.now() - started < 450, `it took ${Math.round(performance.now() - started)} ms`);
  });

  it('to a server that is not there is an error at once', async () => {
    const database = openDb({ log: silentLog, connection: { host: '/nonexistent', user: 'sluice', database: 'sluice' } });
    await assert.rejects(database.ping(), nothingStarted);
    await assert.rejects(
      database.transaction(async () => {}),
      nothingStarted,
    );
    await database.close();
  });

  it('closes within a few seconds though a connection is held', async (t) => {
    const { database, proxy } = await throughProxy(t);
    const entered = Promise.withResolvers<void>();
    const held = database.transaction(async (tx) => {
      entered.resolve();
      proxy.freeze();
      await tx.execute(sql`select 1`);
    });
    held.catch(() => {});
    await entered.promise;
    const started = performance.now();
    await database.close();
    assert.ok(performance.now() - started < 5000);
    await assert.rejects(held, UnreachableError);
  });
});
