import type { ClusterFacts, Deployer, RunOverview } from '../deployer.ts';
import { attemptOf, type YarnApplication } from './application.ts';

/** What an application's JobManager said last. */
export interface JobsAnswer {
  /** Flink job id -> state. */
  states: ReadonlyMap<string, string>;
  /** On the monotonic clock, in ms: when the question was sent. */
  askedAt: number;
}
/** The JobManager of one application, reached through the web proxy. Never more than one `/jobs` is under way, and it never throws. */
export interface JobManager {
  readonly deployer: Deployer;
  readonly url: string;
  /** Attempt of the application that it belongs to. */
  readonly attempt: number;
  /** On the monotonic clock, in ms: since when this process knows of that attempt. */
  readonly attemptSince: number;
  /** What it said within the last seconds; undefined when it does not answer now. */
  answer(): JobsAnswer | undefined;
  /** Asks for its jobs, unless that is under way or it failed just now. */
  ask(): Promise<void>;
  /** Jobs with their tasks; undefined when it does not say so now. Asked again only when that may have changed. */
  overview(): Promise<ReadonlyMap<string, RunOverview> | undefined>;
  /** Release and slots, as old as 15 s; undefined when they were never told. */
  facts(): Promise<ClusterFacts | undefined>;
  /** True for a session, to which others submit; undefined until it has told. */
  isSession(): boolean | undefined;
  close(): Promise<void>;
}
export interface JobManagerOptions {
  app: YarnApplication;
  url: string;
  deployer: Deployer;
  /** Whether it is a session; asked once. */
  askSession(): Promise<boolean>;
  /** Bounds what is under way to all JobManagers together; those that failed last have a line of their own. */
  slots: { good<T>(work: () => Promise<T>): Promise<T>; failing<T>(work: () => Promise<T>): Promise<T> };
}

const requestMs = 4000;
/** A slow answer counts when the next poll comes. */
const answerKeptMs = 5000;
const overviewKeptMs = 3000;
const factsKeptMs = 15_000;
/** After a failure, doubled up to the second. */
const pauseMs = [1000, 15_000] as const;

/** Opens nothing before it is asked. */
export function createJobManager(options: JobManagerOptions): JobManager {
  const { deployer, slots } = options;
  let answered: JobsAnswer | undefined;
  let asking: Promise<void> | undefined;
  let failures = 0;
  let failedAt = 0;
  let session: boolean | undefined;
  let tasks: { at: number; of: JobsAnswer; jobs: ReadonlyMap<string, RunOverview> } | undefined;
  let facts: { at: number; facts: ClusterFacts } | undefined;
  const limit = () => ({ timeoutMs: requestMs });
  const line = <T>(work: () => Promise<T>) => (failures > 0 ? slots.failing(work) : slots.good(work));

  async function askNow(): Promise<void> {
    try {
      await line(async () => {
        const askedAt = performance.now();
        answered = { states: await deployer.listRuns(limit()), askedAt };
        session ??= await options.askSession().catch(() => undefined);
      });
      failures = 0;
    } catch {
      // Refused, hanging, or a page of the proxy: nothing is known of its jobs, and they are not gone.
      failures++;
      failedAt = performance.now();
      answered = undefined;
    }
  }
  const answer = () => (answered && performance.now() - answered.askedAt < answerKeptMs ? answered : undefined);
  return {
    deployer,
    url: options.url,
    attempt: attemptOf(options.app),
    attemptSince: performance.now(),
    answer,
    ask() {
      const pause = Math.min(pauseMs[1], pauseMs[0] * 2 ** (failures - 1));
      if (!asking && failures > 0 && performance.now() - failedAt < pause) return Promise.resolve();
      asking ??= askNow().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    async overview() {
      const now = answer();
      if (!now) return undefined;
      const known = tasks;
      const isFresh = known && performance.now() - known.at < overviewKeptMs;
      if (known && isFresh && isQuiet(known.jobs, known.of.states, now.states)) return known.jobs;
      const jobs = await slots.good(() => deployer.overview(limit())).catch(() => undefined);
      tasks = jobs && { at: performance.now(), of: now, jobs };
      return jobs;
    },
    async facts() {
      if (answer() && (!facts || performance.now() - facts.at >= factsKeptMs)) {
        const told = await slots.good(() => deployer.facts(limit())).catch(() => undefined);
        if (told) facts = { at: performance.now(), facts: told };
      }
      return facts?.facts;
    },
    isSession: () => session,
    close: () => deployer.close(),
  };
}

/** Whether every job is as it was and has all its tasks: then the overview of some seconds ago still says what is. */
function isQuiet(jobs: ReadonlyMap<string, RunOverview>, before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): boolean {
  if (before.size !== now.size) return false;
  for (const [id, state] of now) if (before.get(id) !== state || !jobs.has(id)) return false;
  return [...jobs.values()].every((job) => job.state !== 'RUNNING' || job.tasksRunning >= job.tasksTotal);
}
