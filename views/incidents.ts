import { type Html, html } from '../src/core/html.ts';
import { formatDuration } from '../src/core/time.ts';
import type { Incident } from '../src/incidents/incidents.store.ts';
import { incidentMessage } from '../src/incidents/message.ts';
import type { FormContext } from './form.ts';
import { messageView } from './message.ts';
import { badge, empty, moment, personName, section, table } from './parts.ts';

export interface IncidentView {
  incident: Incident;
  events: readonly { id: number; at: Date; text: string }[];
}

/** Incidents of a job: open ones in full, with their buttons; then those that are over. */
export function incidentsView(incidents: readonly IncidentView[], form: FormContext): Html {
  const open = incidents.filter((i) => i.incident.state !== 'resolved');
  const over = incidents.filter((i) => i.incident.state === 'resolved');
  if (incidents.length === 0)
    return empty('No incident so far.', 'A failure, a restart loop or a lost run opens one, and tells the alert channel.');
  return html`${open.map(({ incident, events }) => html`<div class="incident">${messageView(incidentMessage(incident), form)}<ol class="timeline">${events.map((e) => html`<li>${moment(e.at)} ${e.text}</li>`)}</ol></div>`)}
${over.length > 0 ? section('Over', overTable(over)) : ''}`;
}
function overTable(over: readonly IncidentView[]): Html {
  return table(
    'Incidents that are over, newest first',
    [
      { label: 'What', kind: 'main' },
      { label: 'State' },
      { label: 'Since' },
      { label: 'Lasted', kind: 'num' },
      { label: 'Seen', kind: 'num' },
      { label: 'Looked after by' },
      { label: 'How it ended', kind: 'wide' },
    ],
    over.map(({ incident: i }) => ({
      cells: [
        i.title,
        badge('quiet', i.state),
        moment(i.firstSeen),
        i.resolvedAt ? formatDuration(i.resolvedAt.getTime() - i.firstSeen.getTime()) : '–',
        `${i.occurrences}×`,
        personName(i.ackedBy),
        i.resolution ?? '–',
      ],
    })),
  );
}
