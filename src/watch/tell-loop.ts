import { findTeam } from '../access/people.store.ts';
import { formatDuration } from '../core/time.ts';
import { dbNow } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import type { RootCause } from '../deploy/deployer.ts';
import { lastOfKey, openOfKey } from '../incidents/incidents.store.ts';
import { comebackMs, resolveIncidents } from '../incidents/open.ts';
import type { Job } from '../jobs/jobs.store.ts';
import type { Run } from '../jobs/runs.store.ts';
import { healthOf } from './cluster-poll.rule.ts';
import { jobThreshold } from './job-threshold.ts';
import type { Known } from './known.store.ts';
import type { PollDeps } from './poll-deps.ts';
import { loopWindowMs, restartLoop } from './restart-loop.rule.ts';

/** Key of the incident about a job that restarts again and again. */
export const loopKey = (job: string): string => `job:${job}:restart-loop`;
/** Key of the incident about a job whose tasks do not all run, of which the loop takes the place. */
export const restartingKey = (job: string): string => `job:${job}:restarting`;

/**
 * The title under which a run in trouble is told as one that restarts again and again; undefined when it is to be told as restarting, or not at all. What
 * people were told of as restarting goes on in that message: one problem, one message.
 */
export async function loopTitle(tx: Tx, deps: PollDeps, job: Job, cause: RootCause | undefined): Promise<string | undefined> {
  const open = await openOfKey(tx, loopKey(job.name));
  const { value: limit } = jobThreshold(deps, job.current.definition, await findTeam(tx, job.team), 'restart-loop');
  const loop = restartLoop(cause?.failures ?? [], limit, await dbNow(tx));
  // Once it is told it goes on until it is calm, whatever the cluster still says of the failures before.
  if (!loop) return open?.title;
  if (!open) {
    const restarting = (await openOfKey(tx, restartingKey(job.name))) ?? (await lastOfKey(tx, restartingKey(job.name), comebackMs));
    if (restarting && restarting.messageId !== null) return undefined;
  }
  return `${job.name} restarts again and again: ${loop.atLeast ? 'at least ' : ''}${loop.count} times in ${formatDuration(loop.forMs)}`;
}

/** Says that a run has come to rest: all its tasks run, and for as long as failures count no restart was seen. True when there is something to send. */
export async function tellLoopOver(tx: Tx, known: Known, run: Run, at: Date): Promise<boolean> {
  const open = await known.open(loopKey(run.job));
  if (!open || healthOf(run) !== 'healthy') return false;
  const another = open.runId !== null && open.runId !== run.id;
  if (!another && at.getTime() - open.lastSeen.getTime() < loopWindowMs) return false;
  const words = another ? 'It was started anew.' : `It has run for ${formatDuration(loopWindowMs)} without a restart.`;
  await resolveIncidents(tx, [loopKey(run.job)], words);
  return true;
}
