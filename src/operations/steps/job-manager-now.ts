import { dbNow } from '../../db/clock.ts';
import { findClusterView } from '../../deploy/cluster-views.store.ts';
import { bringBackMs } from '../../deploy/deployer.ts';
import type { OpenCluster } from '../../deploy/deployers.ts';
import type { StepContext } from '../types.ts';

/** Whether the JobManager from before the submission still answers. Only then its silence about a run says that it never had it. @throws what asking throws */
export async function jobManagerNow(c: StepContext, open: OpenCluster): Promise<'the same' | 'another' | 'unknown'> {
  const before = c.results['place']?.['jobManager'];
  const now = await open.deployer.jobManager({ signal: c.signal });
  if (typeof before !== 'string' || now === undefined) return 'unknown';
  return now === before ? 'the same' : 'another';
}

/** Whether a run that is not listed may still be brought back: the cluster keeps its jobs, and its JobManager is new. Who cannot be asked may have it. */
export async function mayBringBack(c: StepContext, open: OpenCluster): Promise<boolean> {
  if (!(await open.deployer.keepsJobs({ signal: c.signal }).catch(() => true))) return false;
  const { db } = c.services.database;
  const view = await findClusterView(db, open.cluster.name);
  const now = await open.deployer.jobManager({ signal: c.signal }).catch(() => undefined);
  // Watch has not seen it yet: it is so new.
  if (now !== undefined && view?.jobManager && !view.jobManager.split('\n').includes(now)) return true;
  const since = view?.jobManagerSince;
  return since != null && (await dbNow(db)).getTime() - since.getTime() < bringBackMs;
}
