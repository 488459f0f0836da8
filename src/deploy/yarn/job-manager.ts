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
  /** Attempt of the application that it belongs to; undefined when the RM does not tell. */
  readonly attempt: number | undefined;
  /** On the monotonic clock, in ms: since when this process knows of that attempt. */
  readonly attemptSince: number;
  /** The same: since when it has answered without a failure. */
  answersSince(): number;
  /** What it said within the last seconds; undefined when it does not answer now. */
  answer(): JobsAnswer | undefined;
  /** Asks for its jobs, unless that is under way or it failed just now. */
  ask(): Promise<void>;
  /** Whether nothing is won by waiting for what it says: it has been asked for a while, or failed last. */
  isSlow(): boolean;
  /** Asks for its jobs' tasks when they may have changed. What is under way already is not waited for. Never throws. */
  askTasks(): Promise<void>;
  /** The same for release and slots, every 15 s. */
  askFacts(): Promise<void>;
  /** Jobs with their tasks, as told last; undefined when it does not answer now. */
  overview(): ReadonlyMap<string, RunOverview> | undefined;
  /** Release and slots, as told last; undefined when they were never told. */
  facts(): ClusterFacts | undefined;
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
  let answersSince = performance.now();
  let isCloserLookSlow = false;
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
      if (failures > 0) answersSince = performance.now();
      failures = 0;
    } catch {
      // Refused, hanging, or a page of the proxy: nothing is known of its jobs, and they are not gone.
      failures++;
      failedAt = performance.now();
      answered = undefined;
    }
  }
  const answer = () => (answered && performance.now() - answered.askedAt < answerKeptMs ? answered : undefined);
  /** One that is slow with this does not hold up the others' line. */
  async function closer<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const told = await (failures > 0 || isCloserLookSlow ? slots.failing : slots.good)(work);
      isCloserLookSlow = false;
      return told;
    } catch {
      isCloserLookSlow = true;
      return undefined;
    }
  }
  async function askTasks(): Promise<void> {
    const now = answer();
    if (!now) return;
    const isFresh = tasks && performance.now() - tasks.at < overviewKeptMs;
    if (tasks && isFresh && isQuiet(tasks.jobs, tasks.of.states, now.states)) return;
    const jobs = await closer(() => deployer.overview(limit()));
    tasks = jobs && { at: performance.now(), of: now, jobs };
  }
  async function askFacts(): Promise<void> {
    if (!answer() || (facts && performance.now() - facts.at < factsKeptMs)) return;
    const told = await closer(() => deployer.facts(limit()));
    if (told) facts = { at: performance.now(), facts: told };
  }
  return {
    deployer,
    url: options.url,
    attempt: attemptOf(options.app),
    attemptSince: performance.now(),
    answersSince: () => answersSince,
    answer,
    isSlow: () => asking !== undefined || failures > 0,
    ask() {
      const pause = Math.min(pauseMs[1], pauseMs[0] * 2 ** (failures - 1));
      if (!asking && failures > 0 && performance.now() - failedAt < pause) return Promise.resolve();
      asking ??= askNow().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    askTasks: oneAtATime(askTasks),
    askFacts: oneAtATime(askFacts),
    overview: () => answer() && tasks?.jobs,
    facts: () => facts?.facts,
    isSession: () => session,
    close: () => deployer.close(),
  };
}

/** Work that is not begun, and not waited for, while it is under way. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let isUnderway = false;
  return async () => {
    if (isUnderway) return;
    isUnderway = true;
    await work().finally(() => {
      isUnderway = false;
    });
  };
}

/** Whether every job is as it was and has all its tasks: then the overview of some seconds ago still says what is. */
function isQuiet(jobs: ReadonlyMap<string, RunOverview>, before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): boolean {
  if (before.size !== now.size) return false;
  for (const [id, state] of now) if (before.get(id) !== state || !jobs.has(id)) return false;
  return [...jobs.values()].every((job) => job.state !== 'RUNNING' || job.tasksRunning >= job.tasksTotal);
}
