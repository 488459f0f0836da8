import type { PersonRef } from '../../core/message.ts';
import { customType, index, integer, jsonb, pgTable, primaryKey, text, timestamp } from './builders.ts';

const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });

/** Where a secret is found at the moment it is needed: the name of an environment variable or a file. */
export type SecretRef = { env: string } | { file: string };
export type CredentialRef =
  | { kind: 'none' }
  | { kind: 'password'; username: string; secret: SecretRef }
  | { kind: 'token'; secret: SecretRef }
  | { kind: 'ssh-key'; keyFile: string; knownHostsFile?: string };

/** A git repository from which artifacts are built. */
export const projects = pgTable('projects', {
  name: text().primaryKey(),
  team: text().notNull(),
  url: text().notNull(),
  branch: text(),
  credential: jsonb().$type<CredentialRef>().notNull(),
  /** Maven module (folder), for multi-module builds. */
  module: text(),
  buildArgs: jsonb('build_args').$type<string[]>().notNull().default([]),
  /** File name pattern when a build makes several jars. */
  artifact: text(),
});

/** A file addressed by its SHA-256, with where it came from. */
export const artifacts = pgTable('artifacts', {
  sha256: text().primaryKey(),
  name: text().notNull(),
  /** Bytes. */
  size: integer().notNull(),
  mainClass: text('main_class'),
  source: text().$type<'build' | 'upload' | 'path'>().notNull(),
  project: text(),
  buildId: text('build_id'),
  commit: text(),
  branch: text(),
  createdBy: jsonb('created_by').$type<PersonRef>(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
});

/** The artifact store in the database, for replicas without a shared folder: 1 MiB pieces. */
export const artifactChunks = pgTable(
  'artifact_chunks',
  { sha256: text().notNull(), n: integer().notNull(), data: bytea().notNull() },
  (t) => [primaryKey({ columns: [t.sha256, t.n] })],
);

export const builds = pgTable(
  'builds',
  {
    id: text().primaryKey(),
    project: text().notNull(),
    job: text(),
    operationId: text('operation_id').notNull(),
    branch: text(),
    commit: text(),
    subject: text(),
    state: text().$type<'running' | 'succeeded' | 'failed' | 'canceled'>().notNull(),
    sha256: text(),
    /** Bytes of the artifact. */
    size: integer(),
    /** The log, at most its last MiB. */
    log: text().notNull().default(''),
    startedAt: timestamp('started_at', { withTimezone: true }).notNull(),
    finishedAt: timestamp('finished_at', { withTimezone: true }),
    actor: jsonb().$type<PersonRef>().notNull(),
  },
  (t) => [index('builds_job').on(t.job, t.startedAt)],
);
