/** The workspace's own time: runs with the real one, and can be moved forward. Triggers, response URLs, retries and rate limits follow it. */
export interface PracticeClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** How far it has been moved. */
  offsetMs(): number;
  /** Runs a function at a time of this clock; returns how to call it off. */
  at(timeMs: number, run: () => void): () => void;
  /** Moves it forward and runs what has become due. */
  advance(ms: number): void;
  stop(): void;
}

/** A clock whose timers never keep the process alive. */
export function createClock(offset = 0): PracticeClock {
  let moved = offset;
  const alarms = new Set<{ timeMs: number; run: () => void }>();
  let timer: NodeJS.Timeout | undefined;
  const now = () => Date.now() + moved;
  const arm = () => {
    clearTimeout(timer);
    if (alarms.size === 0) return;
    const next = Math.min(...[...alarms].map((a) => a.timeMs));
    timer = setTimeout(ring, Math.max(0, Math.min(next - now(), 2 ** 31 - 1)));
    timer.unref();
  };
  const ring = () => {
    const due = [...alarms].filter((a) => a.timeMs <= now()).sort((a, b) => a.timeMs - b.timeMs);
    for (const alarm of due) alarms.delete(alarm);
    for (const alarm of due) alarm.run();
    arm();
  };
  return {
    now,
    offsetMs: () => moved,
    at(timeMs, run) {
      const alarm = { timeMs, run };
      alarms.add(alarm);
      arm();
      return () => alarms.delete(alarm);
    },
    advance(ms) {
      moved += ms;
      ring();
    },
    stop() {
      clearTimeout(timer);
      alarms.clear();
    },
  };
}
