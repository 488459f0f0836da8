import type { Program } from './program.ts';
import type { RestoreState } from './restore-points.ts';
import type { Thrown } from './texts.ts';

export type JobState = 'CREATED' | 'RUNNING' | 'FAILING' | 'RESTARTING' | 'CANCELLING' | 'FAILED' | 'CANCELED' | 'FINISHED';
export const endedStates: readonly JobState[] = ['FAILED', 'CANCELED', 'FINISHED'];

/** How far the tasks of the current attempt are. */
export type TaskPhase = 'CREATED' | 'SCHEDULED' | 'DEPLOYING' | 'RUNNING' | 'ENDED';

export interface Checkpoint {
  id: number;
  kind: 'CHECKPOINT' | 'SAVEPOINT' | 'SYNC_SAVEPOINT';
  triggeredAt: number;
  endedAt: number;
  /** Flink's path; undefined when it failed. */
  path: string | undefined;
  failure: string | undefined;
  discarded: boolean;
}
export interface JobException {
  at: number;
  thrown: readonly Thrown[];
  /** The task that threw, if one did. */
  task: string | undefined;
  /** What a task threw, where the entry itself only says that there is no further restart. */
  concurrent: readonly Thrown[] | undefined;
}

/** A job of the stand-in, from its submission until it is forgotten. */
export interface Job {
  readonly id: string;
  readonly name: string;
  readonly jarId: string;
  readonly parallelism: number;
  readonly program: Program;
  readonly options: Readonly<Record<string, string>>;
  readonly checkpointDir: string;
  readonly checkpointIntervalMs: number;
  readonly restarts: boolean;
  readonly createdAt: number;
  state: JobState;
  phase: TaskPhase;
  /** When the job entered each state for the last time. */
  readonly times: Map<string, number>;
  /** Counts attempts: what was planned for an earlier one is void. */
  attempt: number;
  restartCount: number;
  deployedAt: number | undefined;
  endedAt: number | undefined;
  holdsSlots: boolean;
  /** The savepoint of a stop is written and the tasks close: whatever fails now fails for good. */
  closing: boolean;
  /** What it had read when the current attempt began to run. */
  base: number;
  runningSince: number | undefined;
  /** What the newest restore point holds; the next one holds more. */
  lastSaved: number;
  /** What the submission named. */
  readonly start: { path: string; state: RestoreState } | undefined;
  restored: { id: number; at: number; path: string; byName: boolean } | undefined;
  readonly counts: { restored: number; completed: number; failed: number };
  /** Savepoints that are being written. */
  readonly pending: Set<Checkpoint>;
  /** Oldest first, at most 10. */
  readonly history: Checkpoint[];
  readonly latest: { completed: Checkpoint | undefined; savepoint: Checkpoint | undefined; failed: Checkpoint | undefined };
  nextCheckpoint: number;
  /** Checkpoints whose folders are kept, oldest first. */
  readonly retained: { checkpoint: Checkpoint; folder: string; state: RestoreState }[];
  /** Newest first. */
  readonly exceptions: JobException[];
  /** Set when the job never began. */
  initFault: readonly Thrown[] | undefined;
  /** Breaks off what is under way for the current attempt; the message is for their results. */
  readonly underWay: Set<(message: string) => void>;
}

/** The vertices of the demo's orders job: ids and names as real ones. */
export const vertices = [
  {
    id: '27760bd60c7e97c06cebfbd28062cd61',
    name: 'Source: order numbers -> throttle -> orders',
    description: 'Source: order numbers<br/>+- throttle<br/>   +- orders<br/>',
  },
  {
    id: '8eeed16b661251f13cfc6a3c5e75c420',
    name: 'totals per customer -> Sink: totals out',
    description: 'totals per customer<br/>+- Sink: totals out<br/>',
  },
] as const;

/** What the job has read by now: one a millisecond while all tasks run. */
export function counterOf(job: Job, now: number): number {
  return job.base + (job.runningSince === undefined ? 0 : Math.max(0, now - job.runningSince));
}
