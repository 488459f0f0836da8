import type { OpenCluster } from '../deploy/deployers.ts';
import { causeRules } from '../incidents/causes.ts';
import { openIncident } from '../incidents/open.ts';
import { findJob } from '../jobs/jobs.store.ts';
import type { Run } from '../jobs/runs.store.ts';
import { incidentInput } from './incident-input.ts';
import type { PollDeps } from './poll-deps.ts';
import { loopTitle, openLoop } from './tell-loop.ts';

/** What can be wrong with a run; one incident per job and cause. */
const causes = ['failed', 'restarting', 'lost', 'canceled-elsewhere', 'ended'] as const;
export type RunCause = (typeof causes)[number];

/** Keys of the incidents that a recovery or a stop of a job closes. */
export const keysOf = (job: string): string[] => causes.map((cause) => `job:${job}:${cause}`);
/** Keys of whatever can be wrong with a job's run: none of it outlasts a stop. */
export const everyKeyOf = (job: string): string[] => Object.keys(causeRules).map((cause) => `job:${job}:${cause}`);
/** An exception in one line. */
export const oneLine = (cause: { name: string; message: string }): string => `${cause.name}: ${cause.message}`;

/**
 * Opens (or counts on) the incident of a run that is not well, with what Flink says of the cause.
 * @param isBack all its tasks run again: then only that it restarts again and again is worth telling.
 */
export async function tellTrouble(deps: PollDeps, open: OpenCluster, run: Run, isBack = false): Promise<void> {
  const cause = await open.deployer.rootCause(run.flinkJobId, { timeoutMs: 4000 }).catch(() => undefined);
  const news = await deps.database.transaction(async (tx) => {
    const job = await findJob(tx, run.job);
    if (!job) return false;
    const loop = await loopTitle(tx, deps, job, run, cause);
    if (!loop && isBack) return false;
    const input = await incidentInput(tx, deps, job, run, {
      cause: loop ? 'restart-loop' : 'restarting',
      title: loop ?? `${run.job} is restarting: ${run.tasksRunning}/${run.tasksTotal} tasks run`,
      facts: {
        ...(cause ? { exception: oneLine(cause) } : {}),
        ...(loop && cause?.task ? { task: cause.task } : {}),
        ...(loop ? {} : { tasks: `${run.tasksRunning}/${run.tasksTotal}` }),
        detail: loop
          ? 'Flink brings it back each time, from its last complete checkpoint; what was done since then is done again.'
          : 'Flink restarts it by itself; this message says how that ends.',
      },
    });
    const told = loop ? await openLoop(tx, input, job.name) : await openIncident(tx, input);
    if (told && !input.channel) deps.log.warn({ job: job.name, cause: input.cause }, 'an incident has no channel to go to');
    return true;
  });
  if (news) deps.onNews();
}
