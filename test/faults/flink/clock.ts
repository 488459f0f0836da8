/** Timers of one JobManager process: they stand still while it is frozen and die with it. */
export interface Clock {
  after(ms: number, then: () => void): void;
  readonly frozen: boolean;
  freeze(): void;
  /** Runs what became due meanwhile, in its order. */
  thaw(): void;
  /** Forgets everything that is still to come. */
  die(): void;
}

/** A clock that runs. */
export function createClock(): Clock {
  let timers = new Set<NodeJS.Timeout>();
  let due: (() => void)[] = [];
  let frozen = false;
  return {
    get frozen() {
      return frozen;
    },
    after(ms, then) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        if (frozen) due.push(then);
        else then();
      }, ms);
      timers.add(timer);
    },
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      const now = due;
      due = [];
      for (const then of now) then();
    },
    die() {
      for (const timer of timers) clearTimeout(timer);
      timers = new Set();
      due = [];
      frozen = false;
    },
  };
}
