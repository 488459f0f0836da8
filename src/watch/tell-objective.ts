import { formatDuration } from '../core/time.ts';
import type { Tx } from '../db/db.ts';
import type { CheckpointSight } from '../deploy/deployer.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import type { Run } from '../jobs/runs.store.ts';
import { heldJobs } from '../operations/operations.store.ts';
import { healthOf } from './cluster-poll.rule.ts';
import { incidentInput } from './incident-input.ts';
import { jobThreshold } from './job-threshold.ts';
import type { Known } from './known.store.ts';
import { objectiveFact } from './objective.rule.ts';
import type { PollDeps } from './poll-deps.ts';

/** Key of the incident about a job that could go back only too far. */
export const objectiveKey = (job: string): string => `job:${job}:not-recoverable`;

/**
 * Tells when a run could go back only further than its job allows, and when that is over. Not while its tasks do not all run, of which another message
 * tells, nor while an operation holds the job: if it still is so afterwards, it is told then. True when there is something to send.
 * @param run as it was seen at this look.
 */
export async function tellObjective(
  tx: Tx,
  deps: PollDeps,
  known: Known,
  run: Run,
  sight: CheckpointSight,
  readAt: Date,
): Promise<boolean> {
  const job = known.jobs.get(run.job);
  if (!job) return false;
  const limit = jobThreshold(deps, job.current.definition, known.teams.get(job.team), 'recoverable-within', run.checkpointIntervalMs);
  const fact = objectiveFact(run, readAt, limit.value, sight.restored && new Date(sight.restored.at));
  const key = objectiveKey(run.job);
  const open = await known.open(key);
  if (fact.is !== 'lost') {
    if (!open) return false;
    const words =
      fact.is === 'none'
        ? 'Checkpointing is off now.'
        : fact.by === 'start'
          ? 'It was started anew, from a complete state.'
          : 'What it can go back to is young enough again.';
    await resolveIncidents(tx, [key], words);
    return true;
  }
  // One look tells it; that it goes on is no news.
  if (open || fact.restoredJustNow || healthOf(run) !== 'healthy' || (await heldJobs(tx)).has(run.job)) return false;
  const failed = sight.lastFailed;
  return openIncident(
    tx,
    await incidentInput(tx, deps, job, run, {
      cause: 'not-recoverable',
      title: `${run.job} could only go back to ${formatDuration(fact.ageMs)} ago; it should be at most ${formatDuration(fact.limitMs)}`,
      facts: {
        ...(failed ? { exception: `The last checkpoint that failed: ${failed.message}` } : {}),
        detail: fact.ever
          ? 'It runs, but no checkpoint has completed since: a crash now repeats all that was done in that time.'
          : 'It runs, but no checkpoint has completed yet: a crash now goes back to where it started from.',
      },
    }),
  );
}
