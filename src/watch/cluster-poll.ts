import { callsOf, findTeam } from '../access/people.store.ts';
import { eachWithin } from '../core/lists.ts';
import { formatAge } from '../core/time.ts';
import { now } from '../db/clock.ts';
import type { Database } from '../db/db.ts';
import { type ClusterLease, findClusterView } from '../deploy/cluster-views.store.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { openKeys, openOfKey } from '../incidents/incidents.store.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import { incidentLinks } from '../incidents/runbook.ts';
import { placesOf } from '../jobs/channels.ts';
import { type Run, updateLiveRun } from '../jobs/runs.store.ts';
import { activeStates, findOperation, heldJobs } from '../operations/operations.store.ts';
import { isStoreLoss } from '../operations/run-step.ts';
import { settleRun } from '../operations/settle-run.ts';
import { type CheckpointReads, createCheckpointReads } from './checkpoint-reads.ts';
import { fetchCluster, type SinceAsked } from './cluster-poll.fetch.ts';
import { type Following, healthOf, type RunFact, restlessOf } from './cluster-poll.rule.ts';
import { reread, storeNoAnswer, storeSeen } from './cluster-poll.store.ts';
import { discover } from './discover.ts';
import { jobsStoppedSince } from './ends.store.ts';
import { fenced, LeaseLostError } from './fenced.ts';
import { howLost } from './how-lost.ts';
import { clusterChanges } from './incident-input.ts';
import { judge } from './judged.ts';
import { leftToDo } from './left-to-do.store.ts';
import { createLiveRuns, type LiveRuns } from './live-runs.ts';
import type { PollDeps } from './poll-deps.ts';
import { reviveLost } from './revive-lost.ts';
import { type CrowdEnd, readLastWords, settleCrowd, wordsPerPoll } from './settle-crowd.ts';
import { tellEnds } from './tell-ends.ts';
import { loopKey, noteCalm, tellLoopsOver } from './tell-loop.ts';
import { everyKeyOf, keysOf, tellTrouble } from './tell-run.ts';
import { tellSilent } from './tell-silent.ts';
import { followTwins } from './tell-twins.ts';

/** A registration that changes is seen by polls within this time: it is not read for each of them. */
const registeredWithinMs = 5000;
/** Polls without an answer from which on the cluster counts as not reachable. */
const unreachableAfter = 2;

/** From so many ends in one poll on they are recorded together, and their causes read afterwards. */
const crowdFrom = 25;
/** Of such a crowd so many are looked at one by one first, so that the first message says why. */
const sample = 10;
/** Runs that are not well are looked at one after the other for so long; the next poll goes on with the others. */
const followForMs = 1500;
const followInStormMs = 300;

/**
 * One look at a cluster: ask, decide, write; facts, incidents and messages commit together. Nothing is written once the lease is lost.
 * @param since the overview and the facts were last asked for; an overview below 0: it failed lately and is left alone.
 * @param live runs that earlier polls of this replica keep in memory.
 * @param reads what they keep of checkpoints that were not read yet.
 * @returns `tookMs`: for its lists of jobs; `facts`: whether the cluster told them.
 * @throws LeaseLostError
 */
