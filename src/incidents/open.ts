import { newId } from '../core/ids.ts';
import type { PersonRef } from '../core/message.ts';
import { formatDuration } from '../core/time.ts';
import { dbNow, inMs, now } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import type { SilenceFact } from '../db/schema/index.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { tagsOf } from '../jobs/tags.ts';
import { desire, nowhere } from '../outbox/outbox.store.ts';
import { type Cause, callsBack, ruleOf } from './causes.ts';
import { fingerprint } from './fingerprint.ts';
import {
  changeIncidents,
  giveIncidentsBack,
  type Incident,
  incidentsOfGroup,
  insertIncident,
  lastOfKey,
  leaderFor,
  onceMore,
  openOfKey,
  takeIncidents,
  untaken,
} from './incidents.store.ts';
import type { IncidentFacts } from './message.ts';
import { fade, isLarge, leaderOfMessage, repaint, repaintOrFade, tellEvent } from './paint.ts';
import { silenceOver } from './silences.store.ts';

export interface IncidentInput {
  /** One open incident per key, for example `job:etl-orders:failed`. */
  key: string;
  job: string | undefined;
  cluster: string;
  cause: Cause;
  title: string;
  facts: IncidentFacts;
  runId: string | undefined;
  /** Slack channel that hears of it; undefined when none is set: the incident is kept, and its message counts as failed. */
  channel: string | undefined;
  /** Where else, one after the other, when that one takes no messages. */
  fallbackChannels: readonly string[];
  /** How long it has to last before it is told; 0: told at once. */
  settleMs?: number;
}

/** What is over and comes back within this time is the same problem: its message goes on, instead of a new one. */
export const comebackMs = 15 * 60_000;

/** What many do within this time is one event. */
const burstMs = 60_000;

/** Opens an incident with its message, or counts one more occurrence of the open one. True when people are told of it now. */
export async function openIncident(tx: Tx, input: IncidentInput): Promise<boolean> {
  const shared = {
    title: input.title,
    facts: { ...input.facts },
    fingerprint: input.facts.exception ? fingerprint(input.facts.exception, input.job) : null,
    lastSeen: now,
    occurrences: onceMore,
  };
  const open = await openOfKey(tx, input.key);
  if (open) {
    // Who was told of it once hears the rest as well.
    const known = open.facts as IncidentFacts;
    const alsoTo = union(known.alsoTo, input.facts.alsoTo);
    const facts = {
      ...input.facts,
      ...(alsoTo.length > 0 ? { alsoTo } : {}),
      // What was changed before it began, not before it was seen last.
      ...(known.changes ? { changes: known.changes } : {}),
    };
    // Of the run that it is about now: what is read of that one later belongs here.
    await changeIncidents(tx, [open.id], { ...shared, facts, ...(input.runId === undefined ? {} : { runId: input.runId }) });
    if (open.state === 'firing') await repaintOrFade(tx, open);
    return false;
  }
  const settles = (input.settleMs ?? 0) > 0;
  const before = await lastOfKey(tx, input.key, comebackMs);
  // In a message of many that is about another exception nobody would see what broke this time.
  const fits = before !== undefined && (before.fingerprint === shared.fingerprint || !(await isOfMany(tx, before)));
  if (before && fits) return comeBack(tx, before, { ...shared, runId: input.runId ?? null }, settles ? input.settleMs : undefined);
  const row = await insertIncident(tx, {
    ...shared,
    occurrences: 1,
    id: newId('inc'),
    key: input.key,
    job: input.job ?? null,
    cluster: input.cluster,
    cause: input.cause,
    state: 'pending',
    runId: input.runId ?? null,
    channel: input.channel ?? null,
    fallbackChannels: [...input.fallbackChannels],
    firstSeen: now,
    fireAt: settles ? inMs(input.settleMs ?? 0) : now,
  });
  if (settles) return false;
  await fire(tx, row);
  return true;
}
type AlsoTo = NonNullable<IncidentFacts['alsoTo']>;
/** Channels of both lists, each once. */
export function union(a: AlsoTo = [], b: AlsoTo = []): AlsoTo {
  return [...a, ...b.filter((one) => !a.some((other) => other.name === one.name))];
}
/** The same problem again, shortly after it was over: nobody looks after it any more, and its message says so. */
async function comeBack(
  tx: Tx,
  before: Incident,
  shared: Partial<Parameters<typeof changeIncidents>[2]>,
  settleMs: number | undefined,
): Promise<boolean> {
  const [row] = await changeIncidents(tx, [before.id], {
    ...shared,
    state: 'pending',
    fireAt: inMs(settleMs ?? 0),
    silenced: null,
    ...untaken,
    resolvedAt: null,
    resolution: null,
  });
  if (!row || settleMs !== undefined) return false;
  await fire(tx, row);
  return true;
}

