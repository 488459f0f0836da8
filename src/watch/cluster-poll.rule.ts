import { type RunOverview, unknownState } from '../deploy/deployer.ts';
import type { Run } from '../jobs/runs.store.ts';

/** What a poll saw of a cluster that answered. */
export interface ClusterSeen {
  /** Flink job id -> state, never stale. */
  states: ReadonlyMap<string, string>;
  /** Flink job id -> tasks; undefined when it was not asked for this time. */
  tasks: ReadonlyMap<string, Pick<RunOverview, 'tasksRunning' | 'tasksTotal'>> | undefined;
}
export type RunFact =
  /** Proven as before. */
  | { is: 'same' }
  | { is: 'changed'; state: string; tasksRunning: number; tasksTotal: number }
  /** Flink says that it ended; the end has to be recorded. */
  | { is: 'ended'; state: string }
  /** A cluster that answers does not know it; to be confirmed by asking for the run itself. */
  | { is: 'gone' }
  /** The cluster answers, but not the part of it that has the run: nothing is proven, and nothing is said. */
  | { is: 'unknown' };
export type Health = 'healthy' | 'troubled' | 'coming-up' | 'going-down';

export const endedStates = ['FAILED', 'CANCELED', 'FINISHED'];

/** Flink answers `/jobs/overview` from a cache that is up to 3 s old (web.refresh-interval): until then it may show what was before a run came up. */
const overviewStaleMs = 4000;

/** Old view and new view of one run -> what is to be written. Pure. */
export function runFact(
  run: Pick<Run, 'flinkJobId' | 'state' | 'tasksRunning' | 'tasksTotal' | 'runningAt'>,
  seen: ClusterSeen,
  now: Date,
): RunFact {
  const state = seen.states.get(run.flinkJobId);
  if (state === undefined) return { is: 'gone' };
  if (state === unknownState) return { is: 'unknown' };
  if (endedStates.includes(state)) return { is: 'ended', state };
  const known = { tasksRunning: run.tasksRunning, tasksTotal: run.tasksTotal };
  const overview = seen.tasks?.get(run.flinkJobId);
  const cameUpJustNow = run.runningAt !== null && now.getTime() - run.runningAt.getTime() < overviewStaleMs;
  const tasks = overview && !(cameUpJustNow && overview.tasksRunning < run.tasksRunning) ? overview : known;
  if (state === run.state && tasks.tasksRunning === run.tasksRunning && tasks.tasksTotal === run.tasksTotal) return { is: 'same' };
  return { is: 'changed', state, tasksRunning: tasks.tasksRunning, tasksTotal: tasks.tasksTotal };
}

/** Ids of the runs that are not heard of any more, and of those that are again. Pure. */
export function silences(facts: readonly { run: Pick<Run, 'id' | 'silentSince'>; fact: RunFact }[]): [silent: string[], heard: string[]] {
  const ids = (test: (one: (typeof facts)[number]) => boolean) => facts.filter(test).map(({ run }) => run.id);
  return [
    ids(({ run, fact }) => (fact.is === 'unknown' || fact.is === 'gone') && run.silentSince === null),
    ids(({ run, fact }) => fact.is !== 'unknown' && fact.is !== 'gone' && run.silentSince !== null),
  ];
}

/** RUNNING means that every vertex runs; before a run came up for the first time nothing is wrong yet. Pure. */
export function healthOf(run: Pick<Run, 'state' | 'tasksRunning' | 'tasksTotal' | 'runningAt'>): Health {
  if (run.state === 'RUNNING' && run.tasksTotal > 0 && run.tasksRunning >= run.tasksTotal) return 'healthy';
  // Somebody cancels it: its end is told, not that it restarts.
  if (run.state === 'CANCELLING') return 'going-down';
  return run.runningAt ? 'troubled' : 'coming-up';
}

/** Whether a cluster has jobs under way that no run is known of. Pure. */
export function hasStrangers(states: ReadonlyMap<string, string>, runs: readonly Pick<Run, 'flinkJobId'>[]): boolean {
  const known = new Set<string>();
  for (const run of runs) known.add(run.flinkJobId);
  for (const [id, state] of states) if (!known.has(id) && !endedStates.includes(state) && state !== unknownState) return true;
  return false;
}

/** A run and what a poll says of it. */
export interface Following<R = Run> {
  run: R;
  fact: RunFact;
}
type Judgeable = Pick<Run, 'flinkJobId' | 'state' | 'tasksRunning' | 'tasksTotal' | 'runningAt' | 'silentSince'>;
/** Of which runs there is more to say than that they are well, as before and heard of: few, most of the time. Pure. */
export function restlessOf<R extends Judgeable>(runs: readonly R[], seen: ClusterSeen, now: Date): Following<R>[] {
  const restless: Following<R>[] = [];
  for (const run of runs) {
    const fact = runFact(run, seen, now);
    if (fact.is !== 'same' || healthOf(run) !== 'healthy' || !run.runningAt || run.silentSince !== null) restless.push({ run, fact });
  }
  return restless;
}

/**
 * Whether `/jobs/overview` is worth asking for now: a run that lives changed or is not healthy, or its time has come. It adds nothing to an end. Pure.
 * @param restless by the states alone.
 */
export function wantsOverview(
  restless: readonly Following<Pick<Run, 'state' | 'tasksRunning' | 'tasksTotal' | 'runningAt'>>[],
  sinceLastMs: number,
  everyMs: number,
): boolean {
  return (
    sinceLastMs >= everyMs || restless.some(({ run, fact }) => fact.is === 'changed' || (fact.is === 'same' && healthOf(run) !== 'healthy'))
  );
}

/** Whether a run's checkpoints are to be read now: at least every `everyMs`, at most every 8 intervals (Flink keeps 10), and often while the first is awaited. Pure. */
export function wantsCheckpoints(
  run: Pick<Run, 'checkpointsReadAt' | 'firstCheckpoint' | 'checkpointIntervalMs'>,
  now: Date,
  everyMs: number,
): boolean {
  if (!run.checkpointsReadAt || run.checkpointIntervalMs === null) return true;
  const age = now.getTime() - run.checkpointsReadAt.getTime();
  if (run.firstCheckpoint === 'waiting') return age >= 1000;
  if (run.checkpointIntervalMs === 0) return age >= 10 * everyMs;
  return age >= Math.min(everyMs, run.checkpointIntervalMs * 8);
}

/** What is known of a run's first checkpoint. Pure. */
export function firstCheckpointFact(
  run: Pick<Run, 'startedAt' | 'runningAt' | 'checkpointIntervalMs'>,
  newest: { at: Date } | undefined,
  now: Date,
  withinMs: number,
): 'waiting' | 'seen' | 'overdue' | 'off' {
  // It is one of this run: no two clocks are compared for it.
  if (newest) return 'seen';
  if (run.checkpointIntervalMs === 0) return 'off';
  const since = now.getTime() - (run.runningAt ?? run.startedAt).getTime();
  const limit = Math.max(withinMs, 3 * (run.checkpointIntervalMs ?? 0));
  return since > limit ? 'overdue' : 'waiting';
}
