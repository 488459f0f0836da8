import { createHash } from 'node:crypto';
import type { AuditFact, History, Violation } from './history.ts';

/**
 * I6: each audit row's hash covers the row before, so that none was changed, taken away or put in between. Written anew here: a checker that asked the
 * code under test would share its faults.
 */
export function checkAudit(h: Pick<History, 'audit'>): Violation[] {
  let previous = '';
  for (const row of h.audit) {
    if (row.previousHash !== previous || row.hash !== auditHash(row))
      return [{ invariant: 'I6', what: `the audit does not fit together at row ${row.id} (${row.action})`, ids: [String(row.id)] }];
    previous = row.hash;
  }
  return [];
}

/** The hash that a row has to carry. */
export function auditHash(row: Omit<AuditFact, 'id' | 'hash'>): string {
  const covered = [row.previousHash, row.at.toISOString(), row.actor, row.action, row.subject, row.details];
  return createHash('sha256')
    .update(JSON.stringify(sorted(covered)))
    .digest('hex');
}
/** The same value with the keys of every object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, v]) => [key, sorted(v)]));
}
