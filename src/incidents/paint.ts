import { type Part, text } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import { desire, findMessage, nowhere } from '../outbox/outbox.store.ts';
import { callsBack } from './causes.ts';
import {
  changeIncidents,
  findIncident,
  type Incident,
  incidentsOfGroup,
  insertEvent,
  listEvents,
  lockIncident,
} from './incidents.store.ts';
import { groupMessage, groupSpans, type IncidentFacts, incidentMessage, shownOfGroup } from './message.ts';

/** Brings the message of an incident up to date, also when it is told in the message of another. */
export async function repaint(tx: Tx, row: Incident): Promise<void> {
  const leaderId = row.leaderId ?? row.id;
  // Two that tell of one message at once do so one after the other, each with what the other has written.
  await lockIncident(tx, leaderId);
  const { rows, ...counts } = await incidentsOfGroup(tx, leaderId, shownOfGroup);
  const leader = rows.find((one) => one.id === leaderId) ?? (await findIncident(tx, leaderId));
  if (!leader) return;
  const message = counts.total === 1 ? incidentMessage(leader) : groupMessage(leader, rows, counts);
  await desire(tx, { dedupeKey: `incident:${leaderId}`, channel: nowhere, message, priority: 1 });
  // What is silenced, or comes back again and again without lasting, calls nobody by other ways either.
  const openRows = rows.filter((one) => one.state !== 'resolved');
  const flaps = leader.comebacks > callsBack && leader.calledAt === null;
  const quiet = flaps || (openRows.length > 0 && openRows.every((one) => one.silenced !== null));
  for (const { kind, name } of quiet ? [] : ((leader.facts as IncidentFacts).alsoTo ?? []))
    await desire(tx, { dedupeKey: `incident:${leaderId}:${name}`, channelKind: kind, channel: name, message, priority: 1 });
  if (leader.painted !== leader.joined) await changeIncidents(tx, [leaderId], { painted: leader.joined });
}

/**
 * A line of the timeline, also in the Slack thread (all but the first, which the message itself says).
 * @param options `calls` mentions who is on call, or also to whom it goes when nobody comes, of this one and of `also`; `thread: false` keeps it out of Slack.
 */
export async function tellEvent(
  tx: Tx,
  row: Incident,
  line: string,
  options: { calls?: 'on-call' | 'all'; also?: readonly Incident[]; thread?: boolean } = {},
): Promise<void> {
  const id = await insertEvent(tx, row.id, line);
  if (options.thread === false || row.messageId === null || (await listEvents(tx, row.id)).length === 1) return;
  const root = await findMessage(tx, row.messageId);
  const channel = root?.sentChannel ?? root?.channel ?? nowhere;
  if (channel === nowhere) return;
  const facts = [row, ...(options.also ?? [])].map((one) => one.facts as IncidentFacts);
  const onCall = options.calls ? facts.map((one) => one.onCall) : [];
  const escalateTo = options.calls === 'all' ? facts.map((one) => one.escalateTo) : [];
  const groups = [...new Set([...onCall, ...escalateTo])].filter((one) => one !== undefined);
  const parts: Part[] = groups.length > 0 ? [text(...groupSpans(groups))] : [];
  const title = row.leaderId !== null && row.job && !line.includes(row.job) ? `${row.job}: ${line}` : line;
  await desire(tx, { dedupeKey: `incident-event:${id}`, channel, threadOf: row.messageId, message: { tone: 'neutral', title, parts } });
}
