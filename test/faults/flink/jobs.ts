import { startCheckpoints } from './checkpoints.ts';
import { counterOf, endedStates, type Job, type JobState } from './job.ts';
import type { Cluster } from './options.ts';
import type { Program } from './program.ts';
import { type RestoreState, removeFolder } from './restore-points.ts';
import { suspending, type Thrown } from './texts.ts';

/** What a run request makes. */
export interface JobSpec {
  id: string;
  name: string;
  jarId: string;
  parallelism: number;
  program: Program;
  options: Readonly<Record<string, string>>;
  checkpointDir: string;
  checkpointIntervalMs: number;
  start: { path: string; state: RestoreState } | undefined;
}
export interface Jobs {
  /** All that Flink still knows. */
  list(): Job[];
  get(id: string): Job | undefined;
  /** Whether an id was used on this JobManager, also by a job that is forgotten. */
  wasUsed(id: string): boolean;
  submit(spec: JobSpec): Job;
  /** A job whose initialization failed: it is there, FAILED, and its id is used up. */
  submitFailed(spec: JobSpec, fault: readonly Thrown[]): void;
  cancel(job: Job): void;
  /** A failure of a task, or of the whole job when no task is named; it restarts if it may. */
  fail(job: Job, fault: { thrown: readonly Thrown[]; task?: string; forGood?: boolean }): void;
  /** The end of a stop with savepoint. */
  finish(job: Job): void;
  slotsFree(): number;
  /** Tries again to deploy what waits for slots. */
  offerSlots(): void;
  /** The JobManager is gone: every job with it. */
  loseAll(): void;
  /** Another JobManager takes over: each job that has not ended goes on from its last checkpoint, and none is known for so long. */
  takeOver(unknownForMs: number): void;
}

