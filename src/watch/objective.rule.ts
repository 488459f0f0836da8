import type { Run } from '../jobs/runs.store.ts';

/** How far back a crash would set a run, against what its job allows. */
export type ObjectiveFact =
  /** Not to be judged: checkpointing is off (its start says so), or it does not run yet. */
  | { is: 'none' }
  | { is: 'met'; by: 'checkpoint' | 'start' }
  /** `restoredJustNow`: its next checkpoint has not had the time to complete yet. */
  | { is: 'lost'; ageMs: number; limitMs: number; since: Date; ever: boolean; restoredJustNow: boolean };

/** So many intervals a run has for its first checkpoint after Flink has restored it. */
const intervalsAfterRestore = 2;

/**
 * Judged by what Flink told at the last look, not by how long ago that was: a cluster that does not answer loses no objective. Pure.
 * @param limitMs what the job allows (incidents/thresholds.ts).
 * @param restoredAt when Flink last restored it by itself, by Flink's clock.
 */
export function objectiveFact(
  run: Pick<Run, 'runningAt' | 'checkpointIntervalMs' | 'lastCheckpoint'>,
  readAt: Date,
  limitMs: number,
  restoredAt?: Date,
): ObjectiveFact {
  if (!run.runningAt || !run.checkpointIntervalMs) return { is: 'none' };
  // What it began from is as good as a checkpoint: the way back is to there.
  const last = run.lastCheckpoint ? new Date(run.lastCheckpoint.at) : undefined;
  const since = last && last > run.runningAt ? last : run.runningAt;
  const ageMs = readAt.getTime() - since.getTime();
  if (ageMs <= limitMs) return { is: 'met', by: since === run.runningAt ? 'start' : 'checkpoint' };
  const graceMs = Math.min(limitMs, intervalsAfterRestore * run.checkpointIntervalMs);
  const restoredJustNow = restoredAt !== undefined && readAt.getTime() - restoredAt.getTime() < graceMs;
  return { is: 'lost', ageMs, limitMs, since, ever: last !== undefined, restoredJustNow };
}
