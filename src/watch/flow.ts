import { findTeam, listTeams, type Team } from '../access/people.store.ts';
import { dbNow } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import type { JobDefinition } from '../db/schema/index.ts';
import { type ClusterLease, findClusterView } from '../deploy/cluster-views.store.ts';
import { type Incident, openOfKey, unresolvedOf } from '../incidents/incidents.store.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import type { ThresholdName } from '../incidents/thresholds.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { findRun, latestRun, type Run } from '../jobs/runs.store.ts';
import { heldJobs } from '../operations/operations.store.ts';
import { healthOf } from './cluster-poll.rule.ts';
import { fenced } from './fenced.ts';
import { type FlowBudget, fetchFlows, type KnownVertices } from './flow.fetch.ts';
import { type FlowCause, type FlowFact, type FlowLimits, followFlow, longestGapMs } from './flow.rule.ts';
import { countFlowCost, followedRuns, lateRuns, noteLate, storeFlows } from './flow.store.ts';
import { incidentInput } from './incident-input.ts';
import { jobThreshold } from './job-threshold.ts';
import type { PollDeps } from './poll-deps.ts';

export interface FlowDeps extends PollDeps {
  flow: {
    /** For jobs that do not say so themselves; 0: not told. */
    limits: FlowLimits;
    /** Between two looks at a run, when the budget is enough. */
    everyMs: number;
    budget: FlowBudget;
  };
}
type Open = Pick<Incident, 'job' | 'cause' | 'runId' | 'firstSeen'>;
const causes: readonly FlowCause[] = ['no-data', 'watermark', 'backpressure'];
/** More of a cluster are not read from the database for one round. */
const runsOfRound = 2000;
const dayMs = 24 * 3_600_000;
const keyOf = (job: string, cause: FlowCause) => `job:${job}:${cause}`;

/**
 * One round over the data of the runs of a cluster: ask, decide, write. Jobs that an operation holds, whose tasks do not all run, or whose cluster does not
 * answer are left alone: other messages tell of them. Nothing is written once the lease is lost.
 * @throws LeaseLostError
 */
export async function followFlows(unfenced: FlowDeps, lease: ClusterLease, known: KnownVertices): Promise<void> {
  const deps = { ...unfenced, database: fenced(unfenced.database, lease) };
  const { database } = deps;
  const name = lease.cluster;
  const view = await findClusterView(database.db, name);
  if (!view?.lastOkAt || view.failures > 0) return;
  await closeOver(deps, name);
  const held = await heldJobs(database.db);
  const followed = (await followedRuns(database.db, name, runsOfRound)).filter(({ run }) => !held.has(run.job));
  const memories = new Map(followed.map(({ run, memory }) => [run.id, memory]));
  forgetOldest(known);
  const watched: Run[] = [];
  const left: Run[] = [];
  const limitsOf = new Map<string, FlowLimits>();
  const teams = new Map((await listTeams(database.db)).map((one) => [one.name, one]));
  for (const { run, definition, team } of followed) {
    const limits = jobLimits(deps, definition, teams.get(team));
    // Who wants to be told of nothing is not asked for anything.
    if (Object.values(limits).every((ms) => ms === Number.POSITIVE_INFINITY)) left.push(run);
    else watched.push(run);
    limitsOf.set(run.id, limits);
  }
  if (followed.length === 0) {
    await countLate(deps, name, held, teams);
    return;
  }
  const open = await deps.deployers.of(name);
  const stands = (run: Run) =>
    Object.values(memories.get(run.id) ?? {}).some((one) => [one.in, one.out].some((s) => s?.steady && s.quiet > 0));
  const { readings, failed, requests, tookMs } = await fetchFlows(open, watched, known, stands, deps.flow.budget, deps.flow.everyMs);
  const at = await dbNow(database.db);
  const looks = readings.map(({ run, vertices }) => ({
    run,
    look: followFlow(memories.get(run.id) ?? {}, vertices, at, limitsOf.get(run.id) as FlowLimits, deps.flow.everyMs),
  }));
  const isNews = await database.transaction(async (tx) => {
    await countFlowCost(tx, name, requests, tookMs);
    await storeFlows(tx, [
      ...looks.map(({ run, look }) => ({ runId: run.id, memory: look.memory })),
      // They had their turn as well.
      ...[...left, ...failed].map((run) => ({ runId: run.id, memory: memories.get(run.id) ?? {} })),
    ]);
    const told = new Set((await unresolvedOf(tx, name, causes)).map((one) => one.key));
    let news = false;
    for (const { run, look } of looks)
      for (const cause of causes) {
        const fact = look.facts[cause];
        if (fact.is === 'unknown' || (fact.is === 'well' && !told.has(keyOf(run.job, cause)))) continue;
        if (await tell(tx, deps, run, cause, fact)) news = true;
      }
    return news;
  });
  if (isNews) deps.onNews();
  await countLate(deps, name, held, teams);
}

