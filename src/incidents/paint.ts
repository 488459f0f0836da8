import { type Part, text } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import { desire, findMessage, hushThread, nowhere, repaintWanted } from '../outbox/outbox.store.ts';
import { callsBack, ruleOf } from './causes.ts';
import {
  changeIncidents,
  findIncident,
  type Incident,
  incidentsOfGroup,
  insertEvent,
  listEvents,
  lockIncident,
  lowerPainted,
} from './incidents.store.ts';
import { groupMessage, groupSpans, type IncidentFacts, incidentMessage, shownOfGroup } from './message.ts';

/** A message that counts so many already is repainted by watch, not by each one that joins, is over or comes back; nor has each a line in its thread. */
const paintUpTo = 12;
export const isLarge = (leader: Incident): boolean => leader.joined >= paintUpTo;
/** Under `joined`, whatever that is: watch repaints it, and says so when all are over. */
const faded = { quietly: -1, toTell: -2 };
/** Whether something in the message of a large one was over since it was painted, of which people were told. */
export const hasFaded = (leader: Incident): boolean => leader.painted <= faded.toTell && isLarge(leader);
/** Has the message of a large one brought up to date at the next look at what time brings. @param tells that all are over is worth a line. */
export async function fade(tx: Tx, leader: Incident, { tells = false, joins = false } = {}): Promise<void> {
  await lowerPainted(tx, leader.id, tells ? faded.toTell : faded.quietly, joins);
}
/** The incident in whose message this one is told: often itself. */
export async function leaderOfMessage(tx: Tx, row: Incident): Promise<Incident> {
  return (row.leaderId === null ? undefined : await findIncident(tx, row.leaderId)) ?? row;
}

/** Brings the message of an incident up to date, also when it is told in the message of another. Says how many it tells of, and how many are not over. */
export async function repaint(tx: Tx, row: Incident): Promise<{ total: number; open: number }> {
  const leaderId = row.leaderId ?? row.id;
  // Two that tell of one message at once do so one after the other, each with what the other has written.
  await lockIncident(tx, leaderId);
  const { rows, ...counts } = await incidentsOfGroup(tx, leaderId, shownOfGroup);
  const leader = rows.find((one) => one.id === leaderId) ?? (await findIncident(tx, leaderId));
  if (!leader) return counts;
  const message = counts.total === 1 ? incidentMessage(leader) : groupMessage(leader, rows, counts);
  await desire(tx, { dedupeKey: `incident:${leaderId}`, channel: nowhere, message, priority: 1 });
  // What is silenced, or comes back again and again without lasting, calls nobody by other ways either.
  const openRows = rows.filter((one) => one.state !== 'resolved');
  const flaps = (leader.comebacks > callsBack || ruleOf(leader.cause).patient === true) && leader.calledAt === null;
  const quiet = openRows.length > 0 && openRows.every((one) => one.silenced !== null);
  for (const { kind, name } of quiet ? [] : ((leader.facts as IncidentFacts).alsoTo ?? [])) {
    const dedupeKey = `incident:${leaderId}:${name}`;
    if (!flaps) await desire(tx, { dedupeKey, channelKind: kind, channel: name, message, priority: 1 });
    // Where it was told while it did not, its end is told too.
    else if (counts.open === 0) await repaintWanted(tx, dedupeKey, message);
  }
  // What waits to be read in its thread calls nobody to what is over by then.
  if (counts.open === 0 && leader.messageId !== null) await hushThread(tx, leader.messageId);
  if (leader.painted !== leader.joined) await changeIncidents(tx, [leaderId], { painted: leader.joined });
  return counts;
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

/** Brings the message of one up to date: at once, or at the next look at what time brings where it tells of very many; which leader's that is then. */
export async function repaintOrFade(tx: Tx, row: Incident, tells = false): Promise<Incident | undefined> {
  const leader = await leaderOfMessage(tx, row);
  if (!isLarge(leader)) {
    await repaint(tx, row);
    return undefined;
  }
  await fade(tx, leader, { tells });
  return leader;
}

/** Brings messages up to date and adds a line about something that happens to many alike: of a message of very many once, with how many it is about. */
export async function tellAlike(tx: Tx, rows: readonly Incident[], line: string): Promise<void> {
  for (const mine of Map.groupBy(rows, (row) => row.leaderId ?? row.id).values()) {
    let large: Incident | undefined;
    for (const row of mine) {
      large = await repaintOrFade(tx, row);
      await tellEvent(tx, row, line, { thread: large === undefined });
    }
    if (!large) continue;
    const total = large.joined + 1;
    const of = mine.length === 1 ? `${mine[0]?.job ?? mine[0]?.key}: ` : mine.length < total ? `${mine.length} of ${total} jobs: ` : '';
    await tellEvent(tx, large, `${of}${line}`);
  }
}
