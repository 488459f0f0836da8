import type { Team } from '../access/people.store.ts';
import { type InForce, type ThresholdName, thresholdInForce } from '../incidents/thresholds.ts';
import type { Job } from '../jobs/jobs.store.ts';
import type { PollDeps } from './poll-deps.ts';

/** The threshold that counts for a job, whoever set it. Pure. */
export function jobThreshold(
  deps: Pick<PollDeps, 'incidents'>,
  job: Job,
  team: Team | undefined,
  name: ThresholdName,
  checkpointIntervalMs?: number | null,
): InForce {
  return thresholdInForce(name, {
    job: job.current.definition,
    team: team?.thresholds,
    installation: { 'restarting-for': deps.incidents.restartingForMs, 'recoverable-within': deps.incidents.recoverableWithinMs },
    checkpointIntervalMs,
  });
}
