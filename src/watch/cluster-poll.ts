import { findTeam } from '../access/people.store.ts';
import { formatAge } from '../core/time.ts';
import { dbNow, now } from '../db/clock.ts';
import type { Database } from '../db/db.ts';
import { type ClusterLease, findClusterView } from '../deploy/cluster-views.store.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { type Incident, openIncidents, unresolvedIncidents } from '../incidents/incidents.store.ts';
import type { IncidentFacts } from '../incidents/message.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import { latestRun, liveRuns, type Run, updateLiveRun } from '../jobs/runs.store.ts';
import { activeStates, findOperation, heldJobs } from '../operations/operations.store.ts';
import { settleRun } from '../operations/settle-run.ts';
import { fetchCluster } from './cluster-poll.fetch.ts';
import { healthOf, type RunFact, runFact } from './cluster-poll.rule.ts';
import { reread, storeNoAnswer, storeSeen } from './cluster-poll.store.ts';
import { discover } from './discover.ts';
import { fenced } from './fenced.ts';
import type { PollDeps } from './poll-deps.ts';
import { objectiveKey } from './tell-objective.ts';
import { keysOf, tellEnds, tellTrouble } from './tell-run.ts';

/** Polls without an answer from which on the cluster counts as not reachable. */
const unreachableAfter = 2;

/**
 * One look at a cluster: ask, decide, write; facts, incidents and messages commit together. Nothing is written once the lease is lost.
 * @throws LeaseLostError
 */
export async function pollCluster(unfenced: PollDeps, lease: ClusterLease, sinceOverviewMs: number): Promise<{ answered: boolean }> {
  const deps = { ...unfenced, database: fenced(unfenced.database, lease) };
  const { database } = deps;
  const name = lease.cluster;
  const open = await deps.deployers.of(name);
  const runs = await liveRuns(database.db, name);
  const at = await dbNow(database.db);
  const fetched = await fetchCluster(open, runs, at, sinceOverviewMs, deps.times);
  const view = await findClusterView(database.db, name);
  if (fetched.is === 'no-answer') {
    const failures = await storeNoAnswer(database, name, view?.failures ?? 0, fetched.why);
    if (failures >= unreachableAfter) await tellUnreachable(deps, open, fetched.why, view?.lastOkAt ?? null, at);
    await tellEnds(deps, name);
    return { answered: false };
  }
  const { overview } = fetched;
  if (open.cluster.observed && overview && (await database.transaction((tx) => discover(tx, open.cluster, overview, fetched.seen.states))))
    deps.onNews();
  const facts = runs.map((run) => ({ run, fact: runFact(run, fetched.seen, at) }));
  await storeSeen(database, name, fetched, facts, deps, at);
  const incidents = await unresolvedIncidents(database.db);
  if (incidents.some((incident) => incident.key === `cluster:${name}:unreachable`)) {
    await database.transaction((tx) => resolveIncidents(tx, [`cluster:${name}:unreachable`], `${name} answers again.`));
    deps.onNews();
  }
  const held = await heldJobs(database.db);
  const told = new Set(incidents.filter((incident) => incident.job && keysOf(incident.job).includes(incident.key)).map((i) => i.job));
  for (const { run, fact } of facts) {
    // What is well, as before and without an open incident needs nothing: most runs, most of the time.
    if (fact.is === 'same' && healthOf(run) === 'healthy' && run.runningAt && !told.has(run.job)) continue;
    await followRun(deps, open, run, fact, held.has(run.job), told.has(run.job));
  }
  await tellEnds(deps, name);
  await closeStopped(deps, held, incidents);
  return { answered: true };
}

