import { type Action, actions, context, fields, type Message, type Part, type Span, text } from '../core/message.ts';
import { formatDuration } from '../core/time.ts';
import type { incidents } from '../db/schema/index.ts';

/** What an incident says beside its title; plain values, stored with it. */
export interface IncidentFacts {
  /** Root exception in one line. */
  exception?: string;
  /** Task that failed. */
  task?: string;
  version?: number;
  /** Last completed checkpoint: id, path and ISO time. */
  checkpoint?: { id: number; path: string | undefined; at: string };
  noCheckpoint?: string;
  /** Tasks that run, `2/4`. */
  tasks?: string;
  links?: { label: string; url: string }[];
  pageUrl?: string;
  detail?: string;
  /** The parked operation that waits for a decision. */
  operationId?: string;
  /** The operation of Sluice that made it so. */
  byOperation?: string;
}

/** The one message of an incident: what, since when, why, what is safe, and the buttons. Edited in place until it is over. */
export function incidentMessage(row: typeof incidents.$inferSelect): Message {
  const f = row.facts as IncidentFacts;
  const over = row.state === 'resolved';
  const since: Span[] = [{ time: row.firstSeen }];
  if (row.occurrences > 1) since.push(`, seen ${row.occurrences} times`);
  const parts: Part[] = [];
  if (over && row.resolution) parts.push(text({ bold: 'Over:' }, ` ${row.resolution}`));
  if (f.exception) parts.push({ kind: 'code', text: f.exception });
  parts.push(
    fields([
      ['Since', since],
      ['Lasted', over && row.resolvedAt ? formatDuration(row.resolvedAt.getTime() - row.firstSeen.getTime()) : undefined],
      ['Cluster', row.cluster ?? undefined],
      ['Version', f.version ? `v${f.version}` : undefined],
      ['Tasks', f.tasks],
      ['Failed task', f.task],
      ['Last checkpoint', f.checkpoint ? [`${f.checkpoint.id}, `, { time: f.checkpoint.at }] : f.noCheckpoint],
    ]),
  );
  if (f.checkpoint?.path) parts.push(context({ code: f.checkpoint.path }));
  if (f.detail) parts.push(text(f.detail));
  if (f.links?.length)
    parts.push(context(...f.links.flatMap((link, i): Span[] => [i > 0 ? ' · ' : '', { link: link.label, url: link.url }])));
  if (row.ackedBy)
    parts.push(
      context(
        'Acknowledged by ',
        { person: row.ackedBy },
        row.ackedAt ? ' at ' : '',
        ...(row.ackedAt ? [{ time: row.ackedAt } as Span] : []),
      ),
    );
  const buttons = over ? [] : buttonsOf(row);
  if (buttons.length > 0) parts.push(actions(...buttons));
  return {
    tone: over ? 'good' : row.cause === 'restarting' || f.byOperation ? 'warn' : 'bad',
    title: over ? `Resolved: ${row.title}` : row.title,
    parts,
  };
}

function buttonsOf(row: typeof incidents.$inferSelect): Action[] {
  const buttons: Action[] = [];
  const { operationId } = row.facts as IncidentFacts;
  if (row.job) {
    if (row.cause === 'parked') {
      if (operationId)
        buttons.push(
          { label: 'Try again', command: `retry ${operationId}`, style: 'primary' },
          { label: 'Give up', command: `cancel ${row.job} --operation ${operationId}` },
        );
    } else {
      if (row.cause !== 'restarting') buttons.push({ label: 'Resume', command: `start ${row.job}`, style: 'primary' });
      buttons.push({ label: 'Restore', command: `restore ${row.job}` });
    }
    buttons.push({ label: 'Logs', command: `logs ${row.job}` });
  }
  if (!row.ackedBy) buttons.push({ label: 'Acknowledge', command: `acknowledge ${row.id}` });
  return buttons;
}
