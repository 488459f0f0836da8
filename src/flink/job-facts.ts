import { causesOf, rootCauseOf } from './causes.ts';
import type { Exceptions, JobDetails } from './schema.ts';

export interface RootException {
  /** The Java class without its package, for example `RuntimeException`. */
  name: string;
  /** One line; empty when the exception has none. */
  message: string;
  /** The task that failed, for example `count -> Sink: out (1/1) - execution #0`; undefined when the failure concerns the whole job. */
  task: string | undefined;
  /** Milliseconds since 1970. */
  timestamp: number;
  stack: string;
}

/**
 * The newest failure of a job as `/jobs/:id/exceptions` tells it: the wrapper "Recovery is suppressed by …" is opened (the real exception is
 * among the concurrent ones, else its last cause) and the innermost cause is named. Undefined when the job never failed.
 */
export function rootException(exceptions: Exceptions): RootException | undefined {
  const entry = exceptions.exceptionHistory.entries[0];
  const waiting = notInHistory(exceptions);
  if (!entry || waiting) return waiting;
  const suppressed = /Recovery is suppressed by/.test(entry.stacktrace.slice(0, 1000));
  const inner = suppressed ? entry.concurrentExceptions?.[0] : undefined;
  const told = inner ?? entry;
  const root = rootCauseOf(told.stacktrace) ?? causesOf(told.exceptionName)[0];
  return {
    name: root?.name || told.exceptionName.replace(/^.*[.$]/, ''),
    message: root?.message ?? '',
    task: told.taskName ?? entry.taskName ?? undefined,
    timestamp: told.timestamp,
    stack: told.stacktrace,
  };
}

/** When a job failed, newest first: each entry of the history is one failure, with all that failed beside it. Milliseconds since 1970. */
export function failureTimes(exceptions: Exceptions): number[] {
  const waiting = notInHistory(exceptions);
  const times = exceptions.exceptionHistory.entries.map((entry) => entry.timestamp);
  return (waiting ? [waiting.timestamp, ...times] : times).sort((a, b) => b - a);
}

/** The last failure while only 1.x's own field tells it. */
function notInHistory(exceptions: Exceptions): RootException | undefined {
  const entry = exceptions.exceptionHistory.entries[0];
  const waiting = waitingForRestart(exceptions);
  // One failure has one stack in both, and its two times may differ by milliseconds.
  const sameMs = waiting?.stack === entry?.stacktrace ? 1000 : 0;
  return waiting && (!entry || waiting.timestamp > entry.timestamp + sameMs) ? waiting : undefined;
}

/** The last failure as 1.x tells it beside the history, which older releases add it to only when the restart begins. */
function waitingForRestart(exceptions: Exceptions): RootException | undefined {
  const stack = exceptions['root-exception'];
  if (!stack) return undefined;
  const root = rootCauseOf(stack);
  const [first] = exceptions['all-exceptions'] ?? [];
  return {
    name: root?.name ?? '',
    message: root?.message ?? '',
    task: first?.task ?? undefined,
    timestamp: exceptions.timestamp ?? first?.timestamp ?? 0,
    stack,
  };
}

export interface TaskProgress {
  /** Tasks that run or have finished. */
  running: number;
  /** The sum of the parallelism of all vertices: the 4 in "4/4". */
  total: number;
  /** True only if the job has vertices and each of their tasks runs or has finished; the job state RUNNING alone does not say that. */
  allRunning: boolean;
  /** When the last vertex was deployed, milliseconds since 1970; undefined until all run. */
  runningAt: number | undefined;
}

/** How many tasks of a job really run, from `/jobs/:id` (which Flink caches for web.refresh-interval). */
export function allVerticesRunning(job: Pick<JobDetails, 'state' | 'vertices'>): TaskProgress {
  let running = 0;
  let total = 0;
  let latest: number | undefined;
  for (const vertex of job.vertices) {
    total += vertex.parallelism;
    running += Math.min(vertex.parallelism, tasksUp(vertex));
    if (vertex['start-time'] > 0) latest = Math.max(latest ?? 0, vertex['start-time']);
  }
  const ended = job.state === 'FAILED' || job.state === 'CANCELED' || job.state === 'FINISHED';
  const allRunning = job.state === 'RUNNING' && total > 0 && running === total;
  return { running: ended ? 0 : running, total, allRunning, runningAt: allRunning ? latest : undefined };
}

function tasksUp(vertex: JobDetails['vertices'][number]): number {
  // A vertex says RUNNING as soon as one of its tasks runs, so the counts of tasks are the better witness.
  if (vertex.tasks) return (vertex.tasks['RUNNING'] ?? 0) + (vertex.tasks['FINISHED'] ?? 0);
  return vertex.status === 'RUNNING' || vertex.status === 'FINISHED' ? vertex.parallelism : 0;
}
