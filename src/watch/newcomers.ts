import { newId } from '../core/ids.ts';
import { now } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import type { Cluster } from '../deploy/clusters.store.ts';
import type { RunOverview } from '../deploy/deployer.ts';
import { createJobs, findJobs, type JobInput } from '../jobs/jobs.store.ts';
import { insertRuns, knownRuns, type Run, type RunInput } from '../jobs/runs.store.ts';

/** Who acts where nobody of ours did. */
export const elsewhere = { teamId: '', userId: '', name: 'somebody outside Sluice' };
/** Operation of a run that no operation started. */
export const noOperation = '';

/** What runs on an observed cluster and has no run here. */
export interface Stranger {
  flinkJobId: string;
  /** What its program calls itself. */
  name: string;
  job: RunOverview;
  state: string;
}
/** So many are taken in with one look, which holds the cluster's lease meanwhile; the next look goes on. */
const atOnce = 1000;

/**
 * Takes in, with a few statements for all of them, those about which there is nothing to decide: no job and no other stranger has their name, no run their
 * Flink id, and their application was not here before. Of a cluster that is new to Sluice these are nearly all.
 * @returns Flink ids of those that were taken in, and whether there may be more.
 */
export async function takeNewcomers(
  tx: Tx,
  cluster: Cluster,
  live: readonly Run[],
  strangers: readonly Stranger[],
): Promise<{ taken: ReadonlySet<string>; more: boolean }> {
  const byName = Map.groupBy(strangers, ({ name }) => jobNameOf(name));
  const applications = new Set(live.map((run) => run.application));
  const alone = [...byName].flatMap(([name, [one, ...others]]) =>
    one && others.length === 0 && !(one.job.application && applications.has(one.job.application)) ? [{ name, one }] : [],
  );
  const asked = alone.slice(0, atOnce);
  const names = await findJobs(
    tx,
    asked.map(({ name }) => name),
  );
  const ids = await knownRuns(
    tx,
    cluster.name,
    asked.map(({ one }) => one.flinkJobId),
  );
  const fresh = asked.filter(({ name, one }) => !names.has(name) && !ids.has(one.flinkJobId));
  await createJobs(
    tx,
    fresh.map(({ name }) => observedJob(cluster, name)),
  );
  await insertRuns(
    tx,
    fresh.map(({ name, one }) => observedRun(cluster, name, one)),
  );
  return { taken: new Set(fresh.map(({ one }) => one.flinkJobId)), more: fresh.length > 0 && alone.length > asked.length };
}

/** The job of a name that somebody else runs. Pure. */
export const observedJob = (cluster: Cluster, name: string): JobInput => ({
  name,
  team: cluster.team ?? '',
  kind: 'jar',
  mode: 'streaming',
  project: null,
  definition: { cluster: cluster.name, environment: 'production', args: [], flink: {}, links: [] },
  origin: 'observed',
  createdBy: elsewhere,
});
/** The run of it that was found. */
export const observedRun = (cluster: Cluster, name: string, { flinkJobId, job, state }: Stranger): RunInput => ({
  id: newId('run'),
  job: name,
  version: 1,
  cluster: cluster.name,
  flinkJobId,
  application: job.application ?? null,
  ...(job.flinkVersion ? { flinkVersion: job.flinkVersion } : {}),
  operationId: noOperation,
  state,
  stateAt: now,
  startedBy: elsewhere,
  startedAt: job.startedAt ? new Date(job.startedAt) : now,
  runningAt: job.startedAt ? new Date(job.startedAt) : now,
  // How others began it is not known; its restore points tell what it can go back to.
  beginning: 'resume',
  tasksRunning: job.tasksRunning,
  tasksTotal: job.tasksTotal,
});

/** A name as jobs have them, of what a program calls itself: `Orders -> Lake (v2)` becomes `orders-lake-v2`. */
export function jobNameOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50)
    .replace(/-+$/, '');
  return /^[a-z]/.test(plain) ? plain : `job-${plain || 'unnamed'}`;
}
