import type { Clock, Host, Settled } from './clock.ts';
import { NoAnswer, NothingSent, Refused } from './failures.ts';

export type Request =
  | { is: 'submit'; id: string }
  | { is: 'look'; id: string }
  | { is: 'list' }
  | { is: 'trigger'; jobId: string; triggerId: string; stops: boolean }
  | { is: 'savepoint'; triggerId: string }
  | { is: 'statistics'; jobId: string }
  | { is: 'cancel'; jobId: string };

type JobState = 'CREATED' | 'RUNNING' | 'FINISHED' | 'CANCELED' | 'FAILED' | 'LOST';
export interface Job {
  id: string;
  state: JobState;
  allRunning: boolean;
  /** The JobManager answers for it; an ended one is forgotten by a restart. */
  known: boolean;
  /** What ended it. */
  endedBy: 'stop' | 'cancel' | 'itself' | 'the cluster' | undefined;
  endedAtMs: number | undefined;
}
export interface Savepoint {
  path: string;
  jobId: string;
  triggerId: string;
  atMs: number;
}
export interface Sight {
  is: 'seen' | 'gone';
  ended: boolean;
  allRunning: boolean;
}
/** A Flink cluster: the truth, and what it answers. */
export interface Cluster {
  host: Host;
  jobs: Map<string, Job>;
  /** Files on the disk: no restart loses them. */
  savepoints: Savepoint[];
  /** What must never happen, seen when it happened. */
  breaches: string[];
  /** A request arrives. */
  handle(request: Request, settle: (settled: Settled) => void): void;
  /** The JobManager dies and comes back: triggers, statistics and ended jobs are forgotten; without `keepsJobs` the running ones are lost too. */
  restart(keepsJobs: boolean, downMs: number): void;
  /** A job that runs fails by itself. */
  failJob(): void;
  restartedAtMs: number | undefined;
  /** Whether the next submission's main() says no. */
  refusesNext: boolean;
  /** Requests under way inside. */
  busy(): number;
}

export const isLive = (job: Job): boolean => job.state === 'CREATED' || job.state === 'RUNNING';

const mainMs = 300;
const savepointMs = 700;
const recoveryMs = 800;

