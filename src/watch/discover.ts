import type { Tx } from '../db/db.ts';
import type { Cluster } from '../deploy/clusters.store.ts';
import { type RunOverview, unknownState } from '../deploy/deployer.ts';
import { createJobs, findJob } from '../jobs/jobs.store.ts';
import { takeTellings } from '../jobs/run-crowd.store.ts';
import { endRun, insertRuns, latestRun, type Run, reviveRun, updateLiveRun } from '../jobs/runs.store.ts';
import { endedStates } from './cluster-poll.rule.ts';
import { namesakes } from './namesakes.store.ts';
import { jobNameOf, observedJob, observedRun, type Stranger, takeNewcomers } from './newcomers.ts';

/** So many are taken in with one look, which holds the cluster's lease meanwhile; the next look goes on. */
const atOnce = 200;
const forMs = 500;

/**
 * Jobs of an observed cluster that nobody has told Sluice of: each gets a job by its own name and a run. The same name again, once the run before has
 * ended, is the next run of that job; beside a live one, and on another cluster, it is another job.
 * @returns whether something was found, and whether there is more: then the next look goes on soon.
 * @param live its runs whose end is not proven. @param seen `/jobs/overview`, for the names. @param states `/jobs`, Flink's states as they are now.
 */
export async function discover(
  tx: Tx,
  cluster: Cluster,
  live: readonly Run[],
  seen: ReadonlyMap<string, RunOverview>,
  states: ReadonlyMap<string, string>,
): Promise<{ found: boolean; more: boolean }> {
  const known = new Map(live.map((run) => [run.flinkJobId, run]));
  const strangers: Stranger[] = [];
  for (const [flinkJobId, job] of seen) {
    // The overview may be 3 s old and show as running what has ended since; the states are not.
    const state = states.get(flinkJobId);
    if (state === undefined || endedStates.includes(state) || !job.name) continue;
    const { application = null } = job;
    const run = known.get(flinkJobId);
    if (run) {
      // It went on under its id in another application.
      if (run.application !== application) await updateLiveRun(tx, run.id, { application });
      continue;
    }
    strangers.push({ flinkJobId, name: job.name, job, state });
  }
  const newcomers = await takeNewcomers(tx, cluster, live, strangers);
  if (newcomers.more) return { found: true, more: true };
  let found = 0;
  const began = performance.now();
  for (const one of strangers.filter(({ flinkJobId }) => !newcomers.taken.has(flinkJobId))) {
    const { flinkJobId, job, state } = one;
    const { application = null } = job;
    // A JobManager that fails over brings its jobs back under their own ids.
    if (await reviveRun(tx, cluster.name, flinkJobId, state, application)) {
      found++;
      continue;
    }
    const plain = jobNameOf(one.name);
    const before = await runBefore(tx, cluster, live, plain, application, states);
    if (before) {
      await endRun(tx, before.id, { state: 'LOST', reason: 'lost' });
      await takeTellings(tx, [before.id]);
      before.ended = true;
    }
    const name = before?.job ?? (await placeFor(tx, cluster, plain, flinkJobId));
    if (name === undefined) continue;
    await insertRuns(tx, [observedRun(cluster, name, one)]);
    found++;
    if (found === atOnce || performance.now() - began > forMs) return { found: true, more: true };
  }
  return { found: found > 0 || newcomers.taken.size > 0, more: false };
}

/**
 * The run that goes on as one of this name: its application was started again, lists no longer the run and lists a job of its name under a new id. That is
 * what a new attempt without high availability does, and no end.
 */
async function runBefore(
  tx: Tx,
  cluster: Cluster,
  live: readonly Run[],
  plain: string,
  application: string | null,
  states: ReadonlyMap<string, string>,
): Promise<Run | undefined> {
  if (application === null) return undefined;
  const gone = live.filter(
    (run) => !run.ended && run.application === application && (states.get(run.flinkJobId) ?? unknownState) === unknownState,
  );
  const same = gone.find((run) => stableNames(cluster, plain).includes(run.job));
  if (same || !gone.some((run) => run.job.startsWith(`${plain}-`))) return same;
  const twins = new Set((await namesakes(tx, cluster.name, plain)).map((twin) => twin.name));
  return gone.find((run) => twins.has(run.job));
}
/** Its own name, and the one that it has where its own is another cluster's: both stay the same whenever it is started anew. */
const stableNames = (cluster: Cluster, plain: string): string[] => [plain, `${cluster.name}-${plain}`.slice(0, 60).replace(/-+$/, '')];
/** Told apart by the beginning of their Flink ids; the longer one where two begin alike. */
const twinNames = (plain: string, flinkJobId: string): string[] => [6, 12].map((length) => `${plain}-${flinkJobId.slice(0, length)}`);

/**
 * The job that a run belongs to, made when there is none; undefined when every name for it is taken. What has its name while another one of that name lives on
 * the same cluster is a twin: it goes on as the twin that ended first, if one has.
 */
async function placeFor(tx: Tx, cluster: Cluster, plain: string, flinkJobId: string): Promise<string | undefined> {
  for (const name of stableNames(cluster, plain)) {
    const place = await placeAt(tx, cluster, name);
    if (place === 'free') return name;
    if (place === 'lives') break;
  }
  const ended = (await namesakes(tx, cluster.name, plain)).find((twin) => twin.ended);
  if (ended) return ended.name;
  for (const name of twinNames(plain, flinkJobId)) if ((await placeAt(tx, cluster, name)) === 'free') return name;
  return undefined;
}
/** Whether a run may have a job's name, which is made when there is none: not while a run of it lives, and not when it is that of another cluster. */
async function placeAt(tx: Tx, cluster: Cluster, name: string): Promise<'free' | 'lives' | 'elsewhere'> {
  const job = await findJob(tx, name);
  if (!job) {
    await createJobs(tx, [observedJob(cluster, name)]);
    return 'free';
  }
  if (job.current.definition.cluster !== cluster.name) return 'elsewhere';
  return (await latestRun(tx, name))?.ended === false ? 'lives' : 'free';
}
