import { bigint, integer, jsonb, pgTable, text, timestamp } from './builders.ts';
/** What is known of each cluster, and which replica polls it. */
export const clusterViews = pgTable('cluster_views', {
  cluster: text().primaryKey(),
  flinkVersion: text('flink_version'),
  slotsTotal: integer('slots_total'),
  slotsAvailable: integer('slots_available'),
  taskManagers: integer('task_managers'),
  /** JobManager processes that were seen last (`Deployer.jobManager`), newest first, one a line. */
  jobManager: text('job_manager'),
  /** When it was first seen in place of another one; null: no change was seen so far. */
  jobManagerSince: timestamp('job_manager_since', { withTimezone: true }),
  /** When the cluster last answered. */
  lastOkAt: timestamp('last_ok_at', { withTimezone: true }),
  lastTriedAt: timestamp('last_tried_at', { withTimezone: true }),
  /** Polls without an answer since the last good one. */
  failures: integer().notNull().default(0),
  lastError: text('last_error'),
  owner: text(),
  leaseUntil: timestamp('lease_until', { withTimezone: true }),
  epoch: bigint({ mode: 'number' }).notNull().default(0),
  /** What looking at the data of its jobs has cost it: requests, and milliseconds until their answers. */
  flowRequests: bigint('flow_requests', { mode: 'number' }).notNull().default(0),
  flowMs: bigint('flow_ms', { mode: 'number' }).notNull().default(0),
  flowReadAt: timestamp('flow_read_at', { withTimezone: true }),
  /** Running jobs whose data are to be looked at, and those of them that are looked at too rarely to be judged. */
  flowRuns: integer('flow_runs').notNull().default(0),
  flowLate: integer('flow_late').notNull().default(0),
});

/** How the data of a run flowed when it was last looked at: what a rule has to remember between two looks. */
export const flows = pgTable('flows', {
  runId: text('run_id').primaryKey(),
  readAt: timestamp('read_at', { withTimezone: true }).notNull(),
  /** Milliseconds between the last two looks; 0 when there was one. */
  gapMs: bigint('gap_ms', { mode: 'number' }).notNull().default(0),
  /** By vertex id: `FlowMemory` of watch. */
  memory: jsonb().$type<Record<string, object>>().notNull(),
});

/** What must happen once per tick in a fleet: the winner moves `nextAt`. */
export const schedules = pgTable('schedules', {
  name: text().primaryKey(),
  nextAt: timestamp('next_at', { withTimezone: true }).notNull(),
  lastFiredAt: timestamp('last_fired_at', { withTimezone: true }),
});
