import type { PersonRef } from '../../core/message.ts';
import { bigint, index, integer, jsonb, pgTable, primaryKey, sql, text, timestamp, uniqueIndex } from './builders.ts';

/** The silence that an incident fell under. */
export interface SilenceFact {
  id: string;
  by: PersonRef;
  reason: string;
  /** ISO time. */
  until: string;
}

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
    /** `pending`: it may pass by itself, so nobody was told yet. */
    state: text().$type<'pending' | 'firing' | 'resolved'>().notNull(),
    title: text().notNull(),
    facts: jsonb().$type<Record<string, unknown>>().notNull(),
    runId: text('run_id'),
    /** Outbox id; absent while nobody is told: pending, or silenced. */
    messageId: text('message_id'),
    /** Where it is told (Slack channel ids). */
    channel: text(),
    fallbackChannels: jsonb('fallback_channels').$type<string[]>().notNull().default([]),
    /** Root exception without what differs from time to time; what is equal is one problem. */
    fingerprint: text(),
    /** The incident in whose message this one is told. */
    leaderId: text('leader_id'),
    /** How many joined it, when the last did, and how many of them its message counts. */
    joined: integer().notNull().default(0),
    joinedAt: timestamp('joined_at', { withTimezone: true }),
    painted: integer().notNull().default(0),
    /** When a pending one is told; of one that is told, when it was, the last time it came. */
    fireAt: timestamp('fire_at', { withTimezone: true }),
    /** Told to be quiet about; ends with the silence. */
    silenced: jsonb().$type<SilenceFact>(),
    /** How often it came back shortly after it was over. */
    comebacks: integer().notNull().default(0),
    /** When people were last called to it because nobody looked after it; null since it was told. */
    calledAt: timestamp('called_at', { withTimezone: true }),
    /** When those were called to whom it goes when nobody comes for long; null since it was told. */
    escalatedAt: timestamp('escalated_at', { withTimezone: true }),
    occurrences: integer().notNull().default(1),
    firstSeen: timestamp('first_seen', { withTimezone: true }).notNull(),
    lastSeen: timestamp('last_seen', { withTimezone: true }).notNull(),
    ackedBy: jsonb('acked_by').$type<PersonRef>(),
    ackedAt: timestamp('acked_at', { withTimezone: true }),
    ackReason: text('ack_reason'),
    /** When it counts no more by itself; null: with the incident. */
    ackUntil: timestamp('ack_until', { withTimezone: true }),
    resolvedAt: timestamp('resolved_at', { withTimezone: true }),
    resolution: text(),
  },
  (t) => [
    uniqueIndex('incidents_open_key').on(t.key).where(sql`${t.state} <> 'resolved'`),
    index('incidents_job').on(t.job, t.firstSeen),
    index('incidents_key').on(t.key, t.resolvedAt),
    index('incidents_message').on(t.messageId),
    index('incidents_resolved').on(t.resolvedAt),
    index('incidents_leader').on(t.leaderId),
    index('incidents_ack_until').on(t.ackUntil).where(sql`${t.ackUntil} is not null`),
    index('incidents_unpainted').on(t.id).where(sql`${t.joined} > ${t.painted}`),
  ],
);

/** Somebody asked that nobody is called for a job, a cluster, a team or a tag for a while. */
export const silences = pgTable(
  'silences',
  {
    id: text().primaryKey(),
    scope: text().$type<'job' | 'cluster' | 'team' | 'tag'>().notNull(),
    name: text().notNull(),
    /** Of a tag: the teams whose jobs it covers; null: those of every team. */
    teams: jsonb().$type<string[]>(),
    reason: text().notNull(),
    by: jsonb().$type<PersonRef>().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
    /** When it ends by itself. */
    until: timestamp({ withTimezone: true }).notNull(),
    /** When it was ended: by somebody, or by watch once its time was over. */
    endedAt: timestamp('ended_at', { withTimezone: true }),
  },
  (t) => [index('silences_open').on(t.scope, t.name).where(sql`${t.endedAt} is null`)],
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
