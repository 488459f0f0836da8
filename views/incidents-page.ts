import { type Html, html } from '../src/core/html.ts';
import { formatDuration } from '../src/core/time.ts';
import { causeWords } from '../src/incidents/causes.ts';
import type { Incident } from '../src/incidents/incidents.store.ts';
import { incidentMessage } from '../src/incidents/message.ts';
import type { Silence } from '../src/incidents/silences.store.ts';
import type { Story } from '../src/incidents/story.ts';
import type { FormContext } from './form.ts';
import { incidentPicture } from './incident-picture.ts';
import { live } from './live.ts';
import { messageView } from './message.ts';
import { ago, badge, empty, moment, personName, section, table } from './parts.ts';

export interface IncidentsPage {
  open: readonly Incident[];
  over: readonly Incident[];
  silences: readonly Silence[];
  now: Date;
}
/** What is wrong now, what is silenced, what was wrong. */
export function incidentsPart(page: IncidentsPage): Html {
  return live(
    'incidents',
    '/incidents',
    html`${section('Open', page.open.length === 0 ? empty('Nothing is wrong.', 'A failure, a restart loop, a lost run or a cluster that does not answer is shown here.') : incidentTable('Open incidents, newest first', page.open, page.now))}
${page.silences.length === 0 ? '' : section('Silenced', silencesTable(page.silences))}
${page.over.length === 0 ? '' : section('Over', incidentTable('Incidents that are over, newest first', page.over, page.now))}`,
  );
}
export function incidentsPage(page: IncidentsPage): Html {
  return html`<h1>Incidents</h1><p class="context"><a href="/rules">Rules</a>: what becomes an incident, from which threshold on, and what to do about it.</p>${incidentsPart(page)}`;
}

function stateBadge(i: Incident): Html {
  if (i.state === 'resolved') return badge('quiet', 'over');
  if (i.state === 'pending') return badge('busy', 'may pass');
  return i.silenced ? badge('quiet', 'silenced') : i.ackedBy ? badge('warn', 'looked after') : badge('bad', 'open');
}
function incidentTable(caption: string, incidents: readonly Incident[], now: Date): Html {
  return table(
    caption,
    [
      { label: 'What', kind: 'main' },
      { label: 'State' },
      { label: 'Cause' },
      { label: 'Since' },
      { label: 'Lasted', kind: 'num' },
      { label: 'Looked after by' },
      { label: 'How it ended', kind: 'wide' },
    ],
    incidents.map((i) => ({
      mark: i.state === 'firing' && !i.silenced ? ('bad' as const) : undefined,
      cells: [
        html`<a href="/incidents/${i.id}">${i.title}</a>`,
        stateBadge(i),
        causeWords(i.cause),
        ago(i.firstSeen, now),
        formatDuration((i.resolvedAt ?? now).getTime() - i.firstSeen.getTime()),
        personName(i.ackedBy),
        i.resolution ?? '–',
      ],
    })),
  );
}
function silencesTable(silences: readonly Silence[]): Html {
  return table(
    'Silences, the one that ends first at the top',
    [{ label: 'What', kind: 'main' }, { label: 'Until' }, { label: 'By' }, { label: 'Why', kind: 'wide' }],
    silences.map((one) => ({ cells: [`${one.scope} ${one.name}`, moment(one.until), personName(one.by), one.reason] })),
  );
}

/** Everything that the picture shows and the thread says, in order. Of a row of complete checkpoints the first and the last. */
export function timelineOf(events: readonly { at: Date; text: string }[], story: Story): { at: Date; words: string }[] {
  const points = [...story.points].sort((a, b) => a.at.getTime() - b.at.getTime());
  const sameAsBeside = (i: number) => [i - 1, i, i + 1].every((n) => points[n]?.kind === 'checkpoint');
  return [
    ...events.map((event) => ({ at: event.at, words: event.text })),
    ...story.acts,
    ...points
      .filter((_, i) => !sameAsBeside(i))
      .map(({ at, kind, words }) => ({ at, words: kind === 'failed' ? words : `${words} complete` })),
    ...story.runs.flatMap((run) => [
      { at: run.from, words: `A run began: ${run.words.split(' ')[0]}` },
      ...run.restarting.flatMap(({ from, to }) => [
        { at: from, words: 'Not all of its tasks run' },
        ...(to < run.to && to < story.to ? [{ at: to, words: 'All of its tasks run again' }] : []),
      ]),
      ...(run.lives ? [] : [{ at: run.to, words: `The run ended: ${run.words}` }]),
    ]),
  ]
    .filter((line) => line.at >= story.from)
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}

export interface IncidentPage {
  incident: Incident;
  events: readonly { id: number; at: Date; text: string }[];
  story: Story;
  /** Others that its message tells too. */
  others: readonly Incident[];
  form: FormContext;
  now: Date;
}
/** One incident: what its message says, the picture of the hour around it, and its timeline. */
export function incidentPart(page: IncidentPage): Html {
  const { incident, story } = page;
  const lines = timelineOf(page.events, story);
  return live(
    'incident',
    `/incidents/${incident.id}`,
    html`<div class="incident">${messageView(incidentMessage(incident), page.form)}</div>
${section('What happened', incidentPicture(story))}
${section('Timeline', html`<ol class="timeline">${lines.map((line) => html`<li>${moment(line.at)} ${line.words}</li>`)}</ol><p class="context"><a href="/incidents/${incident.id}/export.md" download>As a text file</a>, for a review of what happened.</p>`)}
${page.others.length === 0 ? '' : section('Told in the same message', incidentTable('Incidents with the same cause', page.others, page.now))}`,
  );
}
export function incidentPage(page: IncidentPage): Html {
  const { incident } = page;
  return html`<h1>${incident.job ? html`<a href="/jobs/${incident.job}">${incident.job}</a>` : (incident.cluster ?? 'Incident')}</h1>${incidentPart(page)}`;
}
