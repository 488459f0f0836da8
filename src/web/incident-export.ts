import { messageToText } from '../core/message.ts';
import type { Incident } from '../incidents/incidents.store.ts';
import { incidentMessage } from '../incidents/message.ts';

/** One incident as a text for a review: what its message says, and its timeline in UTC. Markdown. */
export function incidentExport(incident: Incident, lines: readonly { at: Date; words: string }[]): string {
  // Buttons are of no use in a file.
  const said = incidentMessage(incident);
  const parts = said.parts.filter((part) => part.kind !== 'actions');
  const [title = '', ...text] = messageToText({ ...said, parts }).split('\n');
  return [
    `# ${title}`,
    '',
    ...text.map((line) => `    ${line}`),
    '',
    '## Timeline',
    '',
    ...lines.map((line) => `- ${line.at.toISOString().slice(0, 19).replace('T', ' ')} UTC: ${line.words.replace(/\s+/g, ' ')}`),
    '',
  ].join('\n');
}
