import { type Action, actions, context, fields, type IncidentRef, type Message, type Part, type Span, text } from '../core/message.ts';
import { plural, truncate } from '../core/text.ts';
import { formatDuration } from '../core/time.ts';
import type { incidents } from '../db/schema/index.ts';
import { ruleOf } from './causes.ts';

/** What an incident says beside its title; plain values, stored with it. */
export interface IncidentFacts {
  /** Root exception in one line. */
  exception?: string;
  /** It ended among many: the root exception is still to be read. */
  causeUnread?: true;
  /** Task that failed. */
  task?: string;
  version?: number;
  /** Last completed checkpoint: id, path and ISO time. */
  checkpoint?: { id: number; path: string | undefined; at: string };
  noCheckpoint?: string;
  /** It kept no state of its own: where it began, to which it goes back. */
  beganFrom?: string;
  /** Tasks that run, `2/4`. */
  tasks?: string;
  /** `own`: what the job's people wrote for it. */
  links?: { label: string; url: string; own?: true }[];
  pageUrl?: string;
  detail?: string;
  /** Of an end: that another copy of the job runs, which Sluice did not start. */
  otherCopy?: string;
  /** The parked operation that waits for a decision. */
  operationId?: string;
  /** The operation of Sluice that made it so. */
  byOperation?: string;
  /** What was changed before it began, newest first. */
  changes?: { at: string; what: string }[];
  /** Channels beside Slack that hear of it, by their configured names. */
  alsoTo?: { kind: string; name: string }[];
  /** Its cluster is only observed: nothing can be done from here. */
  observed?: true;
  /** Slack user group id of who is on call. */
  onCall?: string;
  /** Slack user group id of those to whom it goes when nobody comes. */
  escalateTo?: string;
}

/** So many jobs are resumed by one click: each needs a row, a message and a turn, and a cluster can start only so many at a time. */
export const resumedAtOnce = 500;
/** How many of a group its message names. */
export const shownOfGroup = 12;

/** Slack user groups, one after the other. */
export const groupSpans = (groups: readonly string[]): Span[] => groups.flatMap((group, i): Span[] => [...(i > 0 ? [' '] : []), { group }]);

/** The one message of several jobs with one problem: the first cause once, then each job with what it can go back to. */
export function groupMessage(
  leader: typeof incidents.$inferSelect,
  rows: (typeof incidents.$inferSelect)[],
  { total, open, unread, others, onCall }: { total: number; open: number; unread: number; others: number; onCall: readonly string[] },
): Message {
  const over = open === 0;
  const f = leader.facts as IncidentFacts;
  const what = ruleOf(leader.cause).many ?? 'have one problem';
  // One cause is only named for all of them when it is that of all.
  const shared = f.exception && unread + others === 0;
  const cause = shared ? `: ${truncate(f.exception ?? '', 120)}` : leader.cluster ? ` on ${leader.cluster}` : '';
  const parts: Part[] = [];
  if (!over && onCall.length > 0 && calls(leader)) parts.push(context(...groupSpans(onCall)));
  if (f.exception) parts.push({ kind: 'code', text: f.exception });
  if (f.exception && !shared) parts.push(context(causesRead(total, unread, others)));
  parts.push(
    fields([
      ['Since', [{ time: leader.firstSeen }]],
      ['Not over', over ? undefined : `${open} of ${total}`],
      ['Cluster', [...new Set(rows.map((row) => row.cluster))].filter(Boolean).slice(0, 5).join(', ') || undefined],
    ]),
  );
  for (const row of rows) parts.push(text(...lineOf(row)));
  if (total > rows.length) parts.push(context(`and ${plural(total - rows.length, 'more job')}: all are on the page`));
  parts.push(...changesPart(f), ...linksPart({ links: groupLinks(leader) }), ...groupStateParts(rows));
  const resumes = !over && !f.observed && !ruleOf(leader.cause).runs;
  const openRows = rows.filter((row) => row.state !== 'resolved');
  const untaken = openRows.filter((row) => !row.ackedBy);
  if (!over)
    parts.push(
      actions(
        ...(resumes
          ? [
              {
                label: `Resume all ${open}`,
                command: `resume-all ${leader.id}`,
                style: 'primary',
                confirm: {
                  title: `Resume ${plural(open, 'job')}?`,
                  text: `Each starts the version that ran, from its newest complete state. Those that run already are left alone.${open > resumedAtOnce ? ` At most ${resumedAtOnce} at once.` : ''}`,
                  yes: 'Resume',
                },
              } as const,
            ]
          : []),
        ...(untaken.length === 0 ? [] : [{ label: 'Acknowledge', command: `acknowledge ${leader.id}` }]),
        ...(untaken.length === openRows.length ? [] : [handBack(leader.id)]),
      ),
    );
  return {
    incident: refOf(leader, over, untaken.length === 0),
    tone: over ? 'good' : toneOf(leader),
    title: over ? `Resolved: ${plural(total, 'job')} ${what}${cause}` : `${plural(total, 'job')} ${what}${cause}`,
    parts,
  };
}
/** How far one root exception speaks for a group that came at once. */
function causesRead(total: number, unread: number, others: number): string {
  const same = `This is the cause of ${plural(total - unread - others, 'job')}`;
  const different = others > 0 ? `; ${others} ended of something else, which the page tells` : '';
  const open = unread > 0 ? `; ${plural(unread, 'is', 'are')} still to be read` : '';
  return `${same}${different}${open}.`;
}
function lineOf(row: typeof incidents.$inferSelect): Span[] {
  const f = row.facts as IncidentFacts;
  const state: Span[] = f.checkpoint
    ? ['last checkpoint ', { time: f.checkpoint.at }]
    : [f.beganFrom ? 'goes back to where it began' : `last checkpoint: ${f.noCheckpoint ?? 'none'}`];
  return [
    row.state === 'resolved' ? '✓ ' : '✗ ',
    { bold: row.job ?? row.cluster ?? row.key },
    ', ',
    ...(row.state === 'resolved' ? [row.resolution ?? 'over'] : [...state, ...ownLinks(f)]),
  ];
}
/** Of one job among many: only so many of its links, so that a dozen jobs can still be read. */
const ownAtMost = 3;
const ownLinks = (f: IncidentFacts): Span[] =>
  (f.links ?? [])
    .filter((link) => link.own)
    .slice(0, ownAtMost)
    .flatMap((link): Span[] => [' · ', { link: link.label, url: link.url }]);
