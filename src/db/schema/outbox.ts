import type { Message } from '../../core/message.ts';
import { bigint, index, integer, jsonb, pgTable, primaryKey, sql, text, timestamp } from './builders.ts';

/** Recipients of a channel that were refused for good; the others of it have the message. */
export interface LeftOut {
  /** ISO time. */
  at: string;
  recipients: { who: string; words: string }[];
}

/** Desired messages: the row holds what should be visible, the sender makes it so; many changes become few edits. */
export const outboxMessages = pgTable(
  'outbox_messages',
  {
    id: text().primaryKey(),
    /** One message per key, for example `operation:op_x` or `incident:inc_y`. */
    dedupeKey: text('dedupe_key').notNull().unique(),
    /** Which sender delivers it: `slack` now. */
    channelKind: text('channel_kind').notNull().default('slack'),
    /** Where it goes (a Slack channel or user id). */
    channel: text().notNull(),
    /** Where it goes when the first place refuses (not in channel, archived), one after the other. */
    fallbackChannels: jsonb('fallback_channels').$type<string[]>().notNull().default([]),
    /** Slack user id of who is told by a direct message, with a link, when it had to go to the other place. */
    notifyUser: text('notify_user'),
    /** The place where it should have gone: it refused. */
    movedFrom: text('moved_from'),
    /** Outbox id of the message whose thread this one belongs to. */
    threadOf: text('thread_of'),
    /** Slack timestamp of a thread that a person typed in. */
    threadTs: text('thread_ts'),
    desired: jsonb().$type<Message>().notNull(),
    desiredVersion: integer('desired_version').notNull().default(1),
    sentVersion: integer('sent_version').notNull().default(0),
    /** Where it was really posted. */
    sentChannel: text('sent_channel'),
    sentTs: text('sent_ts'),
    /** When a channel last took it. */
    sentAt: timestamp('sent_at', { withTimezone: true }),
    permalink: text(),
    state: text().$type<'pending' | 'sent' | 'failed'>().notNull().default('pending'),
    /** 0 approvals, 1 alerts, 2 operations, 3 digests. */
    priority: integer().notNull().default(2),
    attempts: integer().notNull().default(0),
    nextAt: timestamp('next_at', { withTimezone: true }).notNull(),
    /** Set before a post leaves: after a crash in between, the post is looked for before it is repeated. */
    postingSince: timestamp('posting_since', { withTimezone: true }),
    owner: text(),
    leaseUntil: timestamp('lease_until', { withTimezone: true }),
    epoch: bigint({ mode: 'number' }).notNull().default(0),
    lastError: text('last_error'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
    updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
  },
  (t) => [
    // Of what is kept all but a few were sent: only those that were not are in it.
    index('outbox_due').on(t.state, t.nextAt).where(sql`${t.state} in ('pending', 'failed')`),
    index('outbox_thread').on(t.threadOf).where(sql`${t.state} in ('pending', 'failed')`),
    index('outbox_sent').on(t.sentChannel, t.sentTs),
    index('outbox_sent_at').on(t.sentAt),
    index('outbox_failed').on(t.channelKind, t.channel).where(sql`${t.state} = 'failed'`),
  ],
);

/** Whose turn it is to send to a channel: one replica at a time, so that order and pace hold in a fleet. */
export const outboxChannels = pgTable(
  'outbox_channels',
  {
    channelKind: text('channel_kind').notNull(),
    channel: text().notNull(),
    owner: text(),
    leaseUntil: timestamp('lease_until', { withTimezone: true }),
    epoch: bigint({ mode: 'number' }).notNull().default(0),
    /** Nothing is sent before: the channel's pace, or what it asked for (Retry-After). */
    nextAt: timestamp('next_at', { withTimezone: true }).notNull(),
    /** Who of several did not get the last message that it took, and what was said to that. */
    left: jsonb().$type<LeftOut>(),
  },
  (t) => [primaryKey({ columns: [t.channelKind, t.channel] })],
);
