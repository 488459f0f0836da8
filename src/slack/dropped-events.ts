import type { Log } from '../core/log.ts';

/** What Slack sends in place of events beyond 30,000 an hour; it has no inner event (https://docs.slack.dev/reference/events/app_rate_limited). */
export interface RateLimitNotice {
  type: 'app_rate_limited';
  /** Unix seconds. */
  minute_rate_limited: number;
}
export function isRateLimitNotice(body: unknown): body is RateLimitNotice {
  return (
    typeof body === 'object' &&
    body !== null &&
    'type' in body &&
    body.type === 'app_rate_limited' &&
    'minute_rate_limited' in body &&
    typeof body.minute_rate_limited === 'number'
  );
}

export interface DroppedEvents {
  /** Slack drops the events of this minute (Unix seconds). */
  note(minute: number): void;
  /** Since when Slack drops events, and what that means; undefined when it does not. */
  words(): string | undefined;
}
/** Slack repeats the notice each minute; two minutes without one, and it is over. */
const overAfterMs = 2 * 60_000;

/** Whether Slack drops events at the moment. It says when it begins, never when it ends. */
export function createDroppedEvents(options: { log: Log; now?: () => number }): DroppedEvents {
  const { log, now = Date.now } = options;
  let sinceMs: number | undefined;
  let lastMs = 0;
  const isOver = () => sinceMs === undefined || now() - lastMs > overAfterMs;
  return {
    note(minute) {
      if (isOver()) sinceMs = minute * 1000;
      lastMs = now();
      log.warn({ minute: new Date(minute * 1000).toISOString() }, 'Slack drops events: more than it allows in an hour');
    },
    words() {
      if (isOver() || sinceMs === undefined) return undefined;
      const since = new Date(sinceMs).toISOString().slice(11, 16);
      return `Slack drops events since ${since} UTC, because there were more than 30,000 in an hour: mentions and the home tab may go unanswered. Commands and buttons work. It is over by itself.`;
    },
  };
}