/** Whether the message itself mentions who is on call: what is critical, at once or once it has lasted. */
const calls = (row: typeof incidents.$inferSelect): boolean => {
  const { severity, patient } = ruleOf(row.cause);
  return severity === 'critical' && (!patient || row.calledAt !== null);
};
/** What other systems have to know of it. */
const refOf = (row: typeof incidents.$inferSelect, over: boolean, taken = row.ackedBy !== null): IncidentRef => ({
  id: row.id,
  state: over ? 'resolved' : taken ? 'acknowledged' : 'firing',
  cause: row.cause,
  ...(row.job === null ? {} : { job: row.job }),
  ...(row.cluster === null ? {} : { cluster: row.cluster }),
  since: row.firstSeen.toISOString(),
});
const toneOf = (row: typeof incidents.$inferSelect): Message['tone'] =>
  ruleOf(row.cause).severity === 'warning' || (row.facts as IncidentFacts).byOperation ? 'warn' : 'bad';

function changesPart(f: IncidentFacts): Part[] {
  if (!f.changes?.length) return [];
  return [
    text({ bold: 'Changed in the hour before:' }),
    ...f.changes.map((change) => text('• ', { time: change.at, style: 'time' }, ` ${change.what}`)),
  ];
}
/** The page of the incident instead of that of its job or of all clusters: it leads to the job. */
const ownPage = <L extends { label: string; url: string }>(link: L, id: string): L =>
  link.label === 'Page' ? { ...link, url: link.url.replace(/\/(?:jobs|clusters)(?:\/[^/]*)?$/, `/incidents/${id}`) } : link;
/** Of many jobs: the page of their incident and the runbook of the cause, without the job that one of them is about. */
function groupLinks(leader: typeof incidents.$inferSelect): { label: string; url: string }[] {
  return ((leader.facts as IncidentFacts).links ?? []).flatMap(({ label, url }) => {
    if (label === 'Page') return [ownPage({ label, url }, leader.id)];
    return /\/runbooks\/[a-z-]+(?:\?|$)/.test(url) ? [{ label: 'Runbook', url: url.replace(/\?.*$/, '') }] : [];
  });
}
function linksPart(f: Pick<IncidentFacts, 'links'>): Part[] {
  if (!f.links?.length) return [];
  return [context(...f.links.flatMap((link, i): Span[] => [i > 0 ? ' · ' : '', { link: link.label, url: link.url }]))];
}
/** Who looks after which of a group, and what of it is silenced. */
function groupStateParts(rows: (typeof incidents.$inferSelect)[]): Part[] {
  const open = rows.filter((row) => row.state !== 'resolved');
  const parts: Part[] = [];
  for (const [, mine] of Map.groupBy(open, (row) => row.ackedBy && `${row.ackedBy.teamId}:${row.ackedBy.userId}`)) {
    const by = mine[0]?.ackedBy;
    if (!by) continue;
    const which = mine.length === open.length ? '' : `: ${mine.map((row) => row.job ?? row.cluster).join(', ')}`;
    parts.push(context('Acknowledged by ', { person: by }, which, ...ackSpans(mine[0])));
  }
  for (const [, mine] of Map.groupBy(open, (row) => row.silenced?.id)) {
    const silenced = mine[0]?.silenced;
    if (!silenced) continue;
    const which = mine.length === open.length ? '' : ` (${mine.map((row) => row.job ?? row.cluster).join(', ')})`;
    parts.push(context(`Silenced${which} by `, { person: silenced.by }, ' until ', { time: silenced.until }, `: ${silenced.reason}`));
  }
  return parts;
}
/** Until when somebody looks after it, and what they do about it. */
const ackSpans = (row: typeof incidents.$inferSelect | undefined): Span[] => [
  ...(row?.ackUntil && row.state !== 'resolved' ? [', until ', { time: row.ackUntil } as Span] : []),
  ...(row?.ackReason ? [`: ${row.ackReason}`] : []),
];
/** Who looks after it, who silenced it, and how often it came back. */
function stateParts(row: typeof incidents.$inferSelect): Part[] {
  const parts: Part[] = [];
  if (row.comebacks > 0) parts.push(context(`Came back ${plural(row.comebacks, 'time')} shortly after it was over.`));
  if (row.ackedBy)
    parts.push(
      context(
        'Acknowledged by ',
        { person: row.ackedBy },
        row.ackedAt ? ' at ' : '',
        ...(row.ackedAt ? [{ time: row.ackedAt } as Span] : []),
        ...ackSpans(row),
      ),
    );
  if (row.silenced && row.state !== 'resolved')
    parts.push(context('Silenced by ', { person: row.silenced.by }, ' until ', { time: row.silenced.until }, `: ${row.silenced.reason}`));
  return parts;
}

