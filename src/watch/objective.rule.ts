import type { Run } from '../jobs/runs.store.ts';

/** How far back a crash would set a run, against what its job allows. */
export type ObjectiveFact =
  /** Not to be judged: checkpointing is off (its start says so), or it does not run yet. */
  { is: 'none' } | { is: 'met'; by: 'checkpoint' | 'start' } | { is: 'lost'; ageMs: number; limitMs: number; since: Date; ever: boolean };

/**
 * Judged by what Flink told at the last look, not by how long ago that was: a cluster that does not answer loses no objective. Pure.
 * @param wantedMs what the job asks for; undefined: `defaultMs`, but never less than three of its checkpoint intervals.
 */
export function objectiveFact(
  run: Pick<Run, 'runningAt' | 'checkpointIntervalMs' | 'lastCheckpoint'>,
  readAt: Date,
  wantedMs: number | undefined,
  defaultMs: number,
): ObjectiveFact {
  const interval = run.checkpointIntervalMs ?? 0;
  if (!run.runningAt || interval === 0) return { is: 'none' };
  const limitMs = wantedMs ?? Math.max(defaultMs, 3 * interval);
  // What it began from is as good as a checkpoint: the way back is to there.
  const last = run.lastCheckpoint ? new Date(run.lastCheckpoint.at) : undefined;
  const since = last && last > run.runningAt ? last : run.runningAt;
  const ageMs = readAt.getTime() - since.getTime();
  return ageMs > limitMs
    ? { is: 'lost', ageMs, limitMs, since, ever: last !== undefined }
    : { is: 'met', by: since === run.runningAt ? 'start' : 'checkpoint' };
}
