import { bigint, boolean, index, jsonb, pgTable, primaryKey, sql, text, timestamp } from './builders.ts';
/** A team owns jobs, projects and clusters; roles are per team. */
export const teams = pgTable('teams', {
  name: text().primaryKey(),
  /** Slack channel id where the team's jobs speak when a job names none. */
  channel: text(),
  /** Slack channel id for incidents; the job's channel when absent. */
  alertChannel: text('alert_channel'),
  /** Slack user group id that is mentioned when somebody has to come. */
  onCall: text('on_call'),
  /** Slack user group id that is mentioned as well when nobody has come for long. */
  escalateTo: text('escalate_to'),
  /** Thresholds of its jobs' incidents as they were typed, by name (incidents/thresholds.ts). */
  thresholds: jsonb().$type<Record<string, string>>(),
});

/** People by Slack identity: team id + user id, never a name or an e-mail. */
export const people = pgTable(
  'people',
  {
    slackTeamId: text('slack_team_id').notNull(),
    slackUserId: text('slack_user_id').notNull(),
    name: text().notNull(),
    admin: boolean().notNull().default(false),
    active: boolean().notNull().default(true),
  },
  (t) => [primaryKey({ columns: [t.slackTeamId, t.slackUserId] })],
);

export const memberships = pgTable(
  'memberships',
  {
    slackTeamId: text('slack_team_id').notNull(),
    slackUserId: text('slack_user_id').notNull(),
    team: text().notNull(),
    role: text().$type<'viewer' | 'engineer' | 'on-call' | 'lead'>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.slackTeamId, t.slackUserId, t.team, t.role] })],
);

/** Every mutating act; each row's hash covers the one before, so a removed or edited row shows. */
export const audit = pgTable(
  'audit',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: timestamp({ withTimezone: true }).notNull(),
    actor: jsonb().$type<AuditActor>().notNull(),
    /** For example `operation.accepted`, `version.created`, `approval.approved`. */
    action: text().notNull(),
    /** For example `job:etl-orders`. */
    subject: text().notNull(),
    details: jsonb().$type<Record<string, unknown>>().notNull(),
    previousHash: text('previous_hash').notNull(),
    hash: text().notNull(),
  },
  (t) => [index('audit_subject').on(t.subject, t.id)],
);
export interface AuditActor {
  /** Absent for what time brings (watch, digest). */
  person?: { teamId: string; userId: string; name: string };
  origin: 'typed' | 'button' | 'mention' | 'web' | 'apply' | 'system';
}

/** One-time sign-in links; only the SHA-256 of the token is kept. */
export const signInLinks = pgTable('sign_in_links', {
  tokenHash: text('token_hash').primaryKey(),
  slackTeamId: text('slack_team_id').notNull(),
  slackUserId: text('slack_user_id').notNull(),
  expiresAt: timestamp('expires_at', { withTimezone: true }).notNull(),
  redeemedAt: timestamp('redeemed_at', { withTimezone: true }),
});

/** Web sessions; only the SHA-256 of the cookie's token is kept. */
export const sessions = pgTable('sessions', {
  tokenHash: text('token_hash').primaryKey(),
  slackTeamId: text('slack_team_id').notNull(),
  slackUserId: text('slack_user_id').notNull(),
  csrf: text().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
  expiresAt: timestamp('expires_at', { withTimezone: true }).notNull(),
});

/** Inbound requests already answered: a replay gets the first delivery's answer and has no effect. */
export const deliveries = pgTable(
  'deliveries',
  {
    key: text().primaryKey(),
    reply: jsonb().$type<unknown>(),
    at: timestamp({ withTimezone: true }).notNull(),
  },
  (t) => [index('deliveries_at').on(t.at)],
);

/** Full text of unexpected errors, found by the reference id that a person was shown. */
export const errorReports = pgTable('error_reports', {
  reference: text().primaryKey(),
  at: timestamp({ withTimezone: true }).notNull(),
  where: text().notNull(),
  text: text().notNull(),
});
