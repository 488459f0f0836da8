import type { SettingsOf } from '../config/channels.ts';
import type { IncidentRef, Message, Tone } from '../core/message.ts';
import type { Channel, ChannelDeps, Outgoing, SendResult } from './channel.ts';
import { bytes, cleanLine, fitLines, safeUrl } from './clean.ts';
import { linesOf, plain, titleOf, wordsOf } from './flatten.ts';
import { postJson, readSecrets, resultOfStatus } from './http-channel.ts';
import { linkOf, pageOf } from './page-links.ts';

/** PagerDuty: summary 1,024 characters, dedup_key 255, the whole event 512 KB. */
const summaryLimit = 1_024;
const keyLimit = 255;
const detailBytes = 16_000;
const severities: Record<Tone, 'critical' | 'warning' | 'info'> = {
  bad: 'critical',
  warn: 'warning',
  good: 'info',
  neutral: 'info',
  busy: 'info',
};
type Action = 'trigger' | 'acknowledge' | 'resolve';
const actionOf: Record<IncidentRef['state'], Action> = { firing: 'trigger', acknowledged: 'acknowledge', resolved: 'resolve' };

/**
 * PagerDuty's Events API v2 (`POST /v2/enqueue`), and what speaks it: an incident triggers, is acknowledged and resolves under one
 * `dedup_key`, its id, so that repeating is harmless. Messages that are of no incident are refused, for they must wake nobody; those in a
 * thread (the timeline) have no place there and count as sent. 2xx is accepted, 429 and 5xx later, 400 refused.
 * Source: https://developer.pagerduty.com/docs/events-api-v2-overview (response codes, limits) and .../send-alert-event (fields).
 */
export function createEvents(settings: SettingsOf<'events'>, deps: ChannelDeps): Channel {
  async function enqueue(outgoing: Outgoing, incident: IncidentRef, action: Action, key: string): Promise<SendResult> {
    const body = JSON.stringify(eventOf(outgoing, incident, action, key, deps.publicUrl));
    const posted = await postJson({ url: settings.url, body, timeoutMs: settings.timeout });
    if ('failed' in posted) return posted.failed;
    const result = resultOfStatus(posted.answer, [key], deps.now?.() ?? Date.now());
    return result.is === 'sent' ? { ...result, note: action } : result;
  }
  return {
    takesRepaints: false,
    opensIncidents: true,
    async send(outgoing) {
      if (outgoing.thread !== undefined) return { is: 'sent', answer: 'nothing is sent for a message in a thread' };
      const { incident, before } = outgoing;
      if (incident === undefined) return { is: 'refused', reason: 'not_an_incident' };
      const read = readSecrets({ key: settings.routingKey }, deps);
      if ('failed' in read) return read.failed;
      const key = read.values.key ?? '';
      const action = actionOf[incident.state];
      const isOpenThere = before?.note === 'trigger' || before?.note === 'acknowledge';
      if (action === 'acknowledge' && !isOpenThere) {
        // What was never triggered cannot be acknowledged: the event would be dropped.
        const opened = await enqueue(outgoing, incident, 'trigger', key);
        if (opened.is !== 'sent') return opened;
      }
      return enqueue(outgoing, incident, action, key);
    },
  };
}

/** The event; acknowledging and resolving need its key alone. */
function eventOf(outgoing: Outgoing, incident: IncidentRef, action: Action, routingKey: string, publicUrl: string): object {
  const { message } = outgoing;
  const event = { routing_key: routingKey, event_action: action, dedup_key: cleanLine(incident.id, keyLimit) };
  if (action !== 'trigger') return event;
  const source = cleanLine(incident.cluster ?? 'Sluice', 250);
  return {
    ...event,
    client: 'Sluice',
    client_url: pageOf(publicUrl, incident),
    links: linksOf(message, incident, publicUrl),
    payload: {
      summary: titleOf(message, summaryLimit),
      source,
      severity: severities[message.tone],
      ...(incident.since === undefined ? {} : { timestamp: incident.since }),
      ...(incident.job === undefined ? {} : { component: cleanLine(incident.job, 250) }),
      group: source,
      class: cleanLine(incident.cause, 250),
      custom_details: detailsOf(message, incident, publicUrl),
    },
  };
}

function detailsOf(message: Message, incident: IncidentRef, publicUrl: string): Record<string, string> {
  const details = new Map<string, string>();
  for (const part of message.parts) {
    if (part.kind !== 'fields') continue;
    for (const { label, value } of part.fields.slice(0, 40))
      details.set(cleanLine(label, 100) || '–', cleanLine(wordsOf(value, plain, label), 1_000));
  }
  const others = message.parts.filter((part) => part.kind !== 'fields' && part.kind !== 'actions');
  const text = fitLines(linesOf({ ...message, parts: others }, plain, { publicUrl, incident }), detailBytes, bytes);
  if (text !== '') details.set('Details', text);
  return Object.fromEntries([...details].slice(0, 60));
}

function linksOf(message: Message, incident: IncidentRef, publicUrl: string): { href: string; text: string }[] {
  const links = [{ href: pageOf(publicUrl, incident), text: 'Page' }];
  for (const part of message.parts) {
    if (part.kind === 'actions')
      links.push(
        ...part.actions.map((action) => ({ href: linkOf(action, publicUrl, incident), text: cleanLine(action.label, 100) || 'Open' })),
      );
    if (part.kind !== 'text' && part.kind !== 'context') continue;
    for (const span of part.spans) {
      const href = typeof span === 'object' && 'link' in span ? safeUrl(span.url) : undefined;
      if (href !== undefined && typeof span === 'object' && 'link' in span) links.push({ href, text: cleanLine(span.link, 100) || href });
    }
  }
  return links.filter((link, i) => links.findIndex((other) => other.href === link.href && other.text === link.text) === i).slice(0, 20);
}
