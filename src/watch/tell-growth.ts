import { formatBytes, formatDuration } from '../core/time.ts';
import type { Tx } from '../db/db.ts';
import type { CheckpointSight } from '../deploy/deployer.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import type { Run } from '../jobs/runs.store.ts';
import { heldJobs } from '../operations/operations.store.ts';
import { knownUsual, newestCompleted } from '../restore-points/checkpoints.store.ts';
import { growthCount, growthFact, growthForMs, mayHaveGrown } from './growth.rule.ts';
import { incidentInput } from './incident-input.ts';
import { jobThreshold } from './job-threshold.ts';
import type { Known } from './known.store.ts';
import type { PollDeps } from './poll-deps.ts';

/** Key of the incident about checkpoints that grew. */
export const growthKey = (job: string): string => `job:${job}:growth`;

/** Tells when a job's checkpoints have come to take, or hold, many times the usual, and when that is over. True when there is something to send. */
export async function tellGrowth(tx: Tx, deps: PollDeps, known: Known, run: Run, sight: CheckpointSight): Promise<boolean> {
  const key = growthKey(run.job);
  // A size that is not told never grew.
  const shown = sight.completed
    .filter((one) => !one.isSavepoint)
    .slice(0, growthCount)
    .map(({ durationMs, size = 0 }) => ({ durationMs, size }));
  const may = mayHaveGrown(shown);
  const open = await known.open(key);
  if (!open && !may) return false;
  const job = known.jobs.get(run.job);
  if (!job) return false;
  const { value: factor } = jobThreshold(deps, job.current.definition, known.teams.get(job.team), 'checkpoint-growth');
  if (factor === Number.POSITIVE_INFINITY) {
    if (open) await resolveIncidents(tx, [key], 'Nobody wants to be told of it any more.');
    return open !== undefined;
  }
  const usual = await knownUsual(tx, run.job, growthForMs);
  // So it is for nearly every large job at nearly every look.
  if (!open && !mayHaveGrown(shown, usual, factor)) return false;
  const fact = growthFact(usual, await newestCompleted(tx, run.job, growthCount, growthForMs), factor);
  if (fact.is === 'usual' && open) {
    await resolveIncidents(tx, [key], 'Its checkpoints are within the usual again.');
    return true;
  }
  // One look tells it; that it goes on is no news.
  if (fact.is !== 'grown' || open || (await heldJobs(tx)).has(run.job)) return false;
  const words = fact.what === 'duration' ? formatDuration : formatBytes;
  const verb = fact.what === 'duration' ? 'take' : 'hold';
  const next =
    fact.what === 'duration'
      ? 'A stop takes as long, and a crash sets it back further. Look for backpressure, skew and a slow checkpoint directory.'
      : 'A restore takes longer, and disks fill. Look for state that is never cleared.';
  return openIncident(
    tx,
    await incidentInput(tx, deps, job, run, {
      cause: 'growth',
      title: `${run.job}: checkpoints ${verb} ${words(fact.to)}, usually ${words(fact.from)}`,
      facts: { detail: `So did the last ${fact.count} of them, without exception. Usual is the middle of the last 7 days. ${next}` },
    }),
  );
}
