import { UnreachableError, UpstreamError } from '../core/errors.ts';
import type { ClusterFacts, RunOverview } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { FlinkError } from '../flink/errors.ts';
import type { Run } from '../jobs/runs.store.ts';
import type { CheckpointReads, CheckpointsRead } from './checkpoint-reads.ts';
import { type ClusterSeen, wantsCheckpoints, wantsOverview } from './cluster-poll.rule.ts';
import { judge } from './judged.ts';

export interface PollTimes {
  overviewEveryMs: number;
  checkpointsEveryMs: number;
}
/** Milliseconds since each was asked for; facts left out: never. */
export interface SinceAsked {
  overviewMs: number;
  factsMs?: number;
}
/** Slots, TaskManagers and which JobManager answers are asked for with every second overview: they are little news, and the JobManager writes all of its settings for it. */
const factsEach = 2;

export type Fetched =
  | {
      is: 'answered';
      /** How long the cluster took for its lists of jobs. */
      tookMs: number;
      seen: ClusterSeen;
      facts: ClusterFacts | undefined;
      /** Which JobManager process answers, when it was asked for. */
      jobManager: string | undefined;
      /** What `/jobs/overview` lists, when it was asked for and answered. */
      overview: ReadonlyMap<string, RunOverview> | undefined;
      /** Whether `/jobs/overview` was to be asked for. */
      overviewDue: boolean;
      /** Why it, or `/overview`, gave nothing; null: both answered; undefined: they were not both asked for. */
      overviewFault: string | null | undefined;
      checkpoints: CheckpointsRead[];
    }
  | { is: 'no-answer'; why: string };

/**
 * Asks a cluster as little as the rules allow: `/jobs` each time, the rest when it is due. Only `/jobs` decides whether it answers: what it says of the
 * states counts whatever the others do. Never throws for what the cluster does.
 * @param since when the overview and the facts of the cluster were last asked for; below 0: the overview failed lately and is not asked for.
 * @param reads what earlier polls began to read, and could not.
 */
export async function fetchCluster(
  open: OpenCluster,
  runs: readonly Run[],
  now: Date,
  { overviewMs: sinceOverviewMs, factsMs: sinceFactsMs = Number.POSITIVE_INFINITY }: SinceAsked,
  times: PollTimes,
  reads: CheckpointReads,
): Promise<Fetched> {
  const { deployer } = open;
  const began = performance.now();
  try {
    const states = await deployer.listRuns({ timeoutMs: 4000 }, runs);
    // What others started on an observed cluster is found by its name, which only the overview tells.
    const { restless, strangers } = judge(runs, states);
    const due =
      sinceOverviewMs >= 0 && ((open.cluster.observed && strangers()) || wantsOverview(restless, sinceOverviewMs, times.overviewEveryMs));
    const faults: string[] = [];
    const tasks = due ? await unlessItFails(deployer.overview({ timeoutMs: 4000 }), faults) : undefined;
    const paced = sinceOverviewMs >= times.overviewEveryMs;
    // One that hangs is not waited for twice.
    const factsDue = paced && sinceFactsMs >= factsEach * times.overviewEveryMs;
    const facts = factsDue && faults.length === 0 ? await unlessItFails(deployer.facts({ timeoutMs: 4000 }), faults) : undefined;
    const missing = restless.some(({ run, fact }) => run.runningAt && fact.is === 'gone');
    // A proxy may hide it; whether the cluster answers is decided by its jobs alone.
    const jobManager = factsDue || missing ? await deployer.jobManager({ timeoutMs: 4000 }).catch(() => undefined) : undefined;
    const tookMs = performance.now() - began;
    const wanted = runs.filter(
      (run) => run.runningAt && wantsCheckpoints(run, now, times.checkpointsEveryMs) && states.get(run.flinkJobId) === 'RUNNING',
    );
    const checkpoints = await reads.read(open, wanted);
    const overviewFault = faults[0] ?? (factsDue ? null : undefined);
    return {
      is: 'answered',
      tookMs,
      seen: { states, tasks },
      facts,
      jobManager,
      overview: tasks,
      overviewDue: due,
      overviewFault,
      checkpoints,
    };
  } catch (error) {
    if (error instanceof UnreachableError || error instanceof FlinkError) return { is: 'no-answer', why: error.message };
    throw error;
  }
}
/** The answer, or why there is none among the faults. */
async function unlessItFails<T>(asked: Promise<T>, faults: string[]): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof UpstreamError || error instanceof UnreachableError)) throw error;
    faults.push(error.message);
    return undefined;
  }
}
