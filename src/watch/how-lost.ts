import { dbNow } from '../db/clock.ts';
import type { Database } from '../db/db.ts';
import { findClusterView } from '../deploy/cluster-views.store.ts';
import { bringBackMs } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import type { Run } from '../jobs/runs.store.ts';

/**
 * How runs were lost that a cluster does not know any more, by whether its JobManager was seen to be another one since they began.
 * @returns `wait`: it may still bring them back.
 */
export async function howLost(db: Database['db'], open: OpenCluster): Promise<{ wait: boolean; by(run: Run): Run['lostBy'] }> {
  const since = (await findClusterView(db, open.cluster.name))?.jobManagerSince ?? undefined;
  const recent = since !== undefined && (await dbNow(db)).getTime() - since.getTime() < bringBackMs;
  // Nothing is concluded from silence: who cannot be asked may have it.
  const wait = recent && (await open.deployer.keepsJobs({ timeoutMs: 4000 }).catch(() => true));
  return { wait, by: (run) => (run.application !== null ? null : since !== undefined && run.startedAt < since ? 'restart' : 'removal') };
}
