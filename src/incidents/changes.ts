import type { AuditRow } from '../access/audit.store.ts';
import { describeKind } from '../operations/operations.store.ts';

/** What an entry of the audit says changed, in a few words; undefined for what changes nothing that runs. */
export function changeWords(row: Pick<AuditRow, 'action' | 'actor' | 'details'>): string | undefined {
  const who = row.actor.person ? ` by ${row.actor.person.name}` : '';
  const d = row.details;
  if (row.action === 'version.created') return `version v${d['version']} made${who}`;
  if (row.action === 'version.used') return `v${d['to']} made current${who}`;
  if (row.action === 'operation.accepted') return `${describeKind(String(d['kind']))}${who}`;
  if (row.action === 'approval.approved') return `a plan approved${who}`;
  if (row.action === 'break-glass') return `glass broken${who}: ${d['reason']}`;
  if (row.action === 'operation.cancel-requested') return `an operation canceled${who}`;
  if (row.action === 'savepoint.deleted') return `savepoint ${String(d['path']).split('/').pop()} deleted, ${d['why']}`;
  if (row.action === 'savepoint.pinned') return `savepoint ${String(d['path']).split('/').pop()} pinned${who}`;
  if (row.action === 'savepoint.unpinned') return `savepoint ${String(d['path']).split('/').pop()} unpinned${who}`;
  if (row.action === 'folder.applied') return `settings applied from a folder${who}`;
  return undefined;
}
