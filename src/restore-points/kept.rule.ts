import type { Run } from '../jobs/runs.store.ts';

/**
 * Whether the checkpoints of a run are there after its end, by what Flink was told to keep. A JobManager that crashes deletes nothing; one that is shut down without
 * high availability suspends its jobs and deletes what was not to be retained, and both look alike from outside. So does an end that only YARN tells of. Pure.
 */
export function checkpointsAfter(run: Pick<Run, 'state' | 'checkpointRetention' | 'rootException'>): 'kept' | 'gone' | 'unknown' {
  const { state, checkpointRetention: retention } = run;
  if (state === 'FINISHED') return 'gone';
  if (retention === 'RETAIN_ON_CANCELLATION') return 'kept';
  if (retention === null || run.rootException?.name === 'YARN') return 'unknown';
  if (state === 'CANCELED') return 'gone';
  if (state === 'FAILED') return retention === 'DELETE_ON_CANCELLATION' ? 'kept' : 'gone';
  return 'unknown';
}
