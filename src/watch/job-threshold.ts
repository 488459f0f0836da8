import type { Team } from '../access/people.store.ts';
import type { JobDefinition } from '../db/schema/index.ts';
import { type InForce, type ThresholdName, thresholdInForce } from '../incidents/thresholds.ts';
import type { FlowLimits } from './flow.rule.ts';
import type { PollDeps } from './poll-deps.ts';

/** The threshold that counts for a job, whoever set it. Pure. */
export function jobThreshold(
  deps: Pick<PollDeps, 'incidents'> & { flow?: { limits: FlowLimits } },
  job: JobDefinition,
  team: Team | undefined,
  name: ThresholdName,
  checkpointIntervalMs?: number | null,
): InForce {
  return thresholdInForce(name, {
    job,
    team: team?.thresholds,
    installation: {
      'restarting-for': deps.incidents.restartingForMs,
      'recoverable-within': deps.incidents.recoverableWithinMs,
      ...(deps.flow
        ? {
            'no-data-after': deps.flow.limits.noDataMs,
            'watermark-after': deps.flow.limits.watermarkMs,
            'backpressure-after': deps.flow.limits.backpressureMs,
          }
        : {}),
    },
    checkpointIntervalMs,
  });
}
