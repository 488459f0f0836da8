import { formatAge, formatDuration, parseDuration } from '../core/time.ts';
import type { Job } from '../jobs/jobs.store.ts';
import type { Run } from '../jobs/runs.store.ts';
import { checkpointsAfter } from './kept.rule.ts';
import type { RestorePoint } from './restore-points.store.ts';

const endWords: Readonly<Record<string, string>> = { FAILED: 'failed', CANCELED: 'was canceled', FINISHED: 'finished' };
const day = 24 * 3_600_000;
/**
 * Why a job could not be restored today to a state that is young enough: its own `recoverable-within`, or a day. Undefined when it could, or when it has
 * never run or did the work it had. Only what outlives the run counts: a state in the JobManager's memory is gone with it.
 */
export function whyUnrecoverable(
  { job, run, newest }: { job: Job; run: Run | undefined; newest: RestorePoint | undefined },
  now: Date,
): string | undefined {
  if (!run || (run.endReason === 'finished' && job.mode === 'batch')) return undefined;
  if (!newest && run.ended && run.lastCheckpoint && checkpointsAfter(run) === 'gone')
    return `Flink deleted its checkpoints when it ${endWords[run.state] ?? 'ended'}, and there is no savepoint`;
  if (!newest) return run.checkpointIntervalMs === 0 ? 'no checkpointing and no savepoint' : 'nothing to go back to';
  const wanted = job.current.definition.recoverableWithin;
  const limitMs = (wanted === undefined ? undefined : parseDuration(wanted)) ?? day;
  // What ended stays as young as its last state was then.
  const ageMs = (run.endedAt ?? now).getTime() - newest.takenAt.getTime();
  return ageMs > limitMs ? `newest ${newest.kind} ${formatAge(newest.takenAt, now)}, allowed are ${formatDuration(limitMs)}` : undefined;
}
