import { randomBytes } from 'node:crypto';
import { after, type TestContext } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import type { Target } from '../../src/db/connection.ts';
import { type Database, openDb } from '../../src/db/db.ts';
import type { PoolOptions } from '../../src/db/pool.ts';
import { databaseAt, runSql, startTestServer, type TestServer } from './test-server.ts';

let own: Promise<TestServer> | undefined;
// For a file that is run alone, without the global setup.
after(async () => {
  await (await own)?.stop();
});

/** The run's server, or one that this process starts for itself and stops after its last test. */
export async function testServer(): Promise<Pick<TestServer, 'address' | 'template'>> {
  const { SLUICE_TEST_PG: address, SLUICE_TEST_TEMPLATE: template, TEST_DATABASE_URL: url } = process.env;
  if (address && template) return { address, template };
  own ??= startTestServer(url);
  return own;
}

/** Clones the migrated template (or an empty database); the copy is dropped after the test, or kept if that failed (its name is printed). */
export async function createTestTarget(
  t: TestContext,
  options: { empty?: boolean; beforeDrop?: () => Promise<void> } = {},
): Promise<Target> {
  const { address, template } = await testServer();
  const admin = databaseAt(address, 'postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runSql(admin, options.empty ? `create database ${name}` : `create database ${name} template ${template}`);
  t.after(async () => {
    await options.beforeDrop?.();
    // `passed` is documented by Node but missing in its types.
    if ((t as TestContext & { passed: boolean }).passed) await runSql(admin, `drop database ${name} with (force)`);
    else t.diagnostic(`the database ${name} at ${address} is kept`);
  });
  return databaseAt(address, name);
}

/** A database of its own for one test, all migrations applied; closed and dropped after it. */
export async function createTestDb(t: TestContext, options: Partial<PoolOptions> = {}): Promise<Database> {
  const target = await createTestTarget(t, { beforeDrop: () => database.close() });
  const database = openDb({ log: silentLog, max: 5, ...options, ...target });
  return database;
}
