import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { dbNow, inMs, moveClock, now } from '../../src/db/clock.ts';
import { isUniqueViolation, sqlState } from '../../src/db/failures.ts';
import { eq, sql } from '../../src/db/query.ts';
import { clockOffset } from '../../src/db/schema/clock.ts';
import { createTestDb } from '../helpers/test-db.ts';

describe('transaction', () => {
  it('commits what fn wrote and rolls back when fn throws', async (t) => {
    const { db, transaction } = await createTestDb(t);
    const result = await transaction(async (tx) => {
      await tx.insert(clockOffset).values({ id: 2, offsetMs: 5 });
      return 'done';
    });
    assert.equal(result, 'done');
    await assert.rejects(
      transaction(async (tx) => {
        await tx.insert(clockOffset).values({ id: 3 });
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    const rows = await db.select({ id: clockOffset.id }).from(clockOffset).orderBy(clockOffset.id);
    assert.deepEqual(rows, [{ id: 1 }, { id: 2 }]);
  });

  it('rolls an inner transaction back to its savepoint only', async (t) => {
    const { db, transaction } = await createTestDb(t);
    await transaction(async (tx) => {
      await tx.insert(clockOffset).values({ id: 2 });
      await assert.rejects(
        tx.transaction(async (inner) => {
          await inner.insert(clockOffset).values({ id: 3 });
          throw new Error('inner');
        }),
        /inner/,
      );
    });
    assert.equal(await db.$count(clockOffset), 2);
  });

  it('refuses the outer database, and a second transaction, inside an open one', async (t) => {
    const { db, transaction, ping } = await createTestDb(t);
    const outer = /outer database was used inside an open transaction/;
    await assert.rejects(
      transaction(async (tx) => {
        await tx.select().from(clockOffset);
        await db.select().from(clockOffset);
      }),
      outer,
    );
    await assert.rejects(
      transaction(() => transaction(async () => {})),
      outer,
    );
    await ping();
  });

  it('refuses its tx after the end', async (t) => {
    const { transaction } = await createTestDb(t);
    const escaped = await transaction(async (tx) => ({ tx }));
    await assert.rejects(async () => escaped.tx.select().from(clockOffset), /used after its end/);
  });

  it('does not report success when a failed statement was swallowed', async (t) => {
    const { db, transaction } = await createTestDb(t);
    await assert.rejects(
      transaction(async (tx) => {
        await tx.insert(clockOffset).values({ id: 2 });
        await tx
          .insert(clockOffset)
          .values({ id: 1 })
          .catch(() => {});
      }),
      /swallowed/,
    );
    assert.equal(await db.$count(clockOffset), 1);
  });

  it('tries again after a deadlock, so that both of two crossing updates succeed', async (t) => {
    const { db, transaction } = await createTestDb(t, { queryTimeoutMs: 10_000 });
    await db.insert(clockOffset).values({ id: 2 });
    const met = Promise.withResolvers<void>();
    let waiting = 0;
    let runs = 0;
    const cross = (first: number, second: number) =>
      transaction(async (tx) => {
        runs++;
        const add = (id: number) =>
          tx
            .update(clockOffset)
            .set({ offsetMs: sql`${clockOffset.offsetMs} + 1` })
            .where(eq(clockOffset.id, id));
        await add(first);
        if (++waiting === 2) met.resolve();
        await met.promise;
        await add(second);
      });
    await Promise.all([cross(1, 2), cross(2, 1)]);
    assert.equal(runs, 3, 'the deadlock did not happen');
    const rows = await db.select({ offsetMs: clockOffset.offsetMs }).from(clockOffset);
    assert.deepEqual(rows, [{ offsetMs: 2 }, { offsetMs: 2 }]);
  });

  it('gives up after five tries', async (t) => {
    const { transaction } = await createTestDb(t);
    let tries = 0;
    const failing = transaction(async (tx) => {
      tries++;
      await tx.execute(sql`do $$ begin raise exception 'busy' using errcode = '40001'; end $$`);
    });
    await assert.rejects(failing, (error) => sqlState(error) === '40001');
    assert.equal(tries, 5);
  });
});

describe('errors', () => {
  it('tells a unique violation by its constraint, also from inside a transaction', async (t) => {
    const { db, transaction } = await createTestDb(t);
    const insert = db.insert(clockOffset).values({ id: 1 });
    await assert.rejects(
      async () => insert,
      (error) => {
        assert.ok(isUniqueViolation(error));
        assert.ok(isUniqueViolation(error, 'clock_offset_pkey'));
        assert.ok(!isUniqueViolation(error, 'another'));
        assert.ok(isUniqueViolation(new Error('wrapped', { cause: error })));
        return true;
      },
    );
    await assert.rejects(
      transaction((tx) => tx.insert(clockOffset).values({ id: 1 })),
      (error) => isUniqueViolation(error, 'clock_offset_pkey'),
    );
    assert.ok(!isUniqueViolation(new Error('no')) && !isUniqueViolation(undefined));
  });

  it('keeps the parameters of a failed statement out of the message', async (t) => {
    const { db } = await createTestDb(t);
    await assert.rejects(
      async () => db.execute(sql`select ${'hunter2'}::text from nowhere`),
      (error: Error) => {
        assert.ok(!`${error.message} ${error.stack}`.includes('hunter2'));
        assert.match(error.message, /nowhere/);
        return true;
      },
    );
  });

  it('cuts a statement that runs too long and serves the next one', async (t) => {
    const { db, transaction } = await createTestDb(t, { queryTimeoutMs: 300, max: 1 });
    await assert.rejects(async () => db.execute(sql`select pg_sleep(30)`), UnreachableError);
    await assert.rejects(
      transaction((tx) => tx.execute(sql`select pg_sleep(30)`)),
      UnreachableError,
    );
    assert.equal(await db.$count(clockOffset), 1);
  });

  it('waits a bounded time for a free connection', async (t) => {
    const { db, transaction } = await createTestDb(t, { max: 1, connectTimeoutMs: 200 });
    const release = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const holder = transaction(async () => {
      entered.resolve();
      await release.promise;
    });
    await entered.promise;
    await assert.rejects(async () => db.select().from(clockOffset), /state store does not answer; nothing was started/);
    release.resolve();
    await holder;
    assert.equal(await db.$count(clockOffset), 1);
  });
});

describe('clock', () => {
  it('is the present, and moves for every reader when a test moves it', async (t) => {
    const { db } = await createTestDb(t);
    assert.ok(Math.abs((await dbNow(db)).getTime() - Date.now()) < 5000);
    await moveClock(db, 3_600_000);
    await moveClock(db, -600_000);
    assert.ok(Math.abs((await dbNow(db)).getTime() - Date.now() - 3_000_000) < 5000);
    const { rows } = await db.execute(sql`select ${now} < ${inMs(1000)} as later, ${inMs(-1000)} < ${now} as earlier`);
    assert.deepEqual(rows, [{ later: true, earlier: true }]);
  });

  it('goes on inside a transaction', async (t) => {
    const { transaction } = await createTestDb(t);
    await transaction(async (tx) => {
      const first = await dbNow(tx);
      await tx.execute(sql`select pg_sleep(0.02)`);
      assert.ok((await dbNow(tx)) > first);
    });
  });
});
