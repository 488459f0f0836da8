const firstPauseMs = 30_000;
const longestPauseMs = 10 * 60_000;

/** The pause after so many failures before: 30 s, 60 s … 10 min. */
export function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10));
}

/** Pauses that double from failure to failure: 30 s, 60 s … 10 min, with a tenth of jitter so that replicas spread. */
export interface Pauses {
  nextMs(): number;
  /** It went well: the next failure begins anew. */
  reset(): void;
}
/** New pauses; in memory, so that a restart tries at once. */
export function createPauses(): Pauses {
  let failures = 0;
  return {
    nextMs() {
      const ms = pauseMs(failures);
      failures++;
      return Math.round(ms * (0.95 + Math.random() * 0.1));
    },
    reset() {
      failures = 0;
    },
  };
}

/** Keeps within "so many in a window of time": how long to wait before the next one, 0 for none. Taking a place is for good. */
export function createWindow(limit: number, windowMs: number, now: () => number): { takeMs(): number } {
  let taken: number[] = [];
  return {
    takeMs() {
      const at = now();
      taken = taken.filter((time) => time > at - windowMs);
      if (taken.length >= limit) return Math.max(1, (taken[0] ?? at) + windowMs - at);
      taken.push(at);
      return 0;
    },
  };
}
