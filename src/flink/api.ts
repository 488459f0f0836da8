import type { FlinkError } from './errors.ts';
import type { ClaimMode, Release, RunRequest } from './release.ts';
import type * as s from './schema.ts';
import type { CallOptions, LogTail } from './transport.ts';

export type { CallOptions, ClaimMode, LogTail, Release, RunRequest };

export interface FlinkClientOptions {
  /** For example `http://127.0.0.1:8081`; a path is kept (proxies), login data become a header. */
  url: string;
  headers?: Record<string, string>;
  /** Only reads: whatever would change the cluster is refused with a ConflictError before it is sent. */
  readOnly?: boolean;
  /** Limit of an ordinary call, 10 s by default. Submissions and uploads have 5 minutes, a plan 2. */
  timeoutMs?: number;
}
export interface SavepointRequest {
  jobId: string;
  /** 32 hex digits of ours. Never reuse one for another kind of operation: Flink would answer with the old result and do nothing. */
  triggerId: string;
  /** Undefined: the cluster's or job's own savepoint directory. */
  targetDirectory?: string | undefined;
  formatType?: 'CANONICAL' | 'NATIVE';
}
export interface StopRequest extends SavepointRequest {
  /** Ends the job for good: fires all timers, the savepoint is not to be resumed from. */
  drain?: boolean;
}
/** A polled operation. 'unknown': Flink has no such operation, or forgot it (5 minutes, or a restart of the JobManager). */
export type SavepointResult =
  | { state: 'in-progress' }
  | { state: 'completed'; location: string }
  | { state: 'failed'; error: FlinkError }
  | { state: 'unknown' };
export type CheckpointResult =
  | { state: 'in-progress' }
  | { state: 'completed'; checkpointId: number }
  | { state: 'failed'; error: FlinkError }
  | { state: 'unknown' };
export type DisposalResult =
  | { state: 'in-progress' }
  | { state: 'completed' }
  | { state: 'failed'; error: FlinkError }
  | { state: 'unknown' };
export interface UploadedJar {
  /** The id for runJar and deleteJar. */
  jarId: string;
  /** The file on the JobManager's machine. */
  path: string;
}

/**
 * Flink's REST API, one JobManager. Every call throws FlinkError when Flink refuses (see `kind`) and UnreachableError when no answer
 * came: `details.refused` is true when nothing listens there, so that nothing can have been executed, `details.sent` is false when the request never
 * left; otherwise the effect is unknown. Requests that are safe to repeat are repeated once when a kept-alive socket turns out to be dead.
 */
