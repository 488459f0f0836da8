import type { TruthEvent, TruthFact } from '../truth.ts';

/** The releases that the stand-in plays; the contract test holds it to both. */
export type FlinkRelease = '1.20.5' | '2.3.0';

/** How long things take, milliseconds of real time; short, so that a test can have thousands of jobs. */
export interface Timing {
  /** From the request to the job: the time that `main()` runs. */
  submitMs: number;
  /** From the job to all its tasks running. */
  deployMs: number;
  /** Between two checkpoints, unless the job's own options say otherwise. */
  checkpointIntervalMs: number;
  savepointMs: number;
  /** From the savepoint of a stop to FINISHED. */
  stopMs: number;
  cancelMs: number;
  /** From a failure to the next attempt, where the job restarts. */
  restartMs: number;
  /** How long Flink shows what it last read of a job (`web.refresh-interval`). */
  refreshMs: number;
  /** How long results of savepoints are kept (`rest.async.store-duration`). */
  resultsKeptMs: number;
  /** How long ended jobs are kept (`jobstore.expiration-time`). */
  jobsKeptMs: number;
}
const usualTiming: Timing = {
  submitMs: 5,
  deployMs: 30,
  checkpointIntervalMs: 200,
  savepointMs: 20,
  stopMs: 10,
  cancelMs: 10,
  restartMs: 30,
  refreshMs: 3000,
  resultsKeptMs: 300_000,
  jobsKeptMs: 3_600_000,
};

/** Misbehaviour that real clusters show, all of it well-formed. It holds from `set()` on until it is set back. */
export interface Behaviour {
  /** Savepoints take this much longer. */
  savepointDelayMs: number;
  /** No savepoint directory can be written. */
  savepointFails: boolean;
  /** Each stop ends FAILED after its savepoint was made: the path is in the message only. */
  stopFailsWithSavepoint: boolean;
  /** Each job fails while the savepoint of its stop is written; it restarts where it may. */
  jobFailsWhileStopping: boolean;
  /** Each job that is started from now on fails for good so long after all its tasks run; undefined: never. */
  failAfterStartMs: number | undefined;
  /** `main()` takes this much longer: the job appears later, also when the client has given up. */
  submitDelayMs: number;
  /** The job appears at once, the answer comes this much later. */
  submitAnswerDelayMs: number;
  /** No task gets a slot: jobs say RUNNING and none of their tasks runs. */
  noSlots: boolean;
  /** It says that it keeps its jobs (see `takeOver`). */
  highAvailability: boolean;
}
const usualBehaviour: Behaviour = {
  savepointDelayMs: 0,
  savepointFails: false,
  stopFailsWithSavepoint: false,
  jobFailsWhileStopping: false,
  failAfterStartMs: undefined,
  submitDelayMs: 0,
  submitAnswerDelayMs: 0,
  noSlots: false,
  highAvailability: false,
};

export interface FlinkStandInOptions {
  version: FlinkRelease;
  /** Where it writes `upload`, `checkpoints/<job>/chk-<n>` and `savepoints/savepoint-…`, each restore point with a small `_metadata`. */
  dir: string;
  /** Of all TaskManagers; 100. */
  slots?: number;
  /** On 127.0.0.1; a free one by default, and the same after restarts of the JobManager. */
  port?: number;
  timing?: Partial<Timing>;
  /** Whether a job that fails is restarted when its own options do not say: true, as on a cluster that is not configured. */
  restarts?: boolean;
}

/** A call that no Sluice should make: no such route, a wrong method, a field that this release does not read, an id that is none. */
export interface RefusedCall {
  method: string;
  path: string;
  body: unknown;
  why: string;
}

/** What all parts of the stand-in share. */
export interface Cluster {
  readonly version: FlinkRelease;
  readonly is2: boolean;
  readonly dir: string;
  readonly slots: number;
  readonly restarts: boolean;
  readonly timing: Timing;
  readonly behaviour: Behaviour;
  /** Calls back later, or when the JobManager thaws; never after it died. */
  after(ms: number, then: () => void): void;
  tell(fact: TruthFact): void;
}

/** Fills in what the options leave out. */
export function shared(options: FlinkStandInOptions): Omit<Cluster, 'after' | 'tell'> {
  return {
    version: options.version,
    is2: options.version.startsWith('2'),
    dir: options.dir,
    slots: options.slots ?? 100,
    restarts: options.restarts ?? true,
    timing: { ...usualTiming, ...options.timing },
    behaviour: { ...usualBehaviour },
  };
}

export interface TruthLog {
  readonly events: readonly TruthEvent[];
  tell(fact: TruthFact): void;
  /** @returns the function that ends it. */
  listen(listener: (event: TruthEvent) => void): () => void;
  /** Nothing is written any more. */
  end(): void;
}

/** The list of what truly happened. */
export function createTruthLog(): TruthLog {
  const events: TruthEvent[] = [];
  let ended = false;
  const listeners = new Set<(event: TruthEvent) => void>();
  return {
    events,
    tell(fact) {
      if (ended) return;
      const event = { seq: events.length + 1, at: Date.now(), ...fact } as TruthEvent;
      events.push(event);
      for (const listener of listeners) listener(event);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end() {
      ended = true;
    },
  };
}
