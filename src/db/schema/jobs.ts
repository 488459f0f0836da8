import type { PersonRef } from '../../core/message.ts';
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, sql, text, timestamp, uniqueIndex } from './builders.ts';

/** The whole definition of a job at one version. Flink options are kept under the newest key name. */
export interface JobDefinition {
  cluster: string;
  environment: 'production' | 'development';
  /** SHA-256 of the artifact; absent until the first build or upload. */
  artifact?: string;
  mainClass?: string;
  args: string[];
  parallelism?: number;
  /** Flink duration, for example `10s`; absent: the cluster's default. */
  checkpointInterval?: string;
  /** How far a crash may set it back, for example `15 min`; absent: the team's, else the installation's. */
  recoverableWithin?: string;
  /** How long it may be without records, without a moving watermark, or held back, before that is told: a duration, or `off`. */
  noDataAfter?: string;
  watermarkAfter?: string;
  backpressureAfter?: string;
  /** How many times its usual checkpoint one may be before that is told: `3`, or `off`. */
  checkpointGrowth?: string;
  /** How long it may restart before anybody is told, for example `2 min`; absent: the team's, else the installation's. */
  restartingFor?: string;
  /** How many restarts within 15 minutes are told: `5`, or `off`. */
  restartLoop?: string;
  checkpointDir?: string;
  savepointDir?: string;
  restartStrategy?: { kind: 'none' } | { kind: 'fixed-delay'; attempts: number; delay: string } | { kind: 'exponential-delay' };
  stateBackend?: 'hashmap' | 'rocksdb';
  /** Any other Flink key. */
  flink: Record<string, string>;
  /** Slack channel id where the job speaks. */
  channel?: string;
  alertChannel?: string;
  /** Words to find and silence jobs by, lower case, sorted. */
  tags?: string[];
  /** How many savepoints are kept; absent: the installation's default. */
  keepSavepoints?: number | 'all';
  /** For how long savepoints are kept, for example `30d`; absent: the installation's default. */
  keepSavepointsFor?: string;
  links: { label: string; url: string }[];
}

export const jobs = pgTable('jobs', {
  name: text().primaryKey(),
  team: text().notNull(),
  kind: text().$type<'jar' | 'sql' | 'python'>().notNull(),
  mode: text().$type<'streaming' | 'batch'>().notNull(),
  project: text(),
  currentVersion: integer('current_version').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
});

/** Immutable numbered snapshots; editing makes the next one. */
export const jobVersions = pgTable(
  'job_versions',
  {
    job: text().notNull(),
    number: integer().notNull(),
    definition: jsonb().$type<JobDefinition>().notNull(),
    /** What made it: `set`, `build`, `form`, `apply`, `upload`. */
    origin: text().notNull(),
    note: text(),
    createdBy: jsonb('created_by').$type<PersonRef>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.job, t.number] })],
);

export interface CheckpointFact {
  id: number;
  path: string | undefined;
  /** Bytes; undefined where Flink does not tell. */
  size?: number | undefined;
  durationMs: number;
  /** ISO time of the latest acknowledgement. */
  at: string;
}

/**
 * Flink's `execution.checkpointing.externalized-checkpoint-retention`: kept also after a cancel; only after a failure; never (Flink's default). When a job finishes
 * none is kept.
 */
export type CheckpointRetention = 'RETAIN_ON_CANCELLATION' | 'DELETE_ON_CANCELLATION' | 'NO_EXTERNALIZED_CHECKPOINTS';