export interface FlinkClient {
  readonly url: string;
  /** The cluster's release, asked once per JobManager process. */
  release(options?: CallOptions): Promise<Release>;
  /** GET /overview */
  overview(options?: CallOptions): Promise<s.Overview>;
  /** GET /config */
  config(options?: CallOptions): Promise<s.WebConfig>;
  /** GET /jobs: ids and states, never stale. The same list again while the answer is the same. */
  jobs(options?: CallOptions): Promise<readonly s.JobIdAndStatus[]>;
  /** GET /jobs/overview, up to 3 s stale. */
  jobsOverview(options?: CallOptions): Promise<s.JobOverview[]>;
  /** GET /jobs/:id, up to 3 s stale. @throws FlinkError 'job-not-found' */
  job(jobId: string, options?: CallOptions): Promise<s.JobDetails>;
  /** GET /jobs/:id/status, never stale (before 1.16: from GET /jobs). @throws FlinkError 'job-not-found' */
  jobStatus(jobId: string, options?: CallOptions): Promise<string>;
  /** GET /jobs/:id/checkpoints, up to 3 s stale. */
  checkpoints(jobId: string, options?: CallOptions): Promise<s.Checkpoints>;
  /** GET /jobs/:id/checkpoints/config */
  checkpointConfig(jobId: string, options?: CallOptions): Promise<s.CheckpointConfig>;
  /** GET /jobs/:id/checkpoints/details/:checkpoint */
  checkpointDetails(jobId: string, checkpointId: number, options?: CallOptions): Promise<s.CheckpointDetails>;
  /** GET /jobs/:id/exceptions, newest first. */
  exceptions(jobId: string, max?: number, options?: CallOptions): Promise<s.Exceptions>;
  /** GET /jobs/:id/config */
  jobConfig(jobId: string, options?: CallOptions): Promise<s.JobConfig>;
  /** GET /jobs/:id/accumulators, by name; empty for the first seconds of a job. */
  accumulators(jobId: string, options?: CallOptions): Promise<Record<string, string>>;
  /** GET /jobs/:id/execution-result */
  executionResult(jobId: string, options?: CallOptions): Promise<s.ExecutionResult>;
  /** GET /jobs/:id/metrics, by name; an unknown job answers with no metrics. */
  metrics(jobId: string, names: readonly string[], options?: CallOptions): Promise<Record<string, string>>;
  /** GET /jobs/:id/vertices/:vertex/subtasks/metrics, the names of what there is; empty while Flink has collected none (10 s). */
  subtaskMetricNames(jobId: string, vertexId: string, options?: CallOptions): Promise<string[]>;
  /**
   * The same with values over all subtasks, by name: up to 10 s old. Empty when any of them is not there: sources have no `currentInputWatermark`. Unknown
   * jobs and vertices answer with nothing, too.
   */
  subtaskMetrics(jobId: string, vertexId: string, names: readonly string[], options?: CallOptions): Promise<Map<string, SubtaskMetric>>;
  /** GET /taskmanagers */
  taskManagers(options?: CallOptions): Promise<s.TaskManager[]>;
  /** GET /jobmanager/config, secrets masked by Flink. */
  jobManagerConfig(options?: CallOptions): Promise<Record<string, string>>;
  /** GET /jobmanager/logs */
  jobManagerLogs(options?: CallOptions): Promise<s.LogFile[]>;
  /** The end of GET /jobmanager/log, or of a named file of jobManagerLogs; 64 KiB by default. */
  jobManagerLog(options?: LogOptions): Promise<LogTail>;
  /** The end of GET /taskmanagers/:id/log; 64 KiB by default. */
  taskManagerLog(taskManagerId: string, options?: LogOptions): Promise<LogTail>;
  /** GET /jars */
  jars(options?: CallOptions): Promise<s.Jar[]>;
  /** POST /jars/upload. Flink takes any file named `.jar`: look at `entry` in jars(). @throws NotFoundError if the file is not there. */
  uploadJar(path: string, name?: string, options?: CallOptions): Promise<UploadedJar>;
  /** DELETE /jars/:id @throws FlinkError 'jar-not-found' */
  deleteJar(jarId: string, options?: CallOptions): Promise<void>;
  /** POST /jars/:id/plan: runs the main method up to execute(), starts nothing. */
  planJar(run: Omit<RunRequest, 'jobId'>, options?: CallOptions): Promise<s.Plan>;
  /** POST /jars/:id/run: answers when the main method has run and the restore point was read. @throws FlinkError 'duplicate-job' and many more */
  runJar(run: RunRequest, options?: CallOptions): Promise<{ jobId: string }>;
  /** PATCH /jobs/:id?mode=cancel @throws FlinkError 'job-already-ended' | 'job-not-found' */
  cancelJob(jobId: string, options?: CallOptions): Promise<void>;
  /** POST /jobs/:id/savepoints: accepted even for an unknown job; the truth is in savepointResult(). */
  triggerSavepoint(request: SavepointRequest, options?: CallOptions): Promise<{ triggerId: string }>;
  /** POST /jobs/:id/stop: polled by savepointResult(). One stop at a time: a second one with another id breaks both. */
  stopWithSavepoint(request: StopRequest, options?: CallOptions): Promise<{ triggerId: string }>;
  /** GET /jobs/:id/savepoints/:trigger */
  savepointResult(jobId: string, triggerId: string, options?: CallOptions): Promise<SavepointResult>;
  /** POST /jobs/:id/checkpoints (1.17 and newer) */
  triggerCheckpoint(
    request: { jobId: string; triggerId: string; checkpointType?: 'CONFIGURED' | 'FULL' | 'INCREMENTAL' },
    options?: CallOptions,
  ): Promise<{ triggerId: string }>;
  /** GET /jobs/:id/checkpoints/:trigger */
  checkpointResult(jobId: string, triggerId: string, options?: CallOptions): Promise<CheckpointResult>;
  /** POST /savepoint-disposal: deletes the files of a savepoint; polled by disposalResult(). Not safe to repeat. */
  disposeSavepoint(path: string, options?: CallOptions): Promise<{ triggerId: string }>;
  /** GET /savepoint-disposal/:trigger */
  disposalResult(triggerId: string, options?: CallOptions): Promise<DisposalResult>;
  /** Closes the sockets; running calls end first. */
  close(): Promise<void>;
}
export interface SubtaskMetric {
  min: number;
  max: number;
  sum: number;
}
export interface LogOptions extends CallOptions {
  name?: string;
  tailBytes?: number;
}
