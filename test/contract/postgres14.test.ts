import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { dbNow, inMs, moveClock, now } from '../../src/db/clock.ts';
import { type Database, openDb } from '../../src/db/db.ts';
import { isUniqueViolation } from '../../src/db/failures.ts';
import { migrate, projectMigrations, readMigrations } from '../../src/db/migrate.ts';
import { eq, sql } from '../../src/db/query.ts';
import { clockOffset } from '../../src/db/schema/clock.ts';
import { startPostgres14 } from '../helpers/postgres14.ts';
import { createTestTarget } from '../helpers/test-db.ts';
import { databaseAt, runSql } from '../helpers/test-server.ts';

/** What the migrations make, as each server itself describes it. */
const descriptions = {
  columns: `select table_name, column_name, data_type, is_nullable, column_default, is_identity, character_maximum_length
    from information_schema.columns where table_schema = 'public' order by table_name, column_name`,
  // Since 18 not-null constraints are rows too; the columns tell of them on every version.
  constraints: `select conrelid::regclass::text as table_name, conname, contype, pg_get_constraintdef(oid) as definition
    from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n' order by 1, 2`,
  indexes: `select tablename, indexname, indexdef from pg_indexes where schemaname = 'public' order by indexname`,
  functions: `select proname, pg_get_functiondef(p.oid) as definition from pg_proc p
    where pronamespace = 'public'::regnamespace and prokind = 'f' order by proname`,
};

/** npm has PostgreSQL 14 for x64 only. */
const skip = process.arch === 'x64' ? false : `npm has no PostgreSQL 14 for ${process.arch}`;

describe('PostgreSQL 14 over TCP', { skip }, () => {
  let server: Awaited<ReturnType<typeof startPostgres14>>;
  let database: Database;
  before(async () => {
    server = await startPostgres14();
    await runSql({ url: server.url }, 'create database sluice');
    const replicas = [1, 2, 3].map(() => migrate({ ...databaseAt(server.url, 'sluice'), log: silentLog }));
    const applied = (await Promise.all(replicas)).map((result) => result.applied.length);
    assert.deepEqual(
      applied.sort((a, b) => a - b),
      [0, 0, (await readMigrations(projectMigrations)).length],
    );
    database = openDb({ ...databaseAt(server.url, 'sluice'), log: silentLog });
  });
  after(async () => {
    await database?.close();
    await server?.stop();
  });

  it('is 14', async () => {
    const { rows } = await database.db.execute(sql`show server_version_num`);
    assert.match(String(rows[0]?.['server_version_num']), /^14/);
  });

  it('gets the same tables, constraints, indexes and functions as the embedded version', async (t) => {
    const newest = await createTestTarget(t);
    for (const [what, query] of Object.entries(descriptions)) {
      const [old] = await runSql(databaseAt(server.url, 'sluice'), query);
      const [young] = await runSql(newest, query);
      assert.ok(old && old.rows.length > 0, `no ${what}`);
      assert.deepEqual(old.rows, young?.rows, what);
    }
  });

  it('commits, rolls back, upserts and tells unique violations', async () => {
    const { db, transaction } = database;
    await transaction((tx) => tx.insert(clockOffset).values({ id: 2, offsetMs: 1 }));
    await assert.rejects(
      transaction((tx) => tx.insert(clockOffset).values([{ id: 3 }, { id: 2 }])),
      (error) => isUniqueViolation(error, 'clock_offset_pkey'),
    );
    await db
      .insert(clockOffset)
      .values({ id: 2, offsetMs: 9 })
      .onConflictDoUpdate({ target: clockOffset.id, set: { offsetMs: 9 } });
    assert.deepEqual(await db.select().from(clockOffset).where(eq(clockOffset.id, 2)), [{ id: 2, offsetMs: 9 }]);
    await db.delete(clockOffset).where(eq(clockOffset.id, 2));
    assert.equal(await db.$count(clockOffset), 1);
  });

  it('skips rows that another transaction holds', async () => {
    const { db, transaction } = database;
    const free = () => transaction((tx) => tx.select().from(clockOffset).for('update', { skipLocked: true }));
    await transaction(async (tx) => {
      await tx.select().from(clockOffset).for('update');
      // As another process would: outside this transaction's scope.
      const other = openDb({ ...databaseAt(server.url, 'sluice'), log: silentLog });
      const seen = await other.transaction((outer) => outer.select().from(clockOffset).for('update', { skipLocked: true }));
      await other.close();
      assert.deepEqual(seen, []);
    });
    assert.equal((await free()).length, 1);
    assert.equal(await db.$count(clockOffset), 1);
  });

  it('has the clock that tests move', async () => {
    const { db } = database;
    await moveClock(db, 60_000);
    assert.ok(Math.abs((await dbNow(db)).getTime() - Date.now() - 60_000) < 5000);
    const { rows } = await db.execute(sql`select ${inMs(-1)} < ${now} as earlier`);
    assert.deepEqual(rows, [{ earlier: true }]);
    await moveClock(db, -60_000);
  });
});
