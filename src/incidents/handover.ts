import { listTeams } from '../access/people.store.ts';
import type { Message } from '../core/message.ts';
import type { Db, Tx } from '../db/db.ts';
import { listJobs } from '../jobs/jobs.store.ts';
import type { KeepDefaults } from '../operations/retention.fetch.ts';
import { desire } from '../outbox/outbox.store.ts';
import { goingPoints, holdPoints, stay, tellGoing } from '../restore-points/retention.store.ts';
import { handoverFacts, toldBeforeMs } from './handover.fetch.ts';
import { handoverMessage, toldFirst } from './handover.rule.ts';

interface Defaults {
  defaultChannel: string | undefined;
}

const dayMs = 24 * 3_600_000;
/** A hand-over tells of the time since the one before: over a weekend, a holiday, a time without Sluice; never of more than two weeks. */
export function handoverSince(before: Date | undefined, now: Date): Date {
  const sinceMs = now.getTime() - (before?.getTime() ?? 0);
  return new Date(now.getTime() - (before === undefined ? dayMs : Math.min(14 * dayMs, Math.max(dayMs, sinceMs))));
}

/** The teams that have jobs and a channel to speak in. */
export async function handoverTeams(db: Db, defaults: Defaults): Promise<{ team: string; channel: string }[]> {
  const known = new Map((await listTeams(db)).map((team) => [team.name, team.channel]));
  const teams = new Set((await listJobs(db)).map((job) => job.team));
  return [...teams].sort().flatMap((team) => {
    const channel = known.get(team) ?? defaults.defaultChannel;
    return channel === undefined ? [] : [{ team, channel }];
  });
}

/** The hand-over of a team as it would be told now, of the last day. */
export async function buildHandover(db: Db, team: string, now: Date, keep: KeepDefaults): Promise<Message> {
  return handoverMessage(await handoverFacts(db, team, now, handoverSince(undefined, now), keep));
}

/**
 * Posts the day's hand-over of a team; the same day again edits it. Savepoints that its retention lets go get their day here and nowhere else, and only those that fit into it: what no
 * message told is never deleted.
 * @param day `2026-11-25` in the hand-over's time zone.
 */
export async function postHandover(
  tx: Tx,
  { team, channel }: { team: string; channel: string },
  day: string,
  times: { now: Date; since: Date },
  keep: KeepDefaults,
): Promise<void> {
  const facts = await handoverFacts(tx, team, times.now, times.since, keep, { marks: true });
  const messageId = await desire(tx, { dedupeKey: `handover:${team}:${day}`, channel, message: handoverMessage(facts), priority: 3 });
  const goes = new Set(facts.going.map((one) => one.point.id));
  const jobs = (await listJobs(tx)).filter((job) => job.team === team).map((job) => job.name);
  await stay(
    tx,
    (await goingPoints(tx, jobs)).filter((point) => !goes.has(point.id)).map((point) => point.id),
  );
  // Under a lock, so that none is told to go that is deleted or chosen at this moment.
  const fresh = (await holdPoints(tx, toldFirst(facts))).filter(
    (point) => point.state === 'available' && point.goesAt === null && !point.pinned,
  );
  await tellGoing(
    tx,
    fresh.map((point) => point.id),
    toldBeforeMs,
    messageId,
  );
}
