import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConfigError, UnreachableError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { run } from '../../src/core/process.ts';
import { migrate, projectMigrations, readMigrations } from '../../src/db/migrate.ts';
import { createTestTarget, testServer } from '../helpers/test-db.ts';
import { runSql } from '../helpers/test-server.ts';

const log = silentLog;

/** A copy of the project's migrations that a test may spoil, with a function that adds one. */
async function copyOfMigrations(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-migrations-'));
  t.after(() => rm(folder, { recursive: true }));
  await cp(projectMigrations, folder, { recursive: true });
  const journalFile = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(await readFile(journalFile, 'utf8')) as { entries: { tag: string; when: number }[] };
  const lastWhen = journal.entries.at(-1)?.when ?? 0;
  async function add(tag: string, when: number, text: string, at = journal.entries.length) {
    journal.entries.splice(at, 0, { ...journal.entries[0], tag, when });
    await writeFile(join(folder, `${tag}.sql`), text);
    await writeFile(journalFile, JSON.stringify(journal));
  }
  return { folder, lastWhen, firstWhen: journal.entries[0]?.when ?? 0, firstTag: journal.entries[0]?.tag ?? '', add };
}

describe('migrate', () => {
  it('applies every migration once, with the hashes that drizzle would store', async (t) => {
    const target = await createTestTarget(t, { empty: true });
    const all = await readMigrations(projectMigrations);
    assert.deepEqual(
      (await migrate({ ...target, log })).applied,
      all.map((migration) => migration.tag),
    );
    assert.deepEqual((await migrate({ ...target, log })).applied, []);
    const [table] = await runSql(target, 'select hash, created_at::float8 as when from drizzle.__drizzle_migrations order by id');
    assert.deepEqual(
      table?.rows,
      all.map(({ hash, when }) => ({ hash, when })),
    );
    const [clock] = await runSql(target, 'select abs(extract(epoch from sluice_now() - clock_timestamp())) < 1 as right');
    assert.deepEqual(clock?.rows, [{ right: true }]);
  });

  it('is run by one of three processes that start at once, and the others wait', async (t) => {
    const target = await createTestTarget(t, { empty: true });
    const [name] = await runSql(target, 'select current_database() as database');
    const { address } = await testServer();
    const script = fileURLToPath(new URL('../helpers/migrate-once.ts', import.meta.url));
    const args = [script, address, String(name?.rows[0].database), String(Date.now() + 1500)];
    const results = await Promise.all([1, 2, 3].map(() => run(process.execPath, args, { timeoutMs: 60_000 })));
    assert.deepEqual(
      results.map((result) => result.code),
      [0, 0, 0],
      results.flatMap((result) => result.tail).join('\n'),
    );
    const count = (await readMigrations(projectMigrations)).length;
    assert.deepEqual(
      results.map((result) => Number(result.stdout)).sort((a, b) => a - b),
      [0, 0, count],
    );
  });

  it('is race-safe on many connections, time and again', async (t) => {
    for (let round = 0; round < 5; round++) {
      const target = await createTestTarget(t, { empty: true });
      const results = await Promise.all(Array.from({ length: 6 }, () => migrate({ ...target, log })));
      assert.equal(results.filter((result) => result.applied.length > 0).length, 1);
    }
  });

  it('refuses a file that was changed after it was applied', async (t) => {
    const target = await createTestTarget(t);
    const { folder, firstTag } = await copyOfMigrations(t);
    const file = join(folder, `${firstTag}.sql`);
    await writeFile(file, `${await readFile(file, 'utf8')}-- a harmless remark\n`);
    await assert.rejects(migrate({ ...target, log, folder }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, new RegExp(`${firstTag} is not the one that made this database`));
      return true;
    });
  });

  it('refuses a migration that was merged late with an older date', async (t) => {
    const target = await createTestTarget(t);
    const { folder, firstWhen, add } = await copyOfMigrations(t);
    await add('0000_late', firstWhen - 1, 'select 1', 0);
    await assert.rejects(migrate({ ...target, log, folder }), /0000_late is older than others/);
  });

  it('refuses a journal whose dates do not rise, and a missing file', async (t) => {
    const target = await createTestTarget(t);
    const { folder, lastWhen, add } = await copyOfMigrations(t);
    await add('0098_same', lastWhen, 'select 1');
    await assert.rejects(migrate({ ...target, log, folder }), /0098_same is dated before/);
    const other = await copyOfMigrations(t);
    await rm(join(other.folder, `${other.firstTag}.sql`));
    await assert.rejects(migrate({ ...target, log, folder: other.folder }), /file of the migration .* is missing/);
  });

  it('leaves nothing of a run in which a statement fails', async (t) => {
    const target = await createTestTarget(t);
    const { folder, lastWhen, add } = await copyOfMigrations(t);
    await add('0098_good', lastWhen + 1, 'create table half_done (id integer)');
    await add('0099_bad', lastWhen + 2, 'create table half_done (id integer)');
    await assert.rejects(migrate({ ...target, log, folder }), /already exists/);
    const [found] = await runSql(target, `select to_regclass('half_done') as name`);
    assert.deepEqual(found?.rows, [{ name: null }]);
  });

  it('leaves a database that is newer than this program as it is', async (t) => {
    const target = await createTestTarget(t);
    const { folder, lastWhen, add } = await copyOfMigrations(t);
    await add('0099_next_version', lastWhen + 1, 'create table of_the_next_version (id integer)');
    assert.deepEqual((await migrate({ ...target, log, folder })).applied, ['0099_next_version']);
    assert.deepEqual((await migrate({ ...target, log })).applied, []);
  });

  it('says that the store does not answer when it is not there', async () => {
    const connection = { host: '/nonexistent', user: 'sluice', database: 'sluice' };
    await assert.rejects(migrate({ connection, log }), UnreachableError);
  });
});