/**
 * What people were told of has become another problem: it goes on in its own message, under the key, cause and words of that. They are called once more,
 * unless that happened often enough. False for one that is told in a message of many, or not at all: then the other problem has one of its own.
 */
export async function turnInto(tx: Tx, before: Incident, input: IncidentInput): Promise<boolean> {
  if (before.messageId === null || before.leaderId !== null || before.joined > 0) return false;
  const known = before.facts as IncidentFacts;
  const alsoTo = union(known.alsoTo, input.facts.alsoTo);
  const [row] = await changeIncidents(tx, [before.id], {
    // Who looked after what was over does not look after this; a silence may have begun or ended since.
    ...(before.state === 'firing' ? {} : untaken),
    silenced: await silenceOf(tx, before),
    key: input.key,
    cause: input.cause,
    title: input.title,
    facts: { ...input.facts, ...(alsoTo.length > 0 ? { alsoTo } : {}), ...(known.changes ? { changes: known.changes } : {}) },
    fingerprint: input.facts.exception ? fingerprint(input.facts.exception, input.job) : null,
    runId: input.runId ?? null,
    state: 'firing',
    fireAt: now,
    lastSeen: now,
    resolvedAt: null,
    resolution: null,
    calledAt: null,
    escalatedAt: null,
  });
  if (!row) return false;
  await repaint(tx, row);
  const calls = row.comebacks < callsBack && row.silenced === null && row.ackedBy === null;
  await tellEvent(tx, row, row.title, { ...(calls ? { calls: 'on-call' } : {}), thread: row.comebacks < callsBack });
  return true;
}

/** Whether people are called as soon as it is told: what is critical and no blindness of Sluice itself. */
const callsAtOnce = ({ cause }: Pick<Incident, 'cause'>): boolean => ruleOf(cause).severity === 'critical' && !ruleOf(cause).patient;

/** Tells of a problem: by a message of its own, in the message of others like it, or, while it is silenced, only on the page. */
export async function fire(tx: Tx, row: Incident): Promise<void> {
  const silenced = await silenceOf(tx, row);
  // Nobody was called to it yet, this time: how long it lasts counts from now.
  const fired = { state: 'firing' as const, fireAt: now, calledAt: null, escalatedAt: null, silenced };
  if (row.messageId !== null) {
    const large = await leaderOfMessage(tx, row);
    // Only what people were told of counts as coming back.
    const comebacks = row.comebacks + 1;
    if (isLarge(large)) return fireInCrowd(tx, row, large, { ...fired, comebacks });
    const calls = !silenced && comebacks <= callsBack;
    const [again] = await changeIncidents(tx, [row.id], { ...fired, comebacks });
    if (again) await repaint(tx, again);
    const last = comebacks === callsBack ? '. From now on only the message is brought up to date when it comes back.' : '';
    await tellEvent(tx, again ?? row, `Again: ${row.title}${last}`, {
      ...(calls && callsAtOnce(row) ? { calls: 'on-call' } : {}),
      thread: calls,
    });
    return;
  }
  if (silenced) {
    const [quiet] = await changeIncidents(tx, [row.id], fired);
    await tellEvent(tx, quiet ?? row, `${row.title} (silenced by ${silenced.by.name ?? silenced.by.userId}: ${silenced.reason})`);
    return;
  }
  const leader = await leaderOf(tx, row);
  if (leader) {
    const [joined] = await changeIncidents(tx, [row.id], { ...fired, leaderId: leader.id, messageId: leader.messageId });
    const [grown] = await changeIncidents(tx, [leader.id], { joined: leader.joined + 1, joinedAt: now });
    if (joined && grown && !isLarge(grown)) await repaint(tx, joined);
    // Whoever took what was there then does not look again by himself; the first one that joins calls, the rest is in the message.
    const calls = leader.ackedAt !== null && (leader.joinedAt ?? leader.firstSeen) < leader.ackedAt;
    await tellEvent(tx, joined ?? row, row.title, { thread: false });
    if (calls) await tellEvent(tx, leader, `And now: ${row.title}`, callsAtOnce(row) ? { calls: 'on-call', also: [row] } : {});
    return;
  }
  const messageId = await desire(tx, {
    dedupeKey: `incident:${row.id}`,
    channel: row.channel ?? nowhere,
    fallbackChannels: row.fallbackChannels,
    message: { tone: 'bad', title: row.title, parts: [] },
    priority: 1,
  });
  const [told] = await changeIncidents(tx, [row.id], { ...fired, messageId, joinedAt: now });
  if (told) await repaint(tx, told);
  await tellEvent(tx, told ?? row, row.title, { thread: false });
}

