import { AppError, ConfigError, UpstreamError } from '../core/errors.ts';
import { http } from '../core/http.ts';
import type { Log } from '../core/log.ts';
import { dbNow } from '../db/clock.ts';
import type { Database } from '../db/db.ts';
import { notWell, type WatcherFacts, type WatcherLimits } from './dead-man.rule.ts';
import { winTick } from './schedules.store.ts';
import { watcherFacts } from './watcher.store.ts';

export interface DeadManOptions {
  /** Reads the address at the moment it is needed. @throws ConfigError */
  address(): string;
  everyMs: number;
  /** How long a message may wait, no cluster answer, or incidents not be carried on. */
  graceMs: number;
}
/** What the switch looks at, beside what is in the database. */
export interface DeadManWorld {
  database: Database;
  log: Log;
  /** Since this replica last carried incidents on. */
  carriedAgeMs(): number;
  signal: AbortSignal;
}
export interface DeadMan {
  /** Called by the heart of watch: when that stands still, nobody is called. */
  tick(): void;
  /** Resolves when no call is under way. */
  stopped(): Promise<void>;
}

/** Calls somebody outside while all is well, once per time in a fleet; they page when the calls stop. A failure is logged and holds nothing up. */
export function startDeadMan(options: DeadManOptions & WatcherLimits & DeadManWorld): DeadMan {
  const { database, log, everyMs } = options;
  let nextAt = Number.NEGATIVE_INFINITY;
  let underway: Promise<void> | undefined;
  let silentFor: string | undefined;

  async function call(): Promise<void> {
    const facts = await watcherFacts(database.db);
    const why = notWell(facts, options, options.carriedAgeMs());
    if ((why === undefined) !== (silentFor === undefined))
      log.warn({ why }, why === undefined ? 'the dead-man switch is called again' : 'the dead-man switch is not called');
    silentFor = why;
    if (why !== undefined) return;
    const tick = Math.floor((await dbNow(database.db)).getTime() / everyMs) * everyMs;
    // Won only by who finds all well: a replica that is blind must not take the turn of one that sees.
    if (!(await winTick(database.db, 'dead-man', new Date(tick)))) return;
    const address = options.address().trim();
    if (!/^https?:$/.test(URL.parse(address)?.protocol ?? ''))
      throw new ConfigError('The address of watch.deadMan does not begin with http:// or https://.');
    const { status } = await http(address, {
      method: 'POST',
      json: bodyOf(facts),
      timeoutMs: 10_000,
      signal: options.signal,
    });
    if (status < 200 || status > 299) throw new UpstreamError(`It answered HTTP ${status}.`);
  }
  return {
    tick() {
      if (underway || performance.now() < nextAt) return;
      nextAt = performance.now() + everyMs / 3;
      underway = call()
        .catch((error) => {
          if (options.signal.aborted) return;
          // Only our own words: the address is a secret, and an unexpected fault may quote it.
          const why = error instanceof AppError ? error.message : 'an unexpected fault';
          log.warn({ why }, 'the dead-man switch could not be called');
        })
        .finally(() => {
          underway = undefined;
        });
    },
    stopped: async () => underway,
  };
}

/** The three ages, in seconds: what is outside may look at them too. */
function bodyOf({ polls, lastPostAgeMs, oldestUnsentAgeMs }: WatcherFacts) {
  const seconds = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms / 100) / 10);
  const answered = polls.flatMap((one) => (one.ageMs === undefined ? [] : [one.ageMs]));
  return {
    ok: true,
    lastPollAgeSeconds: answered.length === 0 ? null : seconds(Math.min(...answered)),
    lastPostAgeSeconds: seconds(lastPostAgeMs),
    oldestUnsentSeconds: seconds(oldestUnsentAgeMs ?? 0),
  };
}
