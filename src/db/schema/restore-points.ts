import { bigint, boolean, index, integer, pgTable, text, timestamp, uniqueIndex } from './builders.ts';
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
