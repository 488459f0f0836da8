import type { PersonRef } from '../../core/message.ts';
import { bigint, index, integer, jsonb, pgTable, primaryKey, sql, text, timestamp, uniqueIndex } from './builders.ts';

/** A problem with a job or a cluster, opened once per key. */
export const incidents = pgTable(
  'incidents',
  {
    id: text().primaryKey(),
    /** For example `job:etl-orders:failed`, `cluster:standalone:unreachable`. */
    key: text().notNull(),
    job: text(),
    cluster: text(),
    cause: text().notNull(),
    state: text().$type<'firing' | 'resolved'>().notNull(),
    title: text().notNull(),
    facts: jsonb().$type<Record<string, unknown>>().notNull(),
    runId: text('run_id'),
    messageId: text('message_id').notNull(),
    occurrences: integer().notNull().default(1),
    firstSeen: timestamp('first_seen', { withTimezone: true }).notNull(),
    lastSeen: timestamp('last_seen', { withTimezone: true }).notNull(),
    ackedBy: jsonb('acked_by').$type<PersonRef>(),
    ackedAt: timestamp('acked_at', { withTimezone: true }),
    resolvedAt: timestamp('resolved_at', { withTimezone: true }),
    resolution: text(),
  },
  (t) => [uniqueIndex('incidents_open_key').on(t.key).where(sql`${t.state} = 'firing'`), index('incidents_job').on(t.job, t.firstSeen)],
);

/** The timeline of an incident, also its Slack thread. */
export const incidentEvents = pgTable(
  'incident_events',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    incidentId: text('incident_id').notNull(),
    at: timestamp({ withTimezone: true }).notNull(),
    text: text().notNull(),
  },
  (t) => [index('incident_events_incident').on(t.incidentId, t.id)],
);

/** One checkpoint digest per channel and day. */
export const digests = pgTable(
  'digests',
  {
    channel: text().notNull(),
    /** `2026-11-25` in the digest's time zone. */
    day: text().notNull(),
    /** Grows when a job joins or leaves the list: a new post then. */
    edition: integer().notNull(),
    messageId: text('message_id').notNull(),
    /** Names of the jobs worth reading. */
    listed: jsonb().$type<string[]>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.channel, t.day] })],
);
