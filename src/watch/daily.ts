import cron from 'node-cron';
import type { Log } from '../core/log.ts';
import { dbNow } from '../db/clock.ts';
import type { Database, Tx } from '../db/db.ts';
import { firstTick, takeTick } from './schedules.store.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const minuteOf = (at: Date) => new Date(Math.floor(at.getTime() / minuteMs) * minuteMs);

export interface DailyOptions {
  database: Database;
  log: Log;
  /** `digest` */
  name: string;
  /** Cron expression. */
  at: string;
  timeZone: string;
  signal: AbortSignal;
}
/** One team's or channel's post. */
export interface DailyPost {
  /** The team or the channel. */
  of: string;
  /** Posts it, in the transaction that decides that nobody else does. */
  post(tx: Tx, times: DailyTimes): Promise<void>;
}
export interface DailyTimes {
  /** `2026-11-25`: the day that it belongs to, in the time zone. */
  day: string;
  now: Date;
  /** When this one was due the last time that it was posted; undefined: never. */
  before: Date | undefined;
}

/**
 * What is posted once a day, to each of several: whoever asks posts what today still lacks and whose time has passed. So nothing is lost to a restart, to
 * being down at that minute, or to another one's fault. Returns what asks: true when anything was posted. Called as often as one likes.
 */
export function createDaily(options: DailyOptions, posts: () => Promise<readonly DailyPost[]>): () => Promise<boolean> {
  const { database, log, name } = options;
  const lastDue = dueToday(options.at, options.timeZone);
  /** All that was due at this moment is posted. */
  let settled: Date | undefined;
  let began: Date | undefined;

  return async () => {
    const now = await dbNow(database.db);
    began ??= await firstTick(database.db, name, minuteOf(now));
    const due = lastDue.at(now);
    // What was due before this installation was there concerns nobody.
    if (due === undefined || due < began || settled?.getTime() === due.getTime()) return false;
    let [posted, failed] = [false, false];
    for (const one of await posts()) {
      if (options.signal.aborted) return posted;
      try {
        const ours = await database.transaction(async (tx) => {
          const taken = await takeTick(tx, `${name}:${one.of}`, due);
          if (taken) await one.post(tx, { day: lastDue.day(due), now, before: taken.before });
          return taken !== undefined;
        });
        if (ours) posted = true;
      } catch (error) {
        failed = true;
        log.warn({ task: name, of: one.of, error: String(error) }, 'could not be posted: tried again in a minute');
      }
    }
    if (!failed) settled = due;
    return posted;
  };
}

/** The latest minute of the day that a cron expression matches, up to a moment. */
function dueToday(expression: string, timeZone: string) {
  const task = cron.createTask(expression, () => {}, { timezone: timeZone });
  void task.destroy();
  // To look at a minute costs: only those of an hour are that it may be, wherever the zone is (they differ by quarters of an hour).
  const minutes = new Set(cron.parse(expression).minute.flatMap((minute) => [0, 15, 30, 45].map((off) => (minute + off) % 60)));
  const matches = (at: Date) => minutes.has(at.getUTCMinutes()) && task.match(at);
  const format = new Intl.DateTimeFormat('en-CA', { timeZone });
  const day = (at: Date) => format.format(at);
  // A day has many minutes: those that were looked at are not looked at again.
  let seen: { to: Date; due: Date | undefined } | undefined;
  return {
    day,
    at(now: Date): Date | undefined {
      const to = minuteOf(now);
      const today = day(to);
      const known = seen && seen.to <= to && day(seen.to) === today ? seen : undefined;
      let due: Date | undefined;
      for (let at = to; !due && at > (known?.to ?? new Date(to.getTime() - dayMs)); at = new Date(at.getTime() - minuteMs))
        if (matches(at)) due = at;
      due ??= known?.due;
      if (due && day(due) !== today) due = undefined;
      seen = { to, due };
      return due;
    },
  };
}
