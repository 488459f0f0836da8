import { bigint, boolean, index, integer, pgTable, primaryKey, text, timestamp, uniqueIndex } from './builders.ts';
/** Every checkpoint and savepoint of a run that completed or failed, once, as long as housekeeping keeps it. */
export const checkpoints = pgTable(
  'checkpoints',
  {
    runId: text('run_id').notNull(),
    /** Flink's number; savepoints count along. */
    id: bigint({ mode: 'number' }).notNull(),
    job: text().notNull(),
    kind: text().$type<'checkpoint' | 'savepoint'>().notNull(),
    state: text().$type<'completed' | 'failed'>().notNull(),
    triggeredAt: timestamp('triggered_at', { withTimezone: true }).notNull(),
    /** When the last task acknowledged it, or when it failed. */
    endedAt: timestamp('ended_at', { withTimezone: true }).notNull(),
    durationMs: bigint('duration_ms', { mode: 'number' }).notNull(),
    /** Bytes of the whole state, and of what was written for it; null when it failed. */
    size: bigint({ mode: 'number' }),
    written: bigint({ mode: 'number' }),
    /** Bytes in flight while it was aligned: worked off, and written. */
    processed: bigint({ mode: 'number' }),
    persisted: bigint({ mode: 'number' }),
    unaligned: boolean(),
    path: text(),
    failure: text(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.id] }), index('checkpoints_job').on(t.job, t.endedAt)],
);

/** Savepoints and retained checkpoints of runs. */
export const restorePoints = pgTable(
  'restore_points',
  {
    id: text().primaryKey(),
    job: text().notNull(),
    runId: text('run_id').notNull(),
    version: integer().notNull(),
    kind: text().$type<'savepoint' | 'checkpoint'>().notNull(),
    path: text().notNull(),
    /** Bytes, when known. */
    size: bigint({ mode: 'number' }),
    durationMs: integer('duration_ms'),
    takenAt: timestamp('taken_at', { withTimezone: true }).notNull(),
    flinkVersion: text('flink_version'),
    checkpointId: integer('checkpoint_id'),
    /** The last state of its run. */
    final: boolean().notNull().default(false),
    /** `vanished` when Flink subsumed it or the file is gone. */
    state: text().$type<'available' | 'vanished'>().notNull().default('available'),
    operationId: text('operation_id'),
  },
  (t) => [uniqueIndex('restore_points_path').on(t.job, t.path), index('restore_points_job').on(t.job, t.takenAt)],
);