export async function pollCluster(
  unfenced: PollDeps,
  lease: ClusterLease,
  since: SinceAsked,
  live: LiveRuns = createLiveRuns(lease.cluster),
  reads: CheckpointReads = createCheckpointReads(unfenced.log),
): Promise<{ answered: boolean; tookMs: number; overviewFailed: boolean; facts: boolean; more?: true }> {
  const deps = { ...unfenced, database: fenced(unfenced.database, lease) };
  const { database } = deps;
  const name = lease.cluster;
  const open = await deps.deployers.of(name, registeredWithinMs);
  const { runs, at } = await live.read(database.db);
  const fetched = await fetchCluster(open, runs, at, since, deps.times, reads);
  if (fetched.is === 'no-answer') {
    const view = await findClusterView(database.db, name);
    const failures = await storeNoAnswer(database, name, view?.failures ?? 0, fetched.why);
    if (failures >= unreachableAfter)
      await tellUnreachable(deps, open, runs, {
        key: `cluster:${name}:unreachable`,
        title: `${name} does not answer`,
        why: fetched.why,
        lastOkAt: view?.lastOkAt ?? null,
        at,
      });
    await tellEnds(deps, name);
    await closeStopped(deps, name);
    return { answered: false, tookMs: 0, overviewFailed: false, facts: false };
  }
  const { overview } = fetched;
  const news =
    open.cluster.observed && overview
      ? await database.transaction((tx) => discover(tx, open.cluster, runs, overview, fetched.seen.states))
      : { found: false, more: false };
  if (news.found) deps.onNews();
  if (!open.cluster.observed && fetched.overviewDue) await reviveLost(deps, open, runs, fetched.seen.states);
  if (!open.cluster.observed && overview) await followTwins(deps, open, runs, overview, fetched.seen.states);
  const { states, tasks } = fetched.seen;
  const restless = tasks ? restlessOf(runs, fetched.seen, at) : judge(runs, states).restless;
  await storeSeen(database, lease, fetched, restless, deps, at);
  const left = await leftToDo(database.db, name);
  const { unresolved } = left;
  const blind = `cluster:${name}:unreachable`;
  if (unresolved.some((incident) => incident.key === blind)) {
    await database.transaction((tx) => resolveIncidents(tx, [blind], `${name} answers again.`));
    deps.onNews();
  }
  const having = (keys: (job: string) => string[]) =>
    new Set(unresolved.flatMap(({ job, key }) => (job !== null && keys(job).includes(key) ? [job] : [])));
  const troubled = having(keysOf);
  // A job that restarts again and again is not well because it runs just now.
  const known = { troubled, told: new Set([...troubled, ...having((job) => [loopKey(job)])]) };
  // What is well, as before and without an open incident needs nothing: most runs, most of the time.
  const moving = new Set(restless.map(({ run }) => run.id));
  const still = troubled.size > 0 ? runs.filter((run) => troubled.has(run.job) && !moving.has(run.id)) : [];
  const changed = [...restless, ...still.map((run) => ({ run, fact: asBefore }))].filter(
    ({ run, fact }) =>
      fact.is !== 'unknown' && !(fact.is === 'same' && healthOf(run) === 'healthy' && run.runningAt && !troubled.has(run.job)),
  );
  const followed = changed.length > 0;
  const storm = followed && (await followRuns(deps, open, changed, known));
  const looping = having((job) => [loopKey(job)]);
  if (looping.size > 0)
    await tellLoopsOver(
      deps,
      open,
      runs.filter((run) => looping.has(run.job)),
      at,
    );
  await tellSilent(deps, open, restless, unresolved);
  if (followed || left.ends) await tellEnds(deps, name);
  // While hundreds end, the next look comes first: others may have ended meanwhile.
  if (!storm && (followed || left.words)) await readLastWords(deps, open);
  if (followed || left.stopped) await closeStopped(deps, name);
  return {
    answered: true,
    tookMs: fetched.tookMs,
    overviewFailed: fetched.overviewDue && overview === undefined,
    facts: fetched.facts !== undefined,
    ...(news.more ? { more: true } : {}),
  };
}

