import { formatDuration } from '../core/time.ts';
import { dbNow, now } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import { type Cause, causeRules, patientMs, ruleOf } from './causes.ts';
import { duePending, lapsedIncidents, uncalled, unheard, unpaintedLeaders } from './due.store.ts';
import { changeIncidents, findIncident, type Incident, openOfKey, unresolvedIncidents } from './incidents.store.ts';
import type { IncidentFacts } from './message.ts';
import { fire, silenceOf, unacknowledgeIncidents, union } from './open.ts';
import { hasFaded, repaint, repaintOrFade, tellAlike, tellEvent } from './paint.ts';
import { dueSilences, endSilences, type Silence } from './silences.store.ts';

/** When people are called once more to what nobody looks after: critical problems the first time, then those to whom it goes when nobody comes; then, to everything, again and again. */
export interface CallTimes {
  firstMs: number;
  escalateMs: number;
  againMs: number;
}
/** What Slack has not taken for so long goes to the other channels. */
const unheardForMs = 5 * 60_000;
type AlsoTo = NonNullable<IncidentFacts['alsoTo']>;
const patient = (Object.keys(causeRules) as Cause[]).filter((cause) => ruleOf(cause).patient);
const critical = (Object.keys(causeRules) as Cause[]).filter((cause) => causeRules[cause].severity === 'critical');

/**
 * What time brings to incidents: pending ones that last are told, silences and acknowledgements end, people are called again, messages of many count them all.
 * @param slackIsDown channels that are told of what Slack has not taken for 5 minutes.
 * @returns whether anything is to be sent.
 */
export async function carryIncidentsOn(tx: Tx, calls: CallTimes, slackIsDown: AlsoTo = []): Promise<boolean> {
  let news = false;
  for (const row of await duePending(tx)) {
    await fire(tx, row);
    news = true;
  }
  for (const silence of await endSilences(
    tx,
    (await dueSilences(tx)).map((one) => one.id),
  )) {
    await endedSilence(tx, silence, 'The silence is over.');
    news = true;
  }
  for (const rows of Map.groupBy(await lapsedIncidents(tx), (row) => row.messageId ?? row.id).values()) {
    const who = [...new Set(rows.map((row) => row.ackedBy?.name ?? row.ackedBy?.userId))].join(' and ');
    await unacknowledgeIncidents(
      tx,
      rows.map((row) => row.id),
      `The time for which ${who} looked after it is over.`,
    );
    news = true;
  }
  const at = await dbNow(tx);
  const messages = Map.groupBy(await uncalled(tx, critical, { causes: patient, forMs: patientMs }, calls), (row) => row.messageId);
  // One call for each message, however many jobs it tells of.
  for (const [row, ...others] of messages.values()) {
    if (!row) continue;
    const [called] = await changeIncidents(
      tx,
      [row, ...others].map((one) => one.id),
      { calledAt: now },
    );
    const escalated = [row, ...others].filter((one) => one.escalates).map((one) => one.id);
    if (escalated.length > 0) await changeIncidents(tx, escalated, { escalatedAt: now });
    // Channels that were spared while it came and went hear of it now.
    if (called) await repaint(tx, called);
    await tellEvent(tx, row, `Nobody looks after it, for ${formatDuration(at.getTime() - row.firstSeen.getTime())} now.`, {
      calls: escalated.length > 0 || row.escalatedAt !== null ? 'all' : 'on-call',
      also: others,
    });
    news = true;
  }
  const unheardLeaders = new Set((slackIsDown.length > 0 ? await unheard(tx, unheardForMs) : []).map((one) => one.leaderId ?? one.id));
  for (const id of unheardLeaders) {
    const row = await findIncident(tx, id);
    if (!row) continue;
    const facts = row.facts as IncidentFacts;
    const alsoTo = union(facts.alsoTo, slackIsDown);
    if (alsoTo.length === (facts.alsoTo ?? []).length) continue;
    const [wider] = await changeIncidents(tx, [row.id], { facts: { ...facts, alsoTo } });
    if (wider) await repaint(tx, wider);
    news = true;
  }
  for (const leader of await unpaintedLeaders(tx)) {
    const { total, open } = await repaint(tx, leader);
    if (open === 0 && hasFaded(leader)) await tellEvent(tx, leader, `All ${total} are over.`);
    news = true;
  }
  return news;
}

/** What fell under a silence that is over: what was kept from people is told now, the rest says that it is not silenced any more. */
export async function endedSilence(tx: Tx, silence: Silence, words: string): Promise<void> {
  const mine = (await unresolvedIncidents(tx)).filter((row) => row.silenced?.id === silence.id);
  const told: Incident[] = [];
  for (const seen of mine) {
    // Read again under its lock: it may be over by now.
    const row = await openOfKey(tx, seen.key);
    if (row?.silenced?.id !== silence.id) continue;
    const silenced = await silenceOf(tx, row);
    const [loud] = await changeIncidents(tx, [row.id], { silenced });
    if (!loud || loud.state === 'pending') continue;
    if (silenced) {
      if (loud.messageId !== null) await repaintOrFade(tx, loud);
      continue;
    }
    if (loud.messageId === null) {
      await fire(tx, loud);
      continue;
    }
    told.push(loud);
  }
  await tellAlike(tx, told, words);
}
/** What is open already falls under a new silence: its message says so, and nobody is called to it. */
export async function beganSilence(
  tx: Tx,
  silence: Silence,
  covers: (row: { job: string | null; cluster: string | null }) => boolean,
): Promise<number> {
  const mine = (await unresolvedIncidents(tx)).filter(covers);
  const told: Incident[] = [];
  for (const seen of mine) {
    const row = await openOfKey(tx, seen.key);
    // Of two silences the one that lasts longer counts.
    if (!row || (row.silenced && row.silenced.until >= silence.until.toISOString())) continue;
    const silenced = { id: silence.id, by: silence.by, reason: silence.reason, until: silence.until.toISOString() };
    const [quiet] = await changeIncidents(tx, [row.id], { silenced });
    if (!quiet || quiet.messageId === null) continue;
    told.push(quiet);
  }
  await tellAlike(tx, told, `Silenced by ${silence.by.name ?? silence.by.userId}: ${silence.reason}`);
  return mine.length;
}
