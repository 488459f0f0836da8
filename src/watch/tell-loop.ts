import { findTeam } from '../access/people.store.ts';
import { eachWithin } from '../core/lists.ts';
import { formatDuration } from '../core/time.ts';
import { dbNow, now } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import type { RootCause } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { changeIncidents, firingOfKey, lastOfKey, openOfKey } from '../incidents/incidents.store.ts';
import { comebackMs, type IncidentInput, openIncident, resolveIncidents, turnInto } from '../incidents/open.ts';
import type { Job } from '../jobs/jobs.store.ts';
import type { Run } from '../jobs/runs.store.ts';
import { healthOf } from './cluster-poll.rule.ts';
import { jobThreshold } from './job-threshold.ts';
import type { PollDeps } from './poll-deps.ts';
import { loopWindowMs, restartLoop } from './restart-loop.rule.ts';

/** Key of the incident about a job that restarts again and again. */
export const loopKey = (job: string): string => `job:${job}:restart-loop`;
/** Key of the incident about a job whose tasks do not all run, of which the loop takes the place. */
export const restartingKey = (job: string): string => `job:${job}:restarting`;

/** The title under which a run in trouble is told as one that restarts again and again; undefined when it is to be told as restarting, or not at all. */
export async function loopTitle(tx: Tx, deps: PollDeps, job: Job, run: Run, cause: RootCause | undefined): Promise<string | undefined> {
  const open = await openOfKey(tx, loopKey(job.name));
  const { value: limit } = jobThreshold(deps, job.current.definition, await findTeam(tx, job.team), 'restart-loop');
  const loop = restartLoop(cause?.failures ?? [], limit, await dbNow(tx));
  // Once it is told it goes on until it is calm, whatever the cluster still says of the failures before.
  if (!loop) return open?.runId === run.id ? open.title : undefined;
  return `${job.name} restarts again and again: ${loop.atLeast ? 'at least ' : ''}${loop.count} times in ${formatDuration(loop.forMs)}`;
}

/**
 * Opens the incident of a loop, or counts on. What people were told of as restarting within the last quarter of an hour goes on in its message: one problem,
 * one message.
 */
export async function openLoop(tx: Tx, input: IncidentInput, job: string): Promise<boolean> {
  const told = (await openOfKey(tx, restartingKey(job))) ?? (await lastOfKey(tx, restartingKey(job), comebackMs));
  if (told && !(await openOfKey(tx, input.key)) && (await turnInto(tx, told, input))) return true;
  await resolveIncidents(tx, [restartingKey(job)], 'It restarts again and again, which is told.');
  return openIncident(tx, input);
}

/** All its tasks run again: from now on counts how long it does without a restart. */
export async function noteCalm(tx: Tx, job: string): Promise<void> {
  const open = await openOfKey(tx, loopKey(job));
  if (open) await changeIncidents(tx, [open.id], { lastSeen: now });
}

/**
 * Says of runs that restarted again and again which have come to rest: all their tasks run, for as long as failures count no restart was seen, and Flink's own
 * list has none either: nobody may have looked for a while.
 * @param runs with such an incident; each is looked at once a minute.
 */
export async function tellLoopsOver(deps: PollDeps, open: OpenCluster, runs: readonly Run[], at: Date): Promise<void> {
  const lookedAt = looks.get(deps.deployers) ?? new Map<string, number>();
  looks.set(deps.deployers, lookedAt);
  if (lookedAt.size > lookedAtMost) lookedAt.clear();
  const due = runs.filter((run) => healthOf(run) === 'healthy' && Math.abs(at.getTime() - (lookedAt.get(run.id) ?? 0)) >= lookEveryMs);
  await eachWithin(due, lookLimits, async (run) => {
    lookedAt.set(run.id, at.getTime());
    await tellLoopOver(deps, open, run, at);
  });
}
/** Of each replica: when a run was looked at last, by the database's clock. */
const looks = new WeakMap<PollDeps['deployers'], Map<string, number>>();
const lookedAtMost = 20_000;
const lookEveryMs = 60_000;
/** The states of the cluster wait meanwhile. */
const lookLimits = { atOnce: 4, forMs: 1000 };

async function tellLoopOver(deps: PollDeps, { deployer }: OpenCluster, run: Run, at: Date): Promise<void> {
  const [incident] = await firingOfKey(deps.database.db, loopKey(run.job));
  if (!incident) return;
  const another = incident.runId !== null && incident.runId !== run.id;
  if (!another && at.getTime() - incident.lastSeen.getTime() < loopWindowMs) return;
  if (!another) {
    const told = await deployer.rootCause(run.flinkJobId, { timeoutMs: 1500 }).catch(() => 'no answer' as const);
    if (told === 'no answer' || restartLoop(told?.failures ?? [], 1, at)) return;
  }
  const words = another ? 'It was started anew.' : `It has run for ${formatDuration(loopWindowMs)} without a restart.`;
  await deps.database.transaction((tx) => resolveIncidents(tx, [loopKey(run.job)], words));
  deps.onNews();
}
