import type { OpenCluster } from '../deploy/deployers.ts';
import { openIncident } from '../incidents/open.ts';
import { findJob } from '../jobs/jobs.store.ts';
import type { Run } from '../jobs/runs.store.ts';
import { incidentInput } from './incident-input.ts';
import type { PollDeps } from './poll-deps.ts';

/** What can be wrong with a run; one incident per job and cause. */
const causes = ['failed', 'restarting', 'lost', 'canceled-elsewhere', 'ended'] as const;
export type RunCause = (typeof causes)[number];

/** Keys of the incidents that a recovery or a stop of a job closes. */
export const keysOf = (job: string): string[] => causes.map((cause) => `job:${job}:${cause}`);
/** An exception in one line. */
export const oneLine = (cause: { name: string; message: string }): string => `${cause.name}: ${cause.message}`;

/** Opens (or counts on) the incident of a run that is not well, with what Flink says of the cause. */
export async function tellTrouble(deps: PollDeps, open: OpenCluster, run: Run): Promise<void> {
  const cause = await open.deployer.rootCause(run.flinkJobId, { timeoutMs: 4000 }).catch(() => undefined);
  await deps.database.transaction(async (tx) => {
    const job = await findJob(tx, run.job);
    if (!job) return;
    const input = await incidentInput(tx, deps, job, run, {
      cause: 'restarting',
      title: `${run.job} is restarting: ${run.tasksRunning}/${run.tasksTotal} tasks run`,
      facts: {
        ...(cause ? { exception: oneLine(cause) } : {}),
        tasks: `${run.tasksRunning}/${run.tasksTotal}`,
        detail: 'Flink restarts it by itself; this message says how that ends.',
      },
    });
    if ((await openIncident(tx, input)) && !input.channel)
      deps.log.warn({ job: job.name, cause: input.cause }, 'an incident has no channel to go to');
  });
  deps.onNews();
}
