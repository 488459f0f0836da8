import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { z } from 'zod';
import { ConfigError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { driverConfig, type Target } from './connection.ts';
import { isConnectionLoss, storeUnreachable } from './failures.ts';

export type MigrateOptions = Target & {
  log: Log;
  /** The folder that drizzle-kit writes; the project's `migrations/` by default. */
  folder?: string;
};
interface Migration {
  tag: string;
  /** Milliseconds; orders the migrations and names them in the database. */
  when: number;
  hash: string;
  statements: string[];
}

/** The project's migrations, as drizzle-kit writes them. */
export const projectMigrations = fileURLToPath(new URL('../../migrations', import.meta.url));
const journalSchema = z.object({ entries: z.array(z.object({ tag: z.string(), when: z.number() })) });
/** Key of the transaction's advisory lock: the replicas that start at once migrate one after the other. */
const lockKey = 7_514_201_803;

/**
 * Brings the database to the newest migration, all pending ones in one transaction. Keeps drizzle's own table
 * (`drizzle.__drizzle_migrations`) and hash; a database newer than this program is left as it is.
 * @returns the tags that were applied now.
 * @throws ConfigError if a file differs from what was applied, or the order is broken; UnreachableError.
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(options.folder ?? projectMigrations);
  const client = new pg.Client({ ...driverConfig(options), connectionTimeoutMillis: 5000, query_timeout: 300_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    // Waits for the other replicas; a lock held for minutes by something else is an error.
    await client.query(`begin; set local lock_timeout = '120s'; set local client_min_messages = warning`);
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await client.query('create schema if not exists drizzle');
    await client.query(
      'create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
    );
    const { rows } = await client.query<{ hash: string; created_at: string }>('select hash, created_at from drizzle.__drizzle_migrations');
    const done = new Map(rows.map((row) => [Number(row.created_at), row.hash]));
    const pending = pendingOf(migrations, done, options.log);
    for (const migration of pending) {
      for (const statement of migration.statements) await client.query(statement);
      const insert = 'insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)';
      await client.query(insert, [migration.hash, migration.when]);
      options.log.info({ migration: migration.tag }, 'migration applied');
    }
    await client.query('commit');
    return { applied: pending.map((migration) => migration.tag) };
  } catch (error) {
    throw isConnectionLoss(error) ? storeUnreachable(error, 'nothing') : error;
  } finally {
    // Ends the transaction too, if it is still open.
    await client.end().catch(() => {});
  }
}

/**
 * Reads the journal and its files.
 * @throws ConfigError if a file is missing or the times do not rise: drizzle's own runner would skip such a migration silently.
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const journal = journalSchema.parse(JSON.parse(await readFile(join(folder, 'meta/_journal.json'), 'utf8')));
  const migrations: Migration[] = [];
  for (const { tag, when } of journal.entries) {
    const before = migrations.at(-1);
    if (before && before.when >= when) {
      throw new ConfigError(`The migration ${tag} is dated before ${before.tag}.`, { hint: 'Generate it again: npm run db:generate.' });
    }
    const text = await readFile(join(folder, `${tag}.sql`), 'utf8').catch((cause) => {
      throw new ConfigError(`The file of the migration ${tag} is missing.`, { cause, hint: 'Restore it from the repository.' });
    });
    migrations.push({
      tag,
      when,
      hash: createHash('sha256').update(text).digest('hex'),
      statements: text.split('--> statement-breakpoint').filter((part) => part.trim() !== ''),
    });
  }
  return migrations;
}

/** What is not applied yet. @throws ConfigError if the files and the table tell different histories. */
function pendingOf(migrations: readonly Migration[], done: ReadonlyMap<number, string>, log: Log): Migration[] {
  const newest = Math.max(0, ...done.keys());
  const pending: Migration[] = [];
  for (const migration of migrations) {
    const hash = done.get(migration.when);
    if (hash === undefined && migration.when < newest) {
      throw new ConfigError(`The migration ${migration.tag} is older than others that the database already has.`, {
        hint: 'Generate it again (npm run db:generate), so that it comes last.',
      });
    }
    if (hash !== undefined && hash !== migration.hash) {
      throw new ConfigError(`The migration ${migration.tag} is not the one that made this database: its file was changed afterwards.`, {
        hint: 'Restore the file from the repository; changes go into a new migration.',
        details: { applied: hash, file: migration.hash },
      });
    }
    if (hash === undefined) pending.push(migration);
  }
  const known = new Set(migrations.map((migration) => migration.when));
  const foreign = [...done.keys()].filter((when) => !known.has(when));
  const last = migrations.at(-1)?.when ?? 0;
  if (foreign.some((when) => when < last)) {
    throw new ConfigError('The database has migrations that this Sluice does not know.', {
      hint: 'Is it the database of another program or branch? Check DATABASE_URL.',
    });
  }
  if (foreign.length > 0) log.warn({ count: foreign.length }, 'the database is newer than this Sluice');
  return pending;
}
