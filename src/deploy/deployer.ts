import type { CheckpointRetention } from '../db/schema/index.ts';
import type { CallOptions } from '../flink/client.ts';

/** What a run is at this moment, as its cluster proves it. `unknown` never decays into `gone`. */
export type RunSight =
  | {
      is: 'seen';
      /** Flink's own state name. */
      state: string;
      ended: boolean;
      allRunning: boolean;
      tasksRunning: number;
      tasksTotal: number;
      /** Milliseconds since 1970: when the last vertex was deployed; undefined until all run. */
      runningAt: number | undefined;
      /** Milliseconds since 1970: when Flink accepted the job. */
      acceptedAt: number | undefined;
      name: string;
    }
  /** The cluster answers and does not know the run. */
  | { is: 'gone' }
  | { is: 'unknown'; why: string };

/** One line of a cluster's list of jobs. */
export interface RunOverview {
  state: string;
  tasksRunning: number;
  tasksTotal: number;
  /** What its own program calls it. */
  name?: string;
  /** Milliseconds since 1970. */
  startedAt?: number;
  /** The application that it is part of, where a cluster has several. */
  application?: string;
  flinkVersion?: string;
}

/** State in a list of runs of one whose part of the cluster does not answer now: nothing is known of it, and it is not gone. */
export const unknownState = 'UNKNOWN';
/** A run that is taken to be alive, and where it was found. */
export interface KnownRun {
  flinkJobId: string;
  application: string | null;
}

/** A checkpoint that failed; times are milliseconds since 1970. */
export interface CheckpointFailure {
  id: number;
  at: number;
  triggeredAt: number;
  durationMs: number;
  isSavepoint: boolean;
  message: string;
}
export interface CheckpointSight {
  /** Newest first, at most what Flink keeps (10). */
  completed: {
    id: number;
    path: string | undefined;
    /** Bytes of all that it refers to; undefined where Flink tells only what was written. */
    size: number | undefined;
    durationMs: number;
    at: number;
    isSavepoint: boolean;
    discarded: boolean;
    /** Milliseconds since 1970: when Flink asked the tasks for it. */
    triggeredAt?: number | undefined;
    /** Bytes that were written for it; less than `size` when it is incremental. */
    written?: number | undefined;
    /** Bytes that were in flight and worked off, or written, while it was aligned. */
    processed?: number | undefined;
    persisted?: number | undefined;
    /** It went past what was in flight. */
    unaligned?: boolean | undefined;
  }[];
  /** Those that failed and that Flink still tells of, newest first. */
  failed: CheckpointFailure[];
  /** Newest failed one, if any. */
  lastFailed: { id: number; at: number; message: string } | undefined;
  /** What the run was restored from last. */
  restored: { path: string | undefined; at: number } | undefined;
}
export interface RootCause {
  name: string;
  message: string;
  task: string | null;
  /** Milliseconds since 1970. */
  at: number;
  stack: string;
  /** When the run failed, as far as Flink keeps that (16 times by default), newest first; milliseconds since 1970 by the JobManager's clock. */
  failures?: number[];
}
export interface ClusterFacts {
  flinkVersion: string;
  slotsTotal: number;
  slotsAvailable: number;
  taskManagers: number;
  jobsRunning: number;
}
export interface Submission {
  flinkJobId: string;
  /** What `placeArtifact` returned. */
  artifact: string;
  mainClass: string | undefined;
  args: readonly string[];
  parallelism: number | undefined;
  restorePath: string | undefined;
  /** Flink options of this job alone. */
  flink: Readonly<Record<string, string>>;
}
export type SavepointSight =
  | { is: 'running' }
  | { is: 'done'; path: string }
  /** `path` is set when a consistent savepoint exists although the operation failed. */
  | { is: 'failed'; reason: string; hint: string | undefined; path: string | undefined }
  /** The cluster does not know this trigger: never asked, or forgotten (5 minutes, restart of the JobManager). */
  | { is: 'not-known' }
  | { is: 'unknown'; why: string };

/** How a run makes checkpoints. */
export interface CheckpointConfigSight {
  /** Milliseconds between them, 0 when checkpointing is off. */
  intervalMs: number;
  /** Which of them Flink keeps when the run ends. */
  retention: CheckpointRetention;
}

/** A vertex of a run, as its data flow. */
export interface FlowVertex {
  id: string;
  name: string;
  /** Every task of it runs: none has come to the end of its data. */
  running: boolean;
  /** Ids of the vertices it reads from; none: it is a source. */
  inputs: string[];
  /** What counts what its sources read, by Flink's names of metrics; for `flow`. */
  counters: string[];
}
/** What went through a vertex so far; undefined: Flink does not tell. All over all its tasks, up to 10 s old. */
export interface VertexFlow {
  /** Records that came in since its tasks were deployed. */
  in: number | undefined;
  out: number | undefined;
  /** The watermark of its slowest task, milliseconds since 1970. */
  watermark: number | undefined;
  /** The share of time (0 to 1) that its most hindered task waits for what comes behind it. */
  backPressured: number | undefined;
}