/** One of very many comes back, as the others may in the same minute: the first one calls for all of them, the message counts the rest. */
async function fireInCrowd(
  tx: Tx,
  row: Incident,
  leader: Incident,
  fired: Parameters<typeof changeIncidents>[2] & { silenced: SilenceFact | null; comebacks: number },
): Promise<void> {
  const [again] = await changeIncidents(tx, [row.id], fired);
  const quietMs = (await dbNow(tx)).getTime() - (leader.joinedAt ?? leader.firstSeen).getTime();
  const calls = quietMs >= burstMs && !fired.silenced && fired.comebacks <= callsBack;
  await fade(tx, leader, { joins: calls });
  await tellEvent(tx, again ?? row, `Again: ${row.title}`, { thread: false });
  const words = `Again: ${row.title}. The message counts those that follow.`;
  if (calls) await tellEvent(tx, leader, words, callsAtOnce(row) ? { calls: 'on-call', also: [row] } : {});
}

/** Whether its message tells of others too. */
async function isOfMany(tx: Tx, row: Incident): Promise<boolean> {
  return row.leaderId !== null || (await incidentsOfGroup(tx, row.id, 1)).total > 1;
}

/** The silence that an incident is under now. */
export async function silenceOf(tx: Tx, row: Incident): Promise<SilenceFact | null> {
  const job = row.job === null ? undefined : await findJob(tx, row.job);
  const silence = await silenceOver(tx, {
    job: row.job ?? undefined,
    team: job?.team,
    cluster: row.cluster ?? undefined,
    tags: job ? tagsOf(job.current.definition) : [],
  });
  return silence ? { id: silence.id, by: silence.by, reason: silence.reason, until: silence.until.toISOString() } : null;
}

/** The incident in whose message this one can be told; none for what Sluice itself brought about, which has a story of its own. */
async function leaderOf(tx: Tx, row: Incident): Promise<Incident | undefined> {
  const { together } = ruleOf(row.cause);
  const same = together === 'exception' ? row.fingerprint : together === 'cluster' ? row.cluster : null;
  if (same === null || (row.facts as IncidentFacts).byOperation) return undefined;
  return leaderFor(tx, { cause: row.cause, channel: row.channel, [together as string]: same });
}

/** Closes the open incidents of these keys; their messages say how. */
export async function resolveIncidents(tx: Tx, keys: readonly string[], resolution: string): Promise<void> {
  for (const key of keys) {
    const open = await openOfKey(tx, key);
    const [row] = open ? await changeIncidents(tx, [open.id], { state: 'resolved', resolvedAt: now, resolution }) : [];
    if (!row) continue;
    // What came back and passed before it was told again is no news.
    const heard = open?.state === 'firing';
    const large = row.messageId === null ? undefined : await repaintOrFade(tx, row, heard && row.comebacks <= callsBack);
    // That all of very many are over is told by watch, in one line.
    await tellEvent(tx, row, resolution, { thread: heard && row.comebacks === 0 && !large });
  }
}
/**
 * Notes who looks after an incident, and after all that its message tells; until it is over, or for so long.
 * @returns those that nobody looked after before; none when it is closed or somebody else does.
 */
export async function acknowledgeIncidents(
  tx: Tx,
  ids: readonly string[],
  by: PersonRef,
  more: { reason?: string | undefined; forMs?: number | undefined } = {},
): Promise<Incident[]> {
  const taken = await takeIncidents(tx, ids, by, more);
  const first = taken[0];
  if (!first) return [];
  await repaint(tx, first);
  const lasts = more.forMs === undefined ? '' : ` for ${formatDuration(more.forMs)}`;
  await tellEvent(tx, first, `Acknowledged by ${by.name ?? by.userId}${lasts}${more.reason ? `: ${more.reason}` : '.'}`);
  return taken;
}
/** Nobody looks after these any more: who is on call is called again. Returns those that somebody had looked after. @param words why, a sentence. */
export async function unacknowledgeIncidents(tx: Tx, ids: readonly string[], words: string): Promise<Incident[]> {
  const given = await giveIncidentsBack(tx, ids);
  const loud = given.filter((row) => row.silenced === null);
  const first = loud.find((row) => row.leaderId === null) ?? loud[0] ?? given[0];
  if (!first) return [];
  await repaint(tx, first);
  await tellEvent(tx, first, words, loud.length > 0 ? { calls: 'on-call', also: loud.slice(1) } : {});
  return given;
}
