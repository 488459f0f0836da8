import type { PersonRef } from '../../core/message.ts';
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, sql, text, timestamp, uniqueIndex } from './builders.ts';

/** The deletion of a savepoint by its retention. */
export interface Disposal {
  /** Names one try; only who holds it writes. */
  claim: string;
  cluster: string;
  /** ISO time of the claim. */
  at: string;
  /** The request may have left. */
  sent: boolean;
  tries: number;
  error?: string;
}

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
  (t) => [
    primaryKey({ columns: [t.runId, t.id] }),
    index('checkpoints_job').on(t.job, t.endedAt),
    index('checkpoints_ended').on(t.endedAt),
    index('checkpoints_failed').on(t.endedAt).where(sql`${t.state} = 'failed'`),
  ],
);

/** What a job's checkpoints usually are, worked out now and then: it is asked at every look. */
export const usualCheckpoints = pgTable('usual_checkpoints', {
  job: text().primaryKey(),
  at: timestamp({ withTimezone: true }).notNull(),
  durationMs: bigint('duration_ms', { mode: 'number' }).notNull(),
  /** Bytes. */
  size: bigint({ mode: 'number' }).notNull(),
  /** Hours of the week in which there was one. */
  hours: integer().notNull(),
});

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
    /** `disposing` while Sluice has it deleted: never chosen again, for it may be half gone; `disposed` afterwards. */
    state: text().$type<'available' | 'vanished' | 'disposing' | 'disposed'>().notNull().default('available'),
    operationId: text('operation_id'),
    /** Somebody wants it kept for good. */
    pinned: jsonb().$type<{ by: PersonRef; reason: string | null; at: string }>(),
    /** It was told that it goes: not before this moment. */
    goesAt: timestamp('goes_at', { withTimezone: true }),
    /** Outbox id of the message that told of it. */
    toldBy: text('told_by'),
    /** The version of that message that names it first. */
    toldVersion: integer('told_version'),
    disposal: jsonb().$type<Disposal>(),
  },
  (t) => [
    uniqueIndex('restore_points_path').on(t.job, t.path),
    index('restore_points_job').on(t.job, t.takenAt),
    index('restore_points_run').on(t.runId),
    index('restore_points_going').on(t.goesAt).where(sql`${t.goesAt} is not null`),
  ],
);
