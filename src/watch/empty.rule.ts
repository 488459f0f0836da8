import type { CheckpointSight } from '../deploy/deployer.ts';
import type { CheckpointFact, Run } from '../jobs/runs.store.ts';

/**
 * The state that a run left lying when it began, or undefined: it began from a state, or there was none. Pure.
 * @param sight what Flink tells of the run at the first look: it names what a run was restored from as long as the run lives.
 * @param earlier runs of the job before it, newest first.
 */
export function beganEmpty(
  sight: Pick<CheckpointSight, 'restored'>,
  earlier: readonly Pick<Run, 'lastCheckpoint'>[],
): CheckpointFact | undefined {
  if (sight.restored) return undefined;
  return earlier.find((run) => run.lastCheckpoint !== null)?.lastCheckpoint ?? undefined;
}
