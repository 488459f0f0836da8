import type { CheckpointSight } from '../deploy/deployer.ts';
import type { CheckpointFact, Run } from '../jobs/runs.store.ts';

/**
 * The state that a run left lying when it began, or undefined: it began from a state, or there was none. Pure.
 * @param sight what Flink tells of the run at the first look: it names what a run was restored from as long as the run lives.
 * @param earlier runs of the job before it, newest first.
 */
export function beganEmpty(
  sight: Pick<CheckpointSight, 'restored'>,
  earlier: readonly Pick<Run, 'lastCheckpoint' | 'state'>[],
): CheckpointFact | undefined {
  // What finished did its work, and Flink deletes its checkpoints with that.
  if (sight.restored || earlier[0]?.state === 'FINISHED') return undefined;
  return earlier.find((run) => run.lastCheckpoint !== null)?.lastCheckpoint ?? undefined;
}