/** Jobs of whose trouble something is told, and those among them for which that is over as soon as all their tasks run. */
interface KnownTrouble {
  told: ReadonlySet<string>;
  troubled: ReadonlySet<string>;
}
const asBefore: RunFact = { is: 'same' };
/** True when more had ended at once than a poll can read the causes of: then the next look at the cluster comes before them. */
async function followRuns(
  deps: PollDeps,
  open: OpenCluster,
  news: readonly Following[],
  { troubled, told }: KnownTrouble,
): Promise<boolean> {
  const held = await heldJobs(deps.database.db);
  // An operation that holds the job makes these changes itself, and tells of them.
  const free = news.filter(({ run }) => !held.has(run.job));
  // Those of which something is told already went another way, and are no sample of the others.
  const ends = free
    .filter(({ fact }) => fact.is === 'gone' || fact.is === 'ended')
    .sort((a, b) => Number(troubled.has(a.run.job)) - Number(troubled.has(b.run.job)));
  const others = free.filter(({ fact }) => fact.is !== 'gone' && fact.is !== 'ended');
  const crowd = ends.length >= crowdFrom ? ends.slice(sample) : [];
  // What goes wrong with one run must not keep the others, and what is to be told of them, from their turn.
  const follow = ({ run, fact }: Following) =>
    followRun(deps, open, run, fact, { told: told.has(run.job), recovers: troubled.has(run.job) }).catch((error: unknown) => {
      if (error instanceof LeaseLostError || isStoreLoss(error)) throw error;
      deps.log.error({ job: run.job, error: error instanceof Error ? error.stack : String(error) }, 'fault while a run was followed');
    });
  const alone = crowd.length > 0 ? ends.slice(0, sample) : ends;
  await eachWithin(alone, { atOnce: 4, forMs: Number.POSITIVE_INFINITY }, follow);
  let storm = false;
  if (crowd.length > 0) {
    // People hear now of the first ones whose cause is known; the others join their message.
    await tellEnds(deps, open.cluster.name, (run) => run.rootException !== null);
    storm = (await followCrowd(deps, open, crowd)) > wordsPerPoll;
  }
  // Those that nobody was told of come first.
  const order = [...others].sort((a, b) => Number(troubled.has(a.run.job)) - Number(troubled.has(b.run.job)));
  await eachWithin(order, { atOnce: 2, forMs: storm ? followInStormMs : followForMs }, follow);
  return storm;
}
/** Many ends at once: what the list shows as ended has ended; what it does not name has to be missing from a second list too. Of how many the cause is to be read. */
async function followCrowd(deps: PollDeps, open: OpenCluster, crowd: readonly Following[]): Promise<number> {
  const { db } = deps.database;
  // Asked before the second list: once the operation is over, no submit can follow what that says.
  const known = crowd.filter(({ run }) => run.runningAt);
  for (const one of crowd.filter(({ run }) => !run.runningAt)) if (!(await submitMayStillCome(deps.database, one.run))) known.push(one);
  const lists = known.some(({ fact }) => fact.is === 'gone')
    ? await open.deployer
        .listRuns(
          { timeoutMs: 4000 },
          known.map(({ run }) => run),
        )
        .catch(() => undefined)
    : undefined;
  const ends = known.flatMap(({ run, fact }): CrowdEnd[] => {
    if (fact.is === 'ended') return [{ run, state: fact.state, lostBy: null }];
    return lists && !lists.has(run.flinkJobId) ? [{ run, state: 'LOST', lostBy: null }] : [];
  });
  const lost = ends.filter((end) => end.state === 'LOST');
  const how = lost.length > 0 ? await howLost(db, open) : undefined;
  const over = ends.flatMap((end) => (end.state !== 'LOST' ? [end] : how?.wait ? [] : [{ ...end, lostBy: how?.by(end.run) ?? null }]));
  await settleCrowd(deps, over);
  return over.filter(({ state }) => state !== 'LOST').length;
}

