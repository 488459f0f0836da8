import type { Action, IncidentRef } from '../core/message.ts';
import { safeUrl } from './clean.ts';

/** Where on the page a message belongs. */
export function pageOf(publicUrl: string, incident: IncidentRef | undefined): string {
  if (incident?.job) return `${publicUrl}/jobs/${encodeURIComponent(incident.job)}`;
  return incident?.cluster ? `${publicUrl}/clusters` : `${publicUrl}/`;
}

/** Where a button leads that cannot run its command here: its own link, the operation that it names, else the page of the message. */
export function linkOf(action: Action, publicUrl: string, incident: IncidentRef | undefined): string {
  const own = action.url === undefined ? undefined : safeUrl(action.url);
  if (own !== undefined) return own;
  const operation = /\bop_[0-9a-z]{6,20}\b/.exec(action.command ?? '')?.[0];
  return operation ? `${publicUrl}/operations/${operation}` : pageOf(publicUrl, incident);
}
