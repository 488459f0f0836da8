/** Failures so close together are one problem, however well the job runs between them. */
export const loopWindowMs = 15 * 60_000;
/** Flink keeps so many (`web.exception-history-size`): there may have been more. */
export const failuresKept = 16;

export interface RestartLoop {
  /** Failures within the window before the newest one. */
  count: number;
  /** From the first of them to the newest, in milliseconds. */
  forMs: number;
  /** The list was full: there were at least so many. */
  atLeast: boolean;
}

/**
 * Whether a run restarts again and again: the newest failure is recent, and with those of the 15 minutes before it there are as many as the limit. Pure.
 * @param failures when it failed, newest first, by the JobManager's clock.
 * @param limit Infinity: nobody wants to know.
 * @param now by ours: it decides only whether the newest one is recent.
 */
export function restartLoop(failures: readonly number[], limit: number, now: Date): RestartLoop | undefined {
  const newest = failures[0];
  if (newest === undefined || now.getTime() - newest >= loopWindowMs) return undefined;
  const within = failures.filter((at) => newest - at <= loopWindowMs);
  if (within.length < limit) return undefined;
  return { count: within.length, forMs: newest - (within.at(-1) ?? newest), atLeast: within.length >= failuresKept };
}
