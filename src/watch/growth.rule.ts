/** What a job's complete checkpoints are like: the usual one of a week, and the newest. Milliseconds and bytes. */
export interface CheckpointSize {
  durationMs: number;
  size: number;
}
export interface Usual extends CheckpointSize {
  /** Hours of the week in which there was one. */
  hours: number;
}
export type GrowthFact =
  | { is: 'grown'; what: 'duration' | 'size'; from: number; to: number; count: number }
  | { is: 'usual' }
  /** Too little is known of what is usual, or of what is now. */
  | { is: 'unknown' };

/** Below these nobody waits longer and no disk is full, however many times the usual it is. */
const floors = { durationMs: 10_000, size: 100 * 1024 * 1024 };
/** So many in a row, over so long, are no hiccup. */
export const growthCount = 5;
export const growthForMs = 10 * 60_000;
/** A new job's state grows by nature. */
const hoursKnown = 6;

const kinds = ['durationMs', 'size'] as const;
const nothing: CheckpointSize = { durationMs: 0, size: 0 };
const limitOf = (of: (typeof kinds)[number], usual: CheckpointSize, factor: number) => Math.max(floors[of], factor * usual[of]);

/**
 * Whether the newest checkpoints, few or many, leave room for growth: all of them are above the limit. Without what is usual: large or slow enough that
 * growth would matter at all. Saves asking further for most jobs. Pure.
 */
export function mayHaveGrown(newest: readonly CheckpointSize[], usual = nothing, factor = 1): boolean {
  return newest.length > 0 && kinds.some((of) => newest.every((one) => one[of] > limitOf(of, usual, factor)));
}

/**
 * The newest checkpoints against the usual one: grown when every one of them, at least 5 over at least 10 minutes, is more than `factor` times the usual and
 * above a floor. Pure.
 * @param newest newest first, with when each was complete; one may stand for `count`, with the least of them.
 */
export function growthFact(usual: Usual, newest: readonly (CheckpointSize & { at: Date; count?: number })[], factor: number): GrowthFact {
  const first = newest[0];
  if (!first || usual.hours < hoursKnown) return { is: 'unknown' };
  const enough = newest.findIndex((one, i) => i >= growthCount - 1 && first.at.getTime() - one.at.getTime() >= growthForMs);
  for (const key of kinds) {
    const limit = limitOf(key, usual, factor);
    const run = enough < 0 ? [] : newest.slice(0, enough + 1);
    if (run.length > 0 && run.every((one) => one[key] > limit))
      return {
        is: 'grown',
        what: key === 'size' ? 'size' : 'duration',
        from: usual[key],
        to: median(run.map((one) => one[key])),
        count: run.reduce((sum, one) => sum + (one.count ?? 1), 0),
      };
  }
  // It takes as many to be usual again as a person would want to see.
  const calm = newest.slice(0, 3);
  const isCalm = calm.every((one) => kinds.every((of) => one[of] <= limitOf(of, usual, factor)));
  return { is: isCalm ? 'usual' : 'unknown' };
}

/** The middle of some numbers; of an even count the lower one. Pure. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
