import { formatAge } from '../core/time.ts';
import type { Tx } from '../db/db.ts';
import type { CheckpointSight } from '../deploy/deployer.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import { listRuns, type Run } from '../jobs/runs.store.ts';
import { beganEmpty } from './empty.rule.ts';
import { incidentInput } from './incident-input.ts';
import type { Known } from './known.store.ts';
import { noOperation } from './newcomers.ts';
import type { PollDeps } from './poll-deps.ts';

/** Key of the incident about a job that began from nothing. */
export const emptyKey = (job: string): string => `job:${job}:began-empty`;

/** After so long what it has built up since is its state; going back is no first thought any more. */
const settledMs = 24 * 3_600_000;

/**
 * Tells when a run that nobody started through Sluice began from nothing although the job had kept state: a plain new start, or a new attempt of an
 * application without high availability. Judged when its checkpoints are read first. True when there is something to send.
 */
export async function tellEmpty(tx: Tx, deps: PollDeps, known: Known, run: Run, sight: CheckpointSight, readAt: Date): Promise<boolean> {
  if (run.operationId !== noOperation) return false;
  const key = emptyKey(run.job);
  const isFirstLook = run.checkpointsReadAt === null;
  const open = await known.open(key);
  if (open && isFirstLook && sight.restored) {
    await resolveIncidents(tx, [key], `It was started again, from ${sight.restored.path ?? 'a state of its own'}.`);
    return true;
  }
  if (open && readAt.getTime() - open.firstSeen.getTime() > settledMs) {
    await resolveIncidents(tx, [key], 'It has gone on from there for a day.');
    return true;
  }
  if (open || !isFirstLook) return false;
  const earlier = (await listRuns(tx, run.job, 5)).filter((one) => one.startedAt < run.startedAt);
  const left = beganEmpty(sight, earlier);
  const job = left && known.jobs.get(run.job);
  if (!left || !job) return false;
  return openIncident(
    tx,
    await incidentInput(tx, deps, job, run, {
      cause: 'began-empty',
      title: `${run.job} began from nothing, although it had state`,
      facts: {
        noCheckpoint: `${left.id}, ${formatAge(new Date(left.at), readAt)}, of the run before`,
        detail: `It runs, and Flink names no state that it was restored from. The last checkpoint of the run before: ${left.path ?? 'its path is not known'}. While that is still there, it can be started from it.`,
      },
    }),
  );
}
