import { NotFoundError } from '../core/errors.ts';
import type { Cluster } from '../deploy/clusters.store.ts';
import { checkRestorePath } from '../deploy/restore-path.ts';

/** Why a path that was chosen earlier can no longer be restored from; undefined when it is there, or cannot be checked from here. */
export async function restorePathProblem(
  path: string,
  job: string,
  cluster: Pick<Cluster, 'pathsReadable'>,
): Promise<NotFoundError | undefined> {
  const sight = await checkRestorePath(path, cluster.pathsReadable);
  return sight.is === 'missing' || sight.is === 'incomplete' ? noLongerThere(path, job, sight.why) : undefined;
}

/** A restore point that was there when it was chosen, and is not any more. */
export function noLongerThere(path: string, job: string, why: string): NotFoundError {
  return new NotFoundError(`${path} is no longer there: ${why}. Nothing was stopped.`, { hint: `What is there: /flink restore ${job}` });
}