/** One execution of a job version. A run is over only when its end is proven. */
export const runs = pgTable(
  'runs',
  {
    id: text().primaryKey(),
    job: text().notNull(),
    version: integer().notNull(),
    cluster: text().notNull(),
    flinkJobId: text('flink_job_id').notNull(),
    /** The application that it is part of, on a cluster of several: a YARN's. */
    application: text(),
    /** Since when its application does not answer although the cluster does; null: it answers. */
    silentSince: timestamp('silent_since', { withTimezone: true }),
    operationId: text('operation_id').notNull(),
    /** Last proven state: Flink's own names, or STARTING (not yet submitted), LOST (gone from a cluster that answers). */
    state: text().notNull(),
    /** When `state` was written. Read through runs.store.ts it is when it was last proven: a poll that finds all as before writes nothing here. */
    stateAt: timestamp('state_at', { withTimezone: true }).notNull(),
    /** Why the run is over: `stopped`, `canceled`, `finished`, `failed`, `lost`, `never-started`. */
    endReason: text('end_reason'),
    ended: boolean().notNull().default(false),
    endedAt: timestamp('ended_at', { withTimezone: true }),
    /** The end needs nobody's attention any more: an incident tells of it, or nobody has to know. */
    endTold: boolean('end_told').notNull().default(false),
    startedBy: jsonb('started_by').$type<PersonRef>().notNull(),
    startedAt: timestamp('started_at', { withTimezone: true }).notNull(),
    /** When every vertex ran for the first time. */
    runningAt: timestamp('running_at', { withTimezone: true }),
    flinkVersion: text('flink_version'),
    /** How it began: `fresh`, `resume`, `upgrade`, `restore`. */
    beginning: text().$type<'fresh' | 'resume' | 'upgrade' | 'restore'>().notNull(),
    restoredFrom: text('restored_from'),
    tasksRunning: integer('tasks_running').notNull().default(0),
    tasksTotal: integer('tasks_total').notNull().default(0),
    restarts: integer().notNull().default(0),
    lastCheckpoint: jsonb('last_checkpoint').$type<CheckpointFact>(),
    checkpointsReadAt: timestamp('checkpoints_read_at', { withTimezone: true }),
    /** Milliseconds between checkpoints; null: not known yet, 0: checkpointing is off. */
    checkpointIntervalMs: integer('checkpoint_interval_ms'),
    /** Which of its checkpoints Flink keeps when it ends, as Flink calls it; null: not known. */
    checkpointRetention: text('checkpoint_retention').$type<CheckpointRetention>(),
    failedCheckpoints: integer('failed_checkpoints').notNull().default(0),
    rootException: jsonb('root_exception').$type<{ name: string; message: string; at: string; task: string | null }>(),
    /** First-checkpoint fact of watch: `waiting`, `seen`, `overdue`, `off`. */
    firstCheckpoint: text('first_checkpoint').$type<'waiting' | 'seen' | 'overdue' | 'off'>().notNull().default('waiting'),
    /** Of a run that is lost: the JobManager was restarted since it began, or it is gone from one that was not. */
    lostBy: text('lost_by').$type<'restart' | 'removal'>(),
    /** Its end was recorded among many: its root exception and last checkpoints are still to be read from Flink. */
    lastWordsDue: boolean('last_words_due').notNull().default(false),
    /** What its program calls itself, by Flink; null: not seen yet. */
    flinkName: text('flink_name'),
    /** After its end: a live job there of that name that Sluice did not start. */
    twin: jsonb().$type<{ flinkJobId: string; startedAt: string }>(),
    /** Transaction that wrote the row last: watch reads only what changed since it looked. */
    changedIn: bigint('changed_in', { mode: 'number' }).notNull().default(sql`pg_current_xact_id()::text::bigint`),
  },
  (t) => [
    uniqueIndex('runs_flink_job').on(t.cluster, t.flinkJobId),
    index('runs_job').on(t.job, t.startedAt),
    index('runs_live').on(t.cluster, t.ended),
    index('runs_flink').on(t.cluster, t.flinkJobId),
    index('runs_changed').on(t.cluster, t.changedIn),
    index('runs_last_words').on(t.cluster).where(sql`${t.lastWordsDue}`),
    index('runs_flink_name').on(t.cluster, t.flinkName),
    index('runs_twins').on(t.cluster).where(sql`${t.twin} is not null`),
    index('runs_untold').on(t.cluster).where(sql`${t.ended} and not ${t.endTold}`),
  ],
);