/** @param known whether its trouble is told, and whether that is over as soon as all its tasks run. */
async function followRun(
  deps: PollDeps,
  open: OpenCluster,
  before: Run,
  fact: RunFact,
  { told, recovers }: { told: boolean; recovers: boolean },
): Promise<void> {
  const { database } = deps;
  const run = (await reread(database, before.id)) ?? before;
  if (run.ended) return;
  await noteCameUp(database, run);
  const health = healthOf(run);
  const ending = fact.is === 'gone' || fact.is === 'ended';
  // Trouble is told also when nothing changed but nobody was told yet: an operation held the job, or Sluice was restarted in between.
  if (!ending && !(health === 'troubled' && (fact.is === 'changed' || !told))) {
    if (health === 'healthy' && recovers) await tellRecovery(deps, run);
    else if (health === 'healthy' && told) await database.transaction((tx) => noteCalm(tx, run.job));
    return;
  }
  // Asked before the look: once the operation is over, no submit can follow what the look says.
  const mayStillCome = await submitMayStillCome(database, run);
  // The list and the overview are no proof; the run itself is.
  const sight = await open.deployer.look(run.flinkJobId, { timeoutMs: 4000 });
  if (sight.is === 'unknown' || (sight.is === 'gone' && mayStillCome)) return;
  if (sight.is === 'gone') {
    const how = await howLost(database.db, open);
    if (how.wait) return;
    await database.transaction((tx) => updateLiveRun(tx, run.id, { lostBy: how.by(run) }));
  }
  if (sight.is === 'gone' || sight.ended) {
    await settleRun(database, open, run, sight);
    return;
  }
  if (ending) return;
  const { state, tasksRunning, tasksTotal } = sight;
  const restarts = run.restarts + (state === 'RESTARTING' && run.state !== 'RESTARTING' ? 1 : 0);
  await database.transaction((tx) => updateLiveRun(tx, run.id, { state, stateAt: now, tasksRunning, tasksTotal, restarts }));
  const proven = { ...run, state, tasksRunning, tasksTotal };
  if (!sight.allRunning) return tellTrouble(deps, open, proven);
  // It was down for a moment: that counts when it happens again and again.
  await tellTrouble(deps, open, proven, true);
  if (recovers) await tellRecovery(deps, proven);
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

export async function tellUnreachable(
  deps: PollDeps,
  open: OpenCluster,
  runs: readonly Pick<Run, 'job'>[],
  told: { key: string; title: string; why: string; lastOkAt: Date | null; at: Date },
): Promise<void> {
  const { key, title, why, lastOkAt, at } = told;
  const { cluster } = open;
  const [place, ...others] = placesOf(cluster.alertChannel ?? undefined, undefined, deps.defaults);
  if ((await openKeys(deps.database.db, [key])).length > 0) return;
  const names = runs.map((run) => run.job);
  const calls = callsOf(cluster.team === null ? undefined : await findTeam(deps.database.db, cluster.team));
  const isNew = await deps.database.transaction(async (tx) => {
    if (await openOfKey(tx, key)) return false;
    return openIncident(tx, {
      key,
      job: undefined,
      cluster: cluster.name,
      cause: 'unreachable',
      title,
      facts: {
        exception: why,
        ...calls,
        ...(await clusterChanges(tx, cluster.name)),
        detail: `${lastOkAt ? `It last answered ${formatAge(lastOkAt, at)}. ` : ''}${names.length > 0 ? `What is not known since: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}. They may well run.` : 'No job is known to run there.'}`,
        links: incidentLinks(deps.publicUrl, { cause: 'unreachable', cluster: cluster.name }, [
          { label: 'Page', url: `${deps.publicUrl}/clusters` },
        ]),
        ...(deps.incidents.channels.always.length > 0 ? { alsoTo: deps.incidents.channels.always } : {}),
      },
      runId: undefined,
      channel: place,
      fallbackChannels: others,
    });
  });
  if (!isNew) return;
  if (!place) deps.log.warn({ cluster: cluster.name, cause: 'unreachable' }, 'an incident has no channel to go to');
  deps.onNews();
}

/** Incidents of jobs that a person has stopped since are over, and those of an operation that came to its end after all. */
async function closeStopped(deps: PollDeps, cluster: string): Promise<void> {
  const stopped = await jobsStoppedSince(deps.database.db, cluster);
  if (stopped.length === 0) return;
  const held = await heldJobs(deps.database.db);
  for (const job of stopped) {
    if (held.has(job)) continue;
    await deps.database.transaction((tx) => resolveIncidents(tx, everyKeyOf(job), `${job} was stopped.`));
    deps.onNews();
  }
}