/** What became of a savepoint that was to be deleted. */
export type DisposalSight =
  | { is: 'done' }
  /** `missing`: there is no such savepoint, or none any more. */
  | { is: 'failed'; why: string; missing: boolean }
  /** It may be deleted, wholly or in part, or not yet. */
  | { is: 'unknown'; why: string };

/** With high availability a new JobManager brings its jobs back one after the other; for so long it may not know one that it will. */
export const bringBackMs = 60_000;

/**
 * Where runs go: one file per kind of cluster. All ids are chosen by the caller, so each call may be repeated. Calls throw AppErrors: UnreachableError
 * when no answer came and the effect is unknown, UpstreamError (FlinkError) when the cluster refused.
 */
export interface Deployer {
  /** GET /overview */
  facts(options?: CallOptions): Promise<ClusterFacts>;
  /**
   * Ids and states of all that the cluster knows, never stale. What it cannot say of a known run now is `unknownState`.
   * @param known runs whose end is not recorded: a cluster of many applications says how those of an application ended that is over.
   */
  listRuns(options?: CallOptions, known?: readonly KnownRun[]): Promise<ReadonlyMap<string, string>>;
  /** Tasks of each run, up to 3 s stale. */
  overview(options?: CallOptions): Promise<Map<string, RunOverview>>;
  /**
   * Which JobManager process answers; another value after each of its restarts, undefined where it cannot be told. One that is new knows nothing of what an
   * earlier one took in, unless high availability brings it back.
   */
  jobManager(options?: CallOptions): Promise<string | undefined>;
  /** High availability: a JobManager that takes over brings the jobs back, after a while. */
  keepsJobs(options?: CallOptions): Promise<boolean>;
  look(flinkJobId: string, options?: CallOptions): Promise<RunSight>;
  /** The state alone, never stale and without filling Flink's cache of details (up to 3 s old after a `look`). Undefined when it cannot be told. */
  state(flinkJobId: string, options?: CallOptions): Promise<string | undefined>;
  /** Where an artifact already is on the cluster; undefined when it must be placed. */
  findArtifact(artifact: { sha256: string; name: string }, options?: CallOptions): Promise<string | undefined>;
  placeArtifact(artifact: { sha256: string; name: string; path: string }, options?: CallOptions): Promise<string>;
  /** Starts a run under the id given. A duplicate id is answered with `already`: an earlier try worked. */
  submit(submission: Submission, options?: CallOptions): Promise<'submitted' | 'already'>;
  cancel(flinkJobId: string, options?: CallOptions): Promise<void>;
  triggerSavepoint(flinkJobId: string, triggerId: string, directory: string | undefined, options?: CallOptions): Promise<void>;
  /** Stop with savepoint. One at a time per run, always with the same trigger id. */
  triggerStop(flinkJobId: string, triggerId: string, directory: string | undefined, options?: CallOptions): Promise<void>;
  savepoint(flinkJobId: string, triggerId: string, options?: CallOptions): Promise<SavepointSight>;
  /**
   * Deletes the files of a savepoint by Flink's own hand (POST /savepoint-disposal) and waits for it; absent where a kind cannot. Flink forgets who asked:
   * a second time it says `missing`. @throws UnreachableError only when nothing was sent.
   */
  disposeSavepoint?(path: string, options?: CallOptions): Promise<DisposalSight>;
  checkpoints(flinkJobId: string, options?: CallOptions): Promise<CheckpointSight>;
  /** GET /jobs/:id/checkpoints/config: also of a run that ended, as long as Flink knows it. */
  checkpointConfig(flinkJobId: string, options?: CallOptions): Promise<CheckpointConfigSight>;
  /** The vertices of a run, each after those it reads from. */
  vertices(flinkJobId: string, options?: CallOptions): Promise<FlowVertex[]>;
  flow(flinkJobId: string, vertex: FlowVertex, options?: CallOptions): Promise<VertexFlow>;
  rootCause(flinkJobId: string, options?: CallOptions): Promise<RootCause | undefined>;
  /** The ends of the JobManager's and the TaskManagers' logs; of those that the run has, where a cluster has several JobManagers. */
  logTails(bytes: number, options?: CallOptions, run?: KnownRun): Promise<{ from: string; text: string }[]>;
  /** Flink's own page of a run. @param application where it was found, if anywhere. */
  runUrl(flinkJobId: string, application?: string | null): string;
  close(): Promise<void>;
}
export interface DeployTarget {
  name: string;
  url: string;
  webUrl: string | null;
  options: Readonly<Record<string, string>>;
  /** Only ever read. */
  observed?: boolean;
}
/** A kind of cluster. */
export interface ClusterKind {
  kind: string;
  summary: string;
  open(target: DeployTarget): Deployer;
}