/** The Dispatcher: the jobs of one JobManager process. */
export function createJobs(cluster: Cluster): Jobs {
  const jobs = new Map<string, Job>();
  const used = new Set<string>();
  const { timing, behaviour } = cluster;
  let slotsTaken = 0;
  let unknownUntil = 0;
  const isOld = (job: Job) => job.endedAt !== undefined && job.endedAt < Date.now() - timing.jobsKeptMs;
  const isAlive = (job: Job) => jobs.get(job.id) === job && !endedStates.includes(job.state);

  function later(job: Job, ms: number, then: () => void): void {
    const { attempt } = job;
    cluster.after(ms, () => {
      if (isAlive(job) && job.attempt === attempt) then();
    });
  }
  function enter(job: Job, state: JobState): void {
    job.state = state;
    job.times.set(state, Date.now());
  }
  function slotsFree(): number {
    return behaviour.noSlots ? 0 : Math.max(0, cluster.slots - slotsTaken);
  }
  function breakOff(job: Job, message: string): void {
    for (const end of [...job.underWay]) end(message);
    job.underWay.clear();
  }
  /** The tasks are gone: nothing of this attempt may happen any more. */
  function stopTasks(job: Job): void {
    job.base = counterOf(job, Date.now());
    job.runningSince = undefined;
    job.attempt++;
    if (!job.holdsSlots) return;
    job.holdsSlots = false;
    slotsTaken -= job.parallelism;
    cluster.after(0, offerSlots);
  }
  function end(job: Job, state: 'FINISHED' | 'CANCELED' | 'FAILED'): void {
    stopTasks(job);
    job.phase = 'ENDED';
    job.endedAt = Date.now();
    enter(job, state);
    const keeps = job.options['execution.checkpointing.externalized-checkpoint-retention'] ?? 'RETAIN_ON_CANCELLATION';
    if (state === 'FINISHED' || (state === 'CANCELED' && keeps !== 'RETAIN_ON_CANCELLATION')) discardRetained(job);
    cluster.tell({ is: 'job-ended', jobId: job.id, end: state, counter: job.base });
  }
  function discardRetained(job: Job): void {
    for (const { checkpoint, folder } of job.retained.splice(0)) {
      checkpoint.discarded = true;
      removeFolder(folder);
      cluster.tell({ is: 'restore-point-gone', path: checkpoint.path ?? folder });
    }
  }

  function schedule(job: Job): void {
    job.phase = 'CREATED';
    later(job, timing.deployMs * 0.3, () => {
      enter(job, 'RUNNING');
      job.phase = 'SCHEDULED';
      deploy(job);
    });
  }
  function deploy(job: Job): void {
    if (slotsFree() < job.parallelism) return;
    job.holdsSlots = true;
    slotsTaken += job.parallelism;
    job.phase = 'DEPLOYING';
    job.deployedAt = Date.now();
    later(job, timing.deployMs * 0.7, () => allRunning(job));
  }
  function offerSlots(): void {
    for (const job of jobs.values()) if (job.phase === 'SCHEDULED') deploy(job);
  }
  function allRunning(job: Job): void {
    job.phase = 'RUNNING';
    job.runningSince = Date.now();
    cluster.tell({ is: 'job-running', jobId: job.id });
    startCheckpoints(cluster, job, later, (fault) => fail(job, fault));
    const { failAfter } = job.program;
    if (failAfter > 0)
      later(job, Math.max(0, failAfter - job.base), () =>
        fail(job, {
          thrown: [['java.lang.IllegalStateException', `Planned failure after ${failAfter} orders`]],
          task: `totals per customer -> Sink: totals out (1/${job.parallelism})`,
        }),
      );
    if (behaviour.failAfterStartMs !== undefined && job.restartCount === 0)
      later(job, behaviour.failAfterStartMs, () =>
        fail(job, {
          thrown: [['java.lang.IllegalStateException', 'Planned failure after the start']],
          task: 'totals per customer',
          forGood: true,
        }),
      );
  }

  function fail(job: Job, { thrown, task, forGood }: Parameters<Jobs['fail']>[1]): void {
    if (!isAlive(job)) return;
    breakOff(job, suspending);
    if (job.state === 'CANCELLING') return;
    const at = Date.now();
    if (job.restarts && !forGood && !job.closing) {
      job.exceptions.unshift({ at, thrown, task, concurrent: undefined });
      restart(job);
      return;
    }
    const suppressed: Thrown = ['org.apache.flink.runtime.JobException', `Recovery is suppressed by ${strategy(job)}`];
    job.exceptions.unshift({ at, thrown: [suppressed, ...thrown], task: undefined, concurrent: task === undefined ? undefined : thrown });
    if (task !== undefined) job.exceptions[0] = { ...(job.exceptions[0] as Job['exceptions'][0]), task };
    job.times.set('FAILING', at);
    end(job, 'FAILED');
  }
  function strategy(job: Job): string {
    return job.restarts
      ? 'FixedDelayRestartBackoffTimeStrategy(maxNumberRestartAttempts=1, backoffTimeMS=0)'
      : 'NoRestartBackoffTimeStrategy';
  }
  function restart(job: Job): void {
    stopTasks(job);
    enter(job, 'RESTARTING');
    job.phase = 'CREATED';
    job.restartCount++;
    later(job, timing.restartMs, () => {
      // Only checkpoints count for a restart, never savepoints.
      const from = job.retained.at(-1);
      const state = from?.state ?? job.start?.state;
      job.base = state?.counter ?? 0;
      job.lastSaved = job.base;
      if (from) {
        job.restored = { id: from.checkpoint.id, at: Date.now(), path: from.checkpoint.path ?? '', byName: false };
        job.counts.restored++;
      }
      enter(job, 'RUNNING');
      job.phase = 'SCHEDULED';
      deploy(job);
    });
  }

  function create(spec: JobSpec): Job {
    sweep();
    used.add(spec.id);
    const now = Date.now();
    const type = spec.options['restart-strategy.type'];
    const job: Job = {
      ...spec,
      restarts: type === undefined ? cluster.restarts : !['none', 'off', 'disable'].includes(type),
      createdAt: now,
      state: 'CREATED',
      phase: 'CREATED',
      times: new Map([['INITIALIZING', now]]),
      attempt: 0,
      restartCount: 0,
      deployedAt: undefined,
      endedAt: undefined,
      holdsSlots: false,
      closing: false,
      base: spec.start?.state.counter ?? 0,
      runningSince: undefined,
      lastSaved: spec.start?.state.counter ?? 0,
      restored: spec.start && { id: spec.start.state.id, at: now, path: spec.start.path, byName: true },
      counts: { restored: spec.start ? 1 : 0, completed: 0, failed: 0 },
      pending: new Set(),
      history: [],
      latest: { completed: undefined, savepoint: undefined, failed: undefined },
      nextCheckpoint: (spec.start?.state.id ?? 0) + 1,
      retained: [],
      exceptions: [],
      initFault: undefined,
      underWay: new Set(),
    };
    jobs.set(job.id, job);
    return job;
  }
  function sweep(): void {
    for (const job of jobs.values()) if (isOld(job)) jobs.delete(job.id);
  }

  return {
    list() {
      sweep();
      if (Date.now() < unknownUntil) return [];
      return [...jobs.values()];
    },
    get(id) {
      const job = jobs.get(id);
      return job && !isOld(job) && Date.now() >= unknownUntil ? job : undefined;
    },
    wasUsed: (id) => used.has(id),
    submit(spec) {
      const job = create(spec);
      enter(job, 'CREATED');
      cluster.tell({
        is: 'job-started',
        jobId: job.id,
        jobName: job.name,
        jarId: job.jarId,
        restoredFrom: spec.start?.path,
        counter: job.base,
      });
      schedule(job);
      return job;
    },
    submitFailed(spec, fault) {
      const job = create({ ...spec, start: undefined });
      job.initFault = fault;
      job.exceptions.unshift({ at: Date.now(), thrown: fault, task: undefined, concurrent: undefined });
      job.endedAt = Date.now();
      job.phase = 'ENDED';
      enter(job, 'FAILED');
    },
    takeOver(unknownForMs) {
      unknownUntil = Date.now() + unknownForMs;
      for (const job of jobs.values()) {
        if (!isAlive(job) || job.state === 'CANCELLING') continue;
        breakOff(job, suspending);
        restart(job);
      }
    },
    cancel(job) {
      if (!isAlive(job) || job.state === 'CANCELLING') return;
      enter(job, 'CANCELLING');
      breakOff(job, suspending);
      stopTasks(job);
      job.phase = 'ENDED';
      later(job, timing.cancelMs, () => end(job, 'CANCELED'));
    },
    fail,
    finish(job) {
      if (isAlive(job)) end(job, 'FINISHED');
    },
    slotsFree,
    offerSlots,
    loseAll() {
      for (const job of jobs.values()) {
        if (!isAlive(job)) continue;
        cluster.tell({ is: 'job-ended', jobId: job.id, end: 'LOST', counter: counterOf(job, Date.now()) });
      }
      jobs.clear();
      used.clear();
    },
  };
}
