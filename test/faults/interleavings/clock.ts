/** How a wait ended. */
export type Settled = { value: unknown } | { error: unknown };
/** What a program waits for: begun when it is yielded, settled at most once. `bySignal`: an abort cuts it off. */
export interface Wait {
  bySignal: boolean;
  begin(settle: (settled: Settled) => void): void;
}
/** Code of a replica: runs without interruption from one wait to the next, as JavaScript does between two awaits. */
export type Program<T> = Generator<Wait, T, unknown>;
/** One process: it can be frozen (SIGSTOP) and die (SIGKILL). */
export interface Host {
  name: string;
  dead: boolean;
  frozenUntilMs: number;
  /** How often one of its programs went on; `onMove` may freeze or kill it just before. */
  moves: number;
  onMove(move: number): void;
}
export interface Task {
  /** Ends a wait that an abort cuts off with this error. */
  interrupt(error: unknown): void;
}
export interface Clock {
  nowMs(): number;
  /** Events so far: the places at which a schedule puts its faults. */
  events(): number;
  after(ms: number, run: () => void): void;
  /** Like `after`, in a process: not while it is frozen, never once it is dead. */
  afterOn(host: Host, ms: number, run: () => void): void;
  spawn(host: Host, program: Program<void>): Task;
  /** Runs until `over` says so or nothing is left or the time is up; true when `over` said so. */
  run(over: () => boolean, limitMs: number, onEvent: (event: number) => void): boolean;
}

interface Due {
  atMs: number;
  order: number;
  run(): void;
}

/** A virtual clock with what is due, in order; two runs of one schedule are the same to the last event. */
export function createClock(): Clock {
  const heap: Due[] = [];
  let nowMs = 0;
  let order = 0;
  let events = 0;
  const before = (a: Due, b: Due) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  function push(due: Due): void {
    let at = heap.push(due) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!before(due, heap[up]!)) break;
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = due;
  }
  function pop(): Due | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && before(heap[down + 1]!, heap[down]!)) down++;
      if (!before(heap[down]!, last)) break;
      heap[at] = heap[down]!;
      at = down;
    }
    heap[at] = last;
    return first;
  }
  function after(ms: number, run: () => void): void {
    push({ atMs: nowMs + ms, order: order++, run });
  }
  function afterOn(host: Host, ms: number, run: () => void): void {
    after(ms, () => onHost(host, run));
  }
  function onHost(host: Host, run: () => void): void {
    if (host.dead) return;
    if (host.frozenUntilMs > nowMs) after(host.frozenUntilMs - nowMs, () => onHost(host, run));
    else run();
  }
  function spawn(host: Host, program: Program<void>): Task {
    let turn = 0;
    let current: Wait | undefined;
    function goOn(mine: number, settled: Settled): void {
      if (mine !== turn || host.dead) return;
      host.onMove(host.moves++);
      if (host.dead) return;
      // Frozen at this very place: the answer has come, and is read after the thaw.
      onHost(host, () => step(mine, settled));
    }
    function step(mine: number, settled: Settled): void {
      if (mine !== turn) return;
      turn++;
      current = undefined;
      const next = 'error' in settled ? program.throw(settled.error) : program.next(settled.value);
      if (next.done) return;
      const waits = turn;
      current = next.value;
      let settledOnce = false;
      next.value.begin((how) => {
        if (settledOnce) return;
        settledOnce = true;
        afterOn(host, 0, () => goOn(waits, how));
      });
    }
    afterOn(host, 0, () => goOn(0, { value: undefined }));
    return {
      interrupt(error) {
        if (!current?.bySignal) return;
        // What it waited for may still happen; nobody listens any more.
        current = undefined;
        const mine = ++turn;
        afterOn(host, 0, () => goOn(mine, { error }));
      },
    };
  }
  return {
    nowMs: () => nowMs,
    events: () => events,
    after,
    afterOn,
    spawn,
    run(over, limitMs, onEvent) {
      while (!over()) {
        const due = heap[0];
        if (!due || due.atMs > limitMs) return false;
        pop();
        nowMs = due.atMs;
        onEvent(events++);
        due.run();
      }
      return true;
    },
  };
}

/** Waits for one thing. */
export function* waitFor<T>(wait: Wait): Program<T> {
  return (yield wait) as T;
}
