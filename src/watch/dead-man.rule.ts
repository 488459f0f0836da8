import { formatDuration } from '../core/time.ts';

/** How the watcher itself is: ages in ms. */
export interface WatcherFacts {
  /** Since each registered cluster last answered; undefined: it never did. */
  polls: readonly { cluster: string; ageMs: number | undefined; failures: number }[];
  /** Since any cluster was asked at all, whatever it answered. */
  lastTriedAgeMs: number | undefined;
  /** Since a channel last took a message; undefined: none ever did. */
  lastPostAgeMs: number | undefined;
  /** How long the oldest message has waited; undefined: none waits. */
  oldestUnsentAgeMs: number | undefined;
}
export interface WatcherLimits {
  /** How long a message may wait, no cluster answer, or incidents not be carried on. */
  graceMs: number;
  /** How often each cluster is asked, while it answers quickly. */
  jobsEveryMs: number;
}

/**
 * Why nobody may be told that all is well; undefined when it is. One cluster that does not answer is no reason: an incident tells of it; but whoever hears
 * of none is blind. A quiet night without a post is none either: what counts is that nothing waits.
 * @param carriedAgeMs since this replica last carried incidents on (Chores).
 */
export function notWell(facts: WatcherFacts, { graceMs, jobsEveryMs }: WatcherLimits, carriedAgeMs = 0): string | undefined {
  const { polls, lastTriedAgeMs = Number.POSITIVE_INFINITY, oldestUnsentAgeMs = 0 } = facts;
  // A pause that was asked for, or that a slow cluster needs, is no sleep.
  const quietMs = Math.max(60_000, 3 * jobsEveryMs, graceMs);
  const answered = Math.min(...polls.map((one) => one.ageMs ?? Number.POSITIVE_INFINITY));
  const since = (ms: number) => (Number.isFinite(ms) ? `for ${formatDuration(ms)}` : 'yet');
  if (polls.length > 0 && lastTriedAgeMs > quietMs) return `no cluster was asked ${since(lastTriedAgeMs)}`;
  if (polls.length > 0 && answered > quietMs) return `no cluster has answered ${since(answered)}`;
  if (oldestUnsentAgeMs > graceMs) return `a message has waited ${since(oldestUnsentAgeMs)}`;
  if (carriedAgeMs > graceMs) return `incidents were not carried on ${since(carriedAgeMs)}: nobody is called again`;
  return undefined;
}
