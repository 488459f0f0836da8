import type { PersonRef } from '../../core/message.ts';
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, sql, text, timestamp, uniqueIndex } from './builders.ts';

export type OperationState = 'waiting' | 'queued' | 'running' | 'parked' | 'succeeded' | 'failed' | 'canceled';
export interface OperationOrigin {
  kind: 'typed' | 'button' | 'mention' | 'web' | 'apply' | 'system';
  /** Slack channel where it was asked for. */
  channel?: string;
  threadTs?: string;
}

/** Why an operation goes back: written before anything is undone. */
export interface Turn {
  into: 'failed' | 'canceled';
  /** The step at which it turned. */
  step: string;
  /** What failed, as people are told; null after a cancel. */
  error: { code: string; message: string; hint: string | null; details: Record<string, unknown> } | null;
  /** Finds the full error of a fault of Sluice itself. */
  reference: string | null;
  /** A try of that step got no answer: a slow cluster may carry it out yet. */
  unanswered: boolean;
}

/** One requested action, durable until its end. */
export const operations = pgTable(
  'operations',
  {
    id: text().primaryKey(),
    kind: text().notNull(),
    job: text().notNull(),
    state: text().$type<OperationState>().notNull(),
    /** True while the operation holds the job: at most one does. */
    holds: boolean().notNull(),
    step: text(),
    input: jsonb().$type<Record<string, unknown>>().notNull(),
    plan: jsonb().$type<Record<string, unknown>>(),
    planHash: text('plan_hash'),
    /** Slack envelope, trigger or API key: the same request never makes a second operation. */
    idemKey: text('idem_key').notNull().unique(),
    actor: jsonb().$type<PersonRef & { name: string }>().notNull(),
    origin: jsonb().$type<OperationOrigin>().notNull(),
    messageId: text('message_id').notNull(),
    breakGlass: text('break_glass'),
    /** The lead who approved it. */
    approvedBy: jsonb('approved_by').$type<PersonRef & { name: string }>(),
    epoch: bigint({ mode: 'number' }).notNull().default(0),
    /** `host/pid namespace/boot id:pid:process start time` of the replica that runs it. */
    owner: text(),
    leaseUntil: timestamp('lease_until', { withTimezone: true }),
    cancelRequestedAt: timestamp('cancel_requested_at', { withTimezone: true }),
    cancelRequestedBy: jsonb('cancel_requested_by').$type<PersonRef>(),
    /** Set once it failed or was canceled: from then on it only goes back, whoever carries it on. */
    turned: jsonb().$type<Turn>(),
    /** How often an owner died since the last finished step. */
    crashes: integer().notNull().default(0),
    /** What a finished operation says (title, facts, what is offered next). */
    outcome: jsonb().$type<Record<string, unknown>>(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
    startedAt: timestamp('started_at', { withTimezone: true }),
    finishedAt: timestamp('finished_at', { withTimezone: true }),
  },
  (t) => [
    uniqueIndex('operations_one_holder').on(t.job).where(sql`${t.holds} and ${t.state} in ('queued','running','parked')`),
    index('operations_due').on(t.state, t.leaseUntil),
    index('operations_job').on(t.job, t.createdAt),
  ],
);

/** Write-ahead record of each step: the intent before the outside effect, the result after. */
export const operationSteps = pgTable(
  'operation_steps',
  {
    operationId: text('operation_id').notNull(),
    name: text().notNull(),
    seq: integer().notNull(),
    title: text().notNull(),
    state: text().$type<'running' | 'done' | 'skipped' | 'failed'>().notNull(),
    intent: jsonb().$type<Record<string, unknown>>(),
    result: jsonb().$type<Record<string, unknown>>(),
    note: text(),
    /** How often a process died in this step. */
    crashes: integer().notNull().default(0),
    startedAt: timestamp('started_at', { withTimezone: true }).notNull(),
    doneAt: timestamp('done_at', { withTimezone: true }),
  },
  (t) => [primaryKey({ columns: [t.operationId, t.name] })],
);

/** A decision bound to one plan hash. */
export const approvals = pgTable(
  'approvals',
  {
    id: text().primaryKey(),
    operationId: text('operation_id').notNull().unique(),
    planHash: text('plan_hash').notNull(),
    state: text().$type<'pending' | 'approved' | 'rejected' | 'expired' | 'withdrawn'>().notNull(),
    requestedBy: jsonb('requested_by').$type<PersonRef & { name: string }>().notNull(),
    reason: text().notNull(),
    expiresAt: timestamp('expires_at', { withTimezone: true }).notNull(),
    decidedBy: jsonb('decided_by').$type<PersonRef & { name: string }>(),
    decidedAt: timestamp('decided_at', { withTimezone: true }),
    decisionReason: text('decision_reason'),
  },
  (t) => [index('approvals_pending').on(t.state, t.expiresAt)],
);
