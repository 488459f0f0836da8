import type { AuditRow } from '../access/audit.store.ts';
import { shownValue } from '../core/redact.ts';
import { oneLine, truncate } from '../core/text.ts';
import type { ClusterView } from '../deploy/cluster-views.store.ts';
import { describeKind } from '../operations/operations.store.ts';

/** What an entry of the audit says changed, in a few words; undefined for what changes nothing that runs. */
export function changeWords(row: Pick<AuditRow, 'action' | 'actor' | 'subject' | 'details'>): string | undefined {
  const who = row.actor.person ? ` by ${row.actor.person.name}` : row.actor.origin === 'apply' ? ' by apply' : '';
  const d = row.details;
  const differences = differenceWords(d['changes']);
  if (row.action === 'version.created')
    return differences ? `v${d['version']}${who}: ${differences}` : `version v${d['version']} made${who}`;
  if (row.action === 'version.used') return `v${d['to']} made current${who}${differences ? `: ${differences}` : ''}`;
  if (row.action === 'cluster.changed') return `${clusterOf(row.subject)}: ${atMost(textsOf(d['fields']))} changed${who}`;
  if (row.action === 'cluster.flink-changed') return `${clusterOf(row.subject)}: Flink ${d['from']} → ${d['to']}`;
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
/** The newest restart of a cluster's JobManager that was seen, if it was not before this moment. */
export function restartSince(
  view: Pick<ClusterView, 'cluster' | 'jobManagerSince'> | undefined,
  since: Date,
): { at: Date; what: string } | undefined {
  const at = view?.jobManagerSince;
  return view && at && at >= since ? { at, what: `cluster ${view.cluster}: another JobManager answers, it was restarted` } : undefined;
}
const clusterOf = (subject: string) => subject.replace(/^cluster:/, 'cluster ');

const shownAtMost = 3;
const valueLimit = 40;
/** `parallelism 4 → 8, artifact a1b2c3 → d4e5f6 and 2 more`; undefined for what is no list of differences. It was stored: what is no text is left out. */
function differenceWords(stored: unknown): string | undefined {
  if (!Array.isArray(stored)) return undefined;
  const words = stored.flatMap((one: { key?: unknown; before?: unknown; after?: unknown } | null) =>
    typeof one?.key === 'string' ? [`${one.key} ${valueWords(one.key, one.before)} → ${valueWords(one.key, one.after)}`] : [],
  );
  return words.length > 0 ? atMost(words) : undefined;
}
function valueWords(key: string, value: unknown): string {
  if (typeof value !== 'string') return 'not set';
  if (key === 'artifact') return value.slice(0, 6);
  return truncate(oneLine(shownValue(key, value)), valueLimit);
}
function atMost(words: readonly string[]): string {
  const more = words.length - shownAtMost;
  return `${words.slice(0, shownAtMost).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
const textsOf = (value: unknown) => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