/** Counts the runs that are looked at so rarely that nothing is told of their data although somebody wants to hear of it: that must not pass for well. */
async function countLate(deps: FlowDeps, cluster: string, held: ReadonlySet<string>, teams: ReadonlyMap<string, Team>): Promise<void> {
  const { everyMs } = deps.flow;
  const { total, late } = await lateRuns(deps.database.db, cluster, longestGapMs(0, everyMs));
  const unjudged = late.filter(({ job, gapMs, definition, team }) => {
    const wanted = Object.values(jobLimits(deps, definition, teams.get(team))).filter(Number.isFinite);
    return !held.has(job) && wanted.some((ms) => gapMs > longestGapMs(ms, everyMs));
  });
  await deps.database.transaction((tx) => noteLate(tx, cluster, total, unjudged.length));
}

/** Vertices of runs that are over are not looked up again. */
function forgetOldest(known: KnownVertices): void {
  const hourAgo = performance.now() - 3_600_000;
  for (const [id, { at }] of known) if (at < hourAgo) known.delete(id);
}

/** What a job allows: what it, its team or the installation says. */
function jobLimits(deps: FlowDeps, definition: JobDefinition, team: Team | undefined): FlowLimits {
  const limit = (name: ThresholdName) => jobThreshold(deps, definition, team, name).value;
  return { noDataMs: limit('no-data-after'), watermarkMs: limit('watermark-after'), backpressureMs: limit('backpressure-after') };
}

const wellWords: Record<FlowCause, string> = {
  'no-data': 'Records flow again.',
  watermark: 'Its watermark moves again.',
  backpressure: 'Nothing of it is held back any more.',
};
const title: Record<FlowCause, string> = {
  'no-data': 'no data although it runs',
  watermark: 'its watermark stands still',
  backpressure: 'it does not keep up',
};
const detail: Record<FlowCause, string> = {
  'no-data': 'All its tasks run. Before that, records came all the time.',
  watermark: 'What waits for event time gives no results until it moves. Often one partition or one source has nothing to say.',
  backpressure: 'It runs, and falls behind what it reads. Its checkpoints may become slow as well.',
};

/** Opens or closes one incident about the data of a run that is still well otherwise. True when there is something to send. */
async function tell(tx: Tx, deps: FlowDeps, seen: Run, cause: FlowCause, fact: Exclude<FlowFact, { is: 'unknown' }>): Promise<boolean> {
  const key = keyOf(seen.job, cause);
  const open = await openOfKey(tx, key);
  if (fact.is === 'well') {
    if (open) await resolveIncidents(tx, [key], wellWords[cause]);
    return open !== undefined;
  }
  // One look tells it; that it goes on is no news.
  if (open) return false;
  const [run, job] = [await findRun(tx, seen.id), await findJob(tx, seen.job)];
  if (!run || run.ended || healthOf(run) !== 'healthy' || !job || (await heldJobs(tx)).has(run.job)) return false;
  const since = `${fact.since.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const told = await openIncident(
    tx,
    await incidentInput(tx, deps, job, run, {
      cause,
      title: `${run.job}: ${title[cause]}`,
      facts: { task: fact.vertex, detail: `${fact.vertex} ${fact.words}, since ${since}. ${detail[cause]}` },
    }),
  );
  return told;
}

/** The run that began from nothing is over, or has gone on for so long that what it built up since is its state. */
async function emptyOver({ database }: FlowDeps, incident: Open, latest: Run): Promise<string | undefined> {
  const run = incident.runId === latest.id ? latest : incident.runId ? await findRun(database.db, incident.runId) : undefined;
  if (!run || run.ended) return 'The run that began from nothing is over.';
  return (await dbNow(database.db)).getTime() - incident.firstSeen.getTime() > dayMs ? 'It has gone on from there for a day.' : undefined;
}

/** What was told of a run that is over, or that was started anew, is over: the messages of the end and of the start tell how that went. */
async function closeOver(deps: FlowDeps, cluster: string): Promise<void> {
  const mine = await unresolvedOf(deps.database.db, cluster, [...causes, 'growth', 'began-empty']);
  for (const incident of mine) {
    const words = await overWords(deps, incident);
    if (!words) continue;
    await deps.database.transaction((tx) => resolveIncidents(tx, [incident.key], words));
    deps.onNews();
  }
}
async function overWords(deps: FlowDeps, incident: Open): Promise<string | undefined> {
  const { db } = deps.database;
  const job = incident.job === null ? undefined : await findJob(db, incident.job);
  const run = job && (await latestRun(db, job.name));
  if (!job || !run || run.ended) return 'It does not run any more.';
  if (incident.cause === 'growth') return undefined;
  if (incident.cause === 'began-empty') return emptyOver(deps, incident, run);
  if (run.id !== incident.runId) return 'It was started anew, and is looked at anew.';
  const limits = jobLimits(deps, job.current.definition, await findTeam(db, job.team));
  const ms = { 'no-data': limits.noDataMs, watermark: limits.watermarkMs, backpressure: limits.backpressureMs }[
    incident.cause as FlowCause
  ];
  return ms === Number.POSITIVE_INFINITY ? 'Nobody wants to be told of it any more.' : undefined;
}
