import { formatAge } from '../../core/time.ts';
import type { Db } from '../../db/db.ts';
import { type ClusterView, listClusterViews } from '../../deploy/cluster-views.store.ts';
import { listClusters } from '../../deploy/clusters.store.ts';
import { type Incident, openIncidents } from '../../incidents/incidents.store.ts';
import { type Job, listJobs } from '../../jobs/jobs.store.ts';
import { latestRuns, type Run } from '../../jobs/runs.store.ts';
import { activeOperations } from '../../operations/operations.store.ts';
import type { Operation } from '../../operations/types.ts';
import { newestRestorePoints, type RestorePoint } from '../../restore-points/restore-points.store.ts';

/** Everything a line about a job needs, joined over the rooms. */
export interface JobView {
  job: Job;
  run: Run | undefined;
  holder: Operation | undefined;
  incidents: Incident[];
  newest: RestorePoint | undefined;
  cluster: ClusterView | undefined;
  /** Its cluster is only observed. */
  observed: boolean;
  /** One word for lists. */
  state: JobState;
  /** The state in a few words, with when it was last proven. */
  words: string;
}
export type JobState = 'running' | 'starting' | 'restarting' | 'failed' | 'lost' | 'stopped' | 'finished' | 'unknown' | 'new' | 'busy';

/** Jobs with what is known of them, those with a problem first. */
export async function jobViews(db: Db, now: Date, only?: (job: Job) => boolean): Promise<JobView[]> {
  const [jobs, runs, operations, incidents, points, clusters, registered] = await Promise.all([
    listJobs(db),
    latestRuns(db),
    activeOperations(db),
    openIncidents(db),
    newestRestorePoints(db),
    listClusterViews(db),
    listClusters(db),
  ]);
  return jobs
    .filter((job) => !only || only(job))
    .map((job) => {
      const run = runs.get(job.name);
      const cluster = clusters.get(run && !run.ended ? run.cluster : job.current.definition.cluster);
      const holder = operations.find((op) => op.job === job.name && op.state !== 'waiting');
      const { state, words } = stateOf(run, holder, cluster, now);
      return {
        job,
        run,
        holder,
        incidents: incidents.filter((i) => i.job === job.name),
        newest: points.get(job.name),
        cluster,
        observed: registered.find((one) => one.name === job.current.definition.cluster)?.observed === true,
        state,
        words,
      };
    })
    .sort((a, b) => order(a) - order(b) || a.job.name.localeCompare(b.job.name));
}

const rank: Record<JobState, number> = {
  failed: 0,
  lost: 0,
  restarting: 1,
  unknown: 2,
  starting: 3,
  busy: 3,
  running: 4,
  finished: 5,
  stopped: 5,
  new: 6,
};
const order = (view: JobView) => (view.incidents.length > 0 ? -1 : rank[view.state]);

/** Polls without an answer from which on a cluster counts as not reachable. */
export const unreachableAfter = 2;

function stateOf(
  run: Run | undefined,
  holder: Operation | undefined,
  cluster: ClusterView | undefined,
  now: Date,
): { state: JobState; words: string } {
  if (!run) return holder ? { state: 'busy', words: busyWords(holder) } : { state: 'new', words: 'has never run' };
  if (run.ended) {
    const when = run.endedAt ? `, ${formatAge(run.endedAt, now)}` : '';
    if (run.endReason === 'failed' || (run.endReason === 'never-started' && run.state === 'FAILED'))
      return { state: 'failed', words: `failed${when}` };
    if (run.endReason === 'lost') return { state: 'lost', words: `lost${when}: the cluster no longer knows it` };
    if (run.endReason === 'finished') return { state: 'finished', words: `finished${when}` };
    if (run.endReason === 'canceled') return { state: 'stopped', words: `canceled outside Sluice${when}` };
    return { state: 'stopped', words: run.endReason === 'never-started' ? `did not come up${when}` : `stopped${when}` };
  }
  const proven = `last proven ${formatAge(run.stateAt, now)}`;
  if (cluster && cluster.failures >= unreachableAfter)
    return { state: 'unknown', words: `unknown: ${run.cluster} does not answer; ${run.state} ${proven}` };
  if (run.silentSince)
    return { state: 'unknown', words: `unknown: ${run.application ?? run.cluster} says nothing of it now; ${run.state} ${proven}` };
  if (run.state === 'STARTING' || (!run.runningAt && run.state !== 'RESTARTING'))
    return { state: 'starting', words: `starting, ${proven}` };
  if (run.state === 'RUNNING' && run.tasksRunning >= run.tasksTotal)
    return { state: 'running', words: `running on ${run.tasksRunning}/${run.tasksTotal} tasks, ${proven}` };
  return { state: 'restarting', words: `${run.state} with ${run.tasksRunning}/${run.tasksTotal} tasks, ${proven}` };
}
/** What an operation that holds a job is doing. */
export function busyWords(holder: Operation): string {
  return holder.state === 'parked' ? `${holder.kind} is parked for a person` : `${holder.kind} in progress`;
}
