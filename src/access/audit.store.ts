import { createHash } from 'node:crypto';
import { dbNow, inMs } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { among, and, asc, desc, eq, gt, lte, sql } from '../db/query.ts';
import { type AuditActor, audit } from '../db/schema/index.ts';

export interface AuditEntry {
  actor: AuditActor;
  /** For example `operation.accepted`. */
  action: string;
  /** For example `job:etl-orders`. */
  subject: string;
  details?: Record<string, unknown>;
}
export type AuditRow = typeof audit.$inferSelect;

/** Appends to the audit within the caller's transaction; a transaction lock keeps the hash chain in one line. */
export async function record(tx: Tx, entry: AuditEntry): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(7301, 1)`);
  const [last] = await tx.select({ hash: audit.hash }).from(audit).orderBy(desc(audit.id)).limit(1);
  const at = await dbNow(tx);
  const previousHash = last?.hash ?? '';
  // As the row will be read again: times as text, nothing undefined. Anything else would not fit its hash.
  const details = JSON.parse(JSON.stringify(entry.details ?? {})) as Record<string, unknown>;
  await tx.insert(audit).values({
    at,
    actor: entry.actor,
    action: entry.action,
    subject: entry.subject,
    details,
    previousHash,
    hash: hashOf(previousHash, at, entry.actor, entry.action, entry.subject, details),
  });
}

/** What was done to any of these subjects in the last `withinMs`, newest first. */
export async function doneLately(
  db: Db | Tx,
  subjects: readonly string[],
  withinMs: number,
  limit = 20,
  until?: Date,
): Promise<AuditRow[]> {
  return db
    .select()
    .from(audit)
    .where(and(among(audit.subject, subjects), gt(audit.at, inMs(-withinMs)), until ? lte(audit.at, until) : undefined))
    .orderBy(desc(audit.id))
    .limit(limit);
}

/** The same for many subjects of one kind of report: what was done to any of them, newest first. */
export async function doneLatelyTo(db: Db | Tx, subjects: readonly string[], withinMs: number): Promise<Map<string, AuditRow[]>> {
  const rows = await doneLately(db, subjects, withinMs, 5000);
  return Map.groupBy(rows, (row) => row.subject);
}
/** What was done to any of these subjects since a moment, newest first, so many at most. */
export async function doneSince(db: Db | Tx, subjects: readonly string[], since: Date, limit: number): Promise<AuditRow[]> {
  return db
    .select()
    .from(audit)
    .where(and(among(audit.subject, subjects), gt(audit.at, since)))
    .orderBy(desc(audit.id))
    .limit(limit);
}

function hashOf(previous: string, at: Date, actor: AuditActor, action: string, subject: string, details: unknown): string {
  return createHash('sha256')
    .update(canonical([previous, at.toISOString(), actor, action, subject, details]))
    .digest('hex');
}
/** JSON with sorted keys: PostgreSQL's jsonb does not keep their order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value && typeof value === 'object')
    return `{${Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`)
      .join(',')}}`;
  return JSON.stringify(value) ?? 'null';
}

/** Checks the whole chain; the id of the first row that does not fit, or undefined. */
export async function firstBrokenAuditRow(db: Db | Tx): Promise<number | undefined> {
  let previous = '';
  for (const row of await db.select().from(audit).orderBy(asc(audit.id))) {
    if (row.previousHash !== previous || row.hash !== hashOf(previous, row.at, row.actor, row.action, row.subject, row.details))
      return row.id;
    previous = row.hash;
  }
  return undefined;
}

/** The newest audit rows of a subject, newest first. */
export async function auditOf(db: Db | Tx, subject: string, limit = 50): Promise<AuditRow[]> {
  return db.select().from(audit).where(eq(audit.subject, subject)).orderBy(desc(audit.id)).limit(limit);
}
