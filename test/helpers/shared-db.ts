import { randomBytes } from 'node:crypto';
import { after, type TestContext } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { type Database, openDb } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import { testServer } from './test-db.ts';
import { databaseAt, runSql } from './test-server.ts';

let shared: ReturnType<typeof open> | undefined;
after(async () => {
  const open = await shared;
  await open?.database.close();
  await open?.drop().catch(() => {});
});

async function open(): Promise<{ database: Database; drop: () => Promise<void> }> {
  const { address, template } = await testServer();
  const admin = databaseAt(address, 'postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runSql(admin, `create database ${name} template ${template}`);
  const database = openDb({ log: silentLog, max: 8, connectTimeoutMs: 20_000, queryTimeoutMs: 20_000, ...databaseAt(address, name) });
  return { database, drop: async () => void (await runSql(admin, `drop database ${name} with (force)`)) };
}

/** One database for all tests of a file, emptied before each: making one takes longer than most tests do. For tests that run one after the other. */
export async function sharedDb(_t: TestContext): Promise<Database> {
  shared ??= open();
  const { database } = await shared;
  await database.db.execute(sql`
    do $$ declare name text; begin
      for name in select tablename from pg_tables where schemaname = 'public' and tablename not in ('clock_offset') loop
        execute format('delete from %I', name);
      end loop;
      update clock_offset set offset_ms = 0;
    end $$`);
  return database;
}
