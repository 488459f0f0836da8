import { messageToText, type Part } from '../core/message.ts';
import type { Incident } from '../incidents/incidents.store.ts';
import { incidentMessage } from '../incidents/message.ts';

/** One incident as a text for a review: what its message says, and its timeline in UTC. Markdown. */
export function incidentExport(incident: Incident, lines: readonly { at: Date; words: string }[]): string {
  // Buttons and links are of no use in a file.
  const said = incidentMessage(incident);
  const isLink = (part: Part) => part.kind === 'context' && part.spans.some((span) => typeof span === 'object' && 'link' in span);
  const parts = said.parts.filter((part) => part.kind !== 'actions' && !isLink(part));
  const state = incident.state === 'resolved' ? `over ${utc(incident.resolvedAt ?? incident.lastSeen)}` : 'not over';
  const [title = '', ...text] = messageToText({ ...said, parts }).split('\n');
  return [
    `# ${title}`,
    '',
    `${incident.id}, since ${utc(incident.firstSeen)}, ${state}. All times are UTC.`,
    '',
    ...text.map((line) => `    ${line}`),
    '',
    '## Timeline',
    '',
    ...lines.map((line) => `- ${utc(line.at)}: ${line.words.replace(/\s+/g, ' ')}`),
    '',
  ].join('\n');
}
const utc = (at: Date) => at.toISOString().slice(0, 19).replace('T', ' ');