/** @param running id of a job that runs from before. */
export function createCluster(clock: Clock, running: string | undefined): Cluster {
  const host: Host = { name: 'cluster', dead: false, frozenUntilMs: 0, moves: 0, onMove() {} };
  const triggers = new Map<string, { state: 'running' | 'done' | 'failed'; path?: string; jobId: string; stops: boolean }>();
  const statistics: Savepoint[] = [];
  const burnt = new Set<string>();
  let incarnation = 0;
  let downUntilMs = 0;
  let under = 0;
  const now = () => clock.nowMs();
  const cluster: Cluster = {
    host,
    jobs: new Map(),
    savepoints: [],
    breaches: [],
    restartedAtMs: undefined,
    refusesNext: false,
    handle,
    restart,
    failJob() {
      for (const job of cluster.jobs.values()) if (isLive(job)) end(job, 'FAILED', 'itself');
    },
    busy: () => under,
  };
  if (running !== undefined) addJob(running).allRunning = true;

  /** Later, unless the JobManager has died by then. */
  function later(ms: number, run: () => void, lost: () => void = () => {}): void {
    const mine = incarnation;
    under++;
    clock.afterOn(host, ms, () => {
      under--;
      if (mine === incarnation) run();
      else lost();
    });
  }
  function addJob(id: string): Job {
    const job: Job = { id, state: 'RUNNING', allRunning: false, known: true, endedBy: undefined, endedAtMs: undefined };
    const other = [...cluster.jobs.values()].find(isLive);
    if (other) cluster.breaches.push(`${id} was started while ${other.id} ran`);
    // What the cluster has lost or forgotten may be submitted again: nothing tells of it.
    if (cluster.jobs.get(id)?.known) cluster.breaches.push(`${id} was started twice`);
    cluster.jobs.set(id, job);
    return job;
  }
  function end(job: Job, state: JobState, by: NonNullable<Job['endedBy']>): void {
    if (!isLive(job)) return;
    Object.assign(job, { state, endedBy: by, endedAtMs: now(), allRunning: false });
    for (const trigger of triggers.values()) if (trigger.jobId === job.id && trigger.state === 'running') trigger.state = 'failed';
  }
  const found = (id: string) => {
    const job = cluster.jobs.get(id);
    return job?.known ? job : undefined;
  };

  function handle(request: Request, settle: (settled: Settled) => void): void {
    const reset = () => settle({ error: new NoAnswer('reset') });
    const recovers = () => downUntilMs > 0 && now() < downUntilMs + recoveryMs;
    if (now() < downUntilMs) settle({ error: new NothingSent() });
    else if (request.is === 'submit')
      later(0, () => (recovers() ? settle({ error: new NoAnswer('503') }) : submit(request.id, settle, reset)), reset);
    else later(0, () => settle(recovers() ? { error: new NoAnswer('503') } : answer(request)), reset);
  }
  function answer(request: Exclude<Request, { is: 'submit' }>): Settled {
    switch (request.is) {
      case 'look': {
        const job = found(request.id);
        const sight: Sight = { is: job ? 'seen' : 'gone', ended: job !== undefined && !isLive(job), allRunning: job?.allRunning === true };
        return { value: sight };
      }
      case 'list':
        return { value: [...cluster.jobs.values()].filter((job) => job.known && isLive(job)).map((job) => job.id) };
      case 'trigger':
        trigger(request.jobId, request.triggerId, request.stops);
        return { value: undefined };
      case 'savepoint':
        return { value: triggers.get(request.triggerId) ?? { state: 'not-known' } };
      case 'statistics':
        return { value: statistics.filter((point) => point.jobId === request.jobId) };
      case 'cancel': {
        const job = found(request.jobId);
        if (!job) return { error: new Refused('job-not-found') };
        if (isLive(job)) later(150, () => end(job, 'CANCELED', 'cancel'));
        return { value: undefined };
      }
    }
  }
  /** main() runs before the id is taken; it goes on although the caller has given up. */
  function submit(id: string, settle: (settled: Settled) => void, reset: () => void): void {
    const refused = cluster.refusesNext;
    cluster.refusesNext = false;
    const main = () => {
      if (refused) settle({ error: new Refused('main() failed') });
      else if (found(id) || burnt.has(id)) settle({ value: 'already' });
      else {
        const job = addJob(id);
        burnt.add(id);
        later(400, () => {
          if (isLive(job)) job.allRunning = true;
        });
        settle({ value: 'submitted' });
      }
    };
    later(mainMs, main, reset);
  }
  /** A trigger id that is known starts nothing: the caller joins what it started. */
  function trigger(jobId: string, triggerId: string, stops: boolean): void {
    if (triggers.has(triggerId)) return;
    const job = found(jobId);
    if (!job || !isLive(job)) {
      triggers.set(triggerId, { state: 'failed', jobId, stops });
      return;
    }
    const other = [...triggers.entries()].find(([, t]) => t.jobId === jobId && t.state === 'running' && t.stops && stops);
    if (other) {
      cluster.breaches.push(`two stops of ${jobId} at once`);
      other[1].state = 'failed';
      triggers.set(triggerId, { state: 'failed', jobId, stops });
      return;
    }
    const mine = { state: 'running' as 'running' | 'done' | 'failed', jobId, stops };
    triggers.set(triggerId, mine);
    later(savepointMs, () => {
      if (mine.state !== 'running' || !isLive(job)) return;
      const made: Savepoint = { path: `sp-${cluster.savepoints.length + 1}`, jobId, triggerId, atMs: now() };
      cluster.savepoints.push(made);
      statistics.push(made);
      const done = () => Object.assign(mine, { state: 'done', path: made.path });
      if (!stops) return done();
      later(100, () => {
        if (!isLive(job)) return;
        done();
        end(job, 'FINISHED', 'stop');
      });
      return undefined;
    });
  }
  function restart(keepsJobs: boolean, downMs: number): void {
    incarnation++;
    cluster.restartedAtMs = now();
    downUntilMs = now() + downMs;
    host.frozenUntilMs = 0;
    triggers.clear();
    statistics.length = 0;
    if (!keepsJobs) burnt.clear();
    for (const job of cluster.jobs.values()) {
      if (isLive(job) && keepsJobs) job.allRunning = true;
      else {
        end(job, 'LOST', 'the cluster');
        job.known = false;
      }
    }
  }
  return cluster;
}
