/** The time that a step has; it stands still while the step waits for a turn. */
export interface StepClock {
  /** Aborted when the time is over. */
  signal: AbortSignal;
  /** Whether the time is over, by our own timer or by the database's clock. */
  late(nowMs: number, startedAtMs: number): boolean;
  /** Waits without being timed; the whole time is there again afterwards. */
  still<T>(work: () => Promise<T>): Promise<T>;
  stop(): void;
}

/** Starts the clock of a step that may take `deadlineMs`. */
export function startStepClock(deadlineMs: number): StepClock {
  const over = new AbortController();
  const run = () => setTimeout(() => over.abort(new DOMException('The time of the step is over.', 'TimeoutError')), deadlineMs).unref();
  let timer = run();
  let stoodStillMs = 0;
  return {
    signal: over.signal,
    late: (nowMs, startedAtMs) => over.signal.aborted || nowMs > startedAtMs + stoodStillMs + deadlineMs,
    async still(work) {
      clearTimeout(timer);
      const since = performance.now();
      try {
        return await work();
      } finally {
        stoodStillMs += performance.now() - since;
        timer = run();
      }
    },
    stop: () => clearTimeout(timer),
  };
}
