import { dbNow } from '../db/clock.ts';
import type { Db } from '../db/db.ts';
import { findClusterView } from '../deploy/cluster-views.store.ts';
import { bringBackMs, type RunSight } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import type { CallOptions } from '../flink/client.ts';

/** Whether a run that is not listed may still be brought back: the cluster keeps its jobs, and its JobManager is new. Who cannot be asked may have it. */
export async function mayBringBack(db: Db, open: OpenCluster, options?: CallOptions): Promise<boolean> {
  if (!(await open.deployer.keepsJobs(options).catch(() => true))) return false;
  const view = await findClusterView(db, open.cluster.name);
  const now = await open.deployer.jobManager(options).catch(() => undefined);
  // Watch has not seen it yet: it is so new.
  if (now !== undefined && view?.jobManager && !view.jobManager.split('\n').includes(now)) return true;
  const since = view?.jobManagerSince;
  return since != null && (await dbNow(db)).getTime() - since.getTime() < bringBackMs;
}

/** What a cluster says of a run; one that it does not list is gone only when a new JobManager cannot bring it back any more. */
export async function provenSight(db: Db, open: OpenCluster, flinkJobId: string, options?: CallOptions): Promise<RunSight> {
  const sight = await open.deployer.look(flinkJobId, options);
  if (sight.is === 'gone' && (await mayBringBack(db, open, options)))
    return { is: 'unknown', why: `${open.cluster.name} has a new JobManager, which may still bring its jobs back.` };
  return sight;
}
