import type { IncidentRef, Message } from '../core/message.ts';

/** The incident that a message tells of; undefined if it is another message. It was stored: what is no text is left out. */
export function incidentOf(message: Message): IncidentRef | undefined {
  const incident = message.incident as Partial<Record<keyof IncidentRef, unknown>> | null | undefined;
  const { id, state, cause } = incident ?? {};
  if (typeof id !== 'string' || id === '' || (state !== 'firing' && state !== 'acknowledged' && state !== 'resolved')) return undefined;
  const found: IncidentRef = { id, state, cause: typeof cause === 'string' ? cause : 'unknown' };
  for (const key of ['job', 'cluster', 'since'] as const) {
    const value = incident?.[key];
    if (typeof value === 'string' && value !== '') found[key] = value;
  }
  return found;
}