async function followRun(deps: PollDeps, open: OpenCluster, before: Run, fact: RunFact, held: boolean, told: boolean): Promise<void> {
  // An operation that holds the job makes these changes itself, and tells of them.
  if (held) return;
  const { database } = deps;
  const run = (await reread(database, before.id)) ?? before;
  if (run.ended) return;
  await noteCameUp(database, run);
  const health = healthOf(run);
  const ending = fact.is === 'gone' || fact.is === 'ended';
  // Trouble is told also when nothing changed but nobody was told yet: an operation held the job, or Sluice was restarted in between.
  if (!ending && !(health === 'troubled' && (fact.is === 'changed' || !told))) {
    if (health === 'healthy' && told) await tellRecovery(deps, run);
    return;
  }
  // Asked before the look: once the operation is over, no submit can follow what the look says.
  const mayStillCome = await submitMayStillCome(database, run);
  // The list and the overview are no proof; the run itself is.
  const sight = await open.deployer.look(run.flinkJobId, { timeoutMs: 4000 });
  if (sight.is === 'unknown' || (sight.is === 'gone' && mayStillCome)) return;
  if (sight.is === 'gone' || sight.ended) {
    await settleRun(database, open, run, sight);
    return;
  }
  if (ending) return;
  const { state, tasksRunning, tasksTotal } = sight;
  const restarts = run.restarts + (state === 'RESTARTING' && run.state !== 'RESTARTING' ? 1 : 0);
  await database.transaction((tx) => updateLiveRun(tx, run.id, { state, stateAt: now, tasksRunning, tasksTotal, restarts }));
  const proven = { ...run, state, tasksRunning, tasksTotal };
  if (!sight.allRunning) await tellTrouble(deps, open, proven);
  else if (told) await tellRecovery(deps, proven);
}
/** A run whose operation was given up before it had seen every task run comes up all the same: from then on it is a run like others. */
async function noteCameUp(database: Database, run: Run): Promise<void> {
  const all = run.state === 'RUNNING' && (run.tasksTotal ?? 0) > 0 && run.tasksRunning === run.tasksTotal;
  if (run.runningAt || !all || (await submitMayStillCome(database, run))) return;
  await database.transaction((tx) => updateLiveRun(tx, run.id, { runningAt: now }));
}
/** A run that never came up may not be there yet: its operation, also a parked one, may still submit it. */
async function submitMayStillCome(database: Database, run: Run): Promise<boolean> {
  if (run.runningAt) return false;
  const op = await findOperation(database.db, run.operationId);
  return op !== undefined && (activeStates as readonly string[]).includes(op.state);
}

async function tellRecovery(deps: PollDeps, run: Run): Promise<void> {
  await deps.database.transaction((tx) =>
    resolveIncidents(tx, keysOf(run.job), `${run.job} runs again: v${run.version} on ${run.tasksRunning}/${run.tasksTotal} tasks.`),
  );
  deps.onNews();
}

async function tellUnreachable(deps: PollDeps, open: OpenCluster, why: string, lastOkAt: Date | null, at: Date): Promise<void> {
  const { cluster } = open;
  const place = cluster.alertChannel ?? deps.defaults.alertChannel ?? deps.defaults.defaultChannel;
  const runs = await liveRuns(deps.database.db, cluster.name);
  const names = runs.map((run) => run.job);
  const onCall = cluster.team === null ? undefined : (await findTeam(deps.database.db, cluster.team))?.onCall;
  const isNew = await deps.database.transaction(async (tx) => {
    const known = (await openIncidents(tx)).some((incident) => incident.key === `cluster:${cluster.name}:unreachable`);
    if (known) return false;
    return openIncident(tx, {
      key: `cluster:${cluster.name}:unreachable`,
      job: undefined,
      cluster: cluster.name,
      cause: 'unreachable',
      title: `${cluster.name} does not answer`,
      facts: {
        exception: why,
        ...(onCall ? { onCall } : {}),
        detail: `${lastOkAt ? `It last answered ${formatAge(lastOkAt, at)}. ` : ''}${names.length > 0 ? `What is not known since: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}. They may well run.` : 'No job is known to run there.'}`,
        links: [{ label: 'Page', url: `${deps.publicUrl}/clusters` }],
        ...(deps.incidents.channels.always.length > 0 ? { alsoTo: deps.incidents.channels.always } : {}),
      },
      runId: undefined,
      channel: place,
      fallbackChannel: deps.defaults.defaultChannel,
    });
  });
  if (!isNew) return;
  if (!place) deps.log.warn({ cluster: cluster.name, cause: 'unreachable' }, 'an incident has no channel to go to');
  deps.onNews();
}

/** Incidents of jobs that a person has stopped since are over, and those of an operation that came to its end after all. */
async function closeStopped(deps: PollDeps, held: ReadonlySet<string>, incidents: readonly Incident[]): Promise<void> {
  for (const incident of incidents) {
    const { job } = incident;
    if (!job || held.has(job)) continue;
    const run = await latestRun(deps.database.db, job);
    const stopped = run?.ended && run.endReason === 'stopped' && run.endedAt && run.endedAt > incident.firstSeen;
    if (!stopped && !(await settledSince(deps.database, incident))) continue;
    await deps.database.transaction((tx) => resolveIncidents(tx, [...keysOf(job), objectiveKey(job)], `${job} was stopped.`));
    deps.onNews();
  }
}
async function settledSince(database: Database, incident: Incident): Promise<boolean> {
  const { byOperation } = incident.facts as IncidentFacts;
  const op = byOperation === undefined ? undefined : await findOperation(database.db, byOperation);
  return op?.kind === 'stop' && op.state === 'succeeded';
}