/** The one message of an incident: what, since when, why, what is safe, and the buttons. Edited in place until it is over. */
export function incidentMessage(row: typeof incidents.$inferSelect): Message {
  const f = row.facts as IncidentFacts;
  const over = row.state === 'resolved';
  const since: Span[] = [{ time: row.firstSeen }];
  if (row.occurrences > 1) since.push(`, seen ${row.occurrences} times`);
  const parts: Part[] = [];
  if (f.onCall && !over && calls(row)) parts.push(context({ group: f.onCall }));
  if (over && row.resolution) parts.push(text({ bold: 'Over:' }, ` ${row.resolution}`));
  if (f.exception) parts.push({ kind: 'code', text: f.exception });
  parts.push(
    fields([
      ['Since', since],
      ['Lasted', over && row.resolvedAt ? formatDuration(row.resolvedAt.getTime() - row.firstSeen.getTime()) : undefined],
      ['Cluster', row.cluster ?? undefined],
      ['Version', f.version ? `v${f.version}` : undefined],
      ['Tasks', f.tasks],
      [ruleOf(row.cause).runs ? 'Where' : 'Failed task', f.task],
      ['Last checkpoint', f.checkpoint ? [`${f.checkpoint.id}, `, { time: f.checkpoint.at }] : f.noCheckpoint],
      ['Goes back to', f.beganFrom ? 'where it began' : undefined],
    ]),
  );
  const path = f.checkpoint?.path ?? f.beganFrom;
  if (path) parts.push(context({ code: path }));
  if (f.otherCopy && !over) parts.push(text({ bold: f.otherCopy }));
  if (f.detail) parts.push(text(f.detail));
  parts.push(...changesPart(f), ...linksPart({ links: (f.links ?? []).map((link) => ownPage(link, row.id)) }), ...stateParts(row));
  const buttons = over ? [] : buttonsOf(row);
  if (buttons.length > 0) parts.push(actions(...buttons));
  return {
    incident: refOf(row, over),
    tone: over ? 'good' : toneOf(row),
    title: over ? `Resolved: ${row.title}` : row.title,
    parts,
  };
}

const handBack = (id: string): Action => ({
  label: 'Hand back',
  command: `unacknowledge ${id}`,
  // It stands where "Acknowledge" stood a moment ago.
  confirm: { title: 'Hand it back?', text: 'Nobody looks after it then: who is on call is called again.', yes: 'Hand back' },
});
const silenceFor = (target: string): Action => ({
  label: 'Silence 1 h',
  command: `silence ${target} 1h {input}`,
  input: { title: 'Silence for an hour', label: 'Why? Everybody who looks reads it.', placeholder: 'the broker is being replaced' },
});
function buttonsOf(row: typeof incidents.$inferSelect): Action[] {
  const buttons: Action[] = [];
  const { operationId, observed, otherCopy } = row.facts as IncidentFacts;
  if (row.job && !observed) {
    if (row.cause === 'parked') {
      if (operationId)
        buttons.push(
          { label: 'Try again', command: `retry ${operationId}`, style: 'primary' },
          { label: 'Give up', command: `cancel ${row.job} --operation ${operationId}` },
        );
    } else if (!otherCopy) {
      // Beside a copy that runs both would be refused.
      if (!ruleOf(row.cause).runs) buttons.push({ label: 'Resume', command: `start ${row.job}`, style: 'primary' });
      buttons.push({ label: 'Restore', command: `restore ${row.job}` });
    }
    buttons.push({ label: 'Logs', command: `logs ${row.job}` });
  }
  if (row.job && observed) buttons.push({ label: 'Logs', command: `logs ${row.job}` });
  buttons.push(row.ackedBy ? handBack(row.id) : { label: 'Acknowledge', command: `acknowledge ${row.id}` });
  const target = row.job ?? (row.cluster && `cluster:${row.cluster}`);
  if (target && !row.silenced && row.cause !== 'parked') buttons.push(silenceFor(target));
  return buttons;
}
