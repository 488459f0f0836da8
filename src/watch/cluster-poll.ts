import type { Log } from '../core/log.ts';
import { formatAge } from '../core/time.ts';
import { dbNow } from '../db/clock.ts';
import type { Database, Tx } from '../db/db.ts';
import { findClusterView } from '../deploy/cluster-views.store.ts';
import type { Deployers, OpenCluster } from '../deploy/deployers.ts';
import { type Incident, openIncident, openIncidents, resolveIncidents } from '../incidents/incidents.store.ts';
import type { IncidentFacts } from '../incidents/message.ts';
import { jobChannels } from '../jobs/channels.ts';
import { findJob, type Job } from '../jobs/jobs.store.ts';
import { latestRun, liveRuns, type Run } from '../jobs/runs.store.ts';
import { heldJobs } from '../operations/operations.store.ts';
import { settleRun } from '../operations/settle-run.ts';
import { fetchCluster, type PollTimes } from './cluster-poll.fetch.ts';
import { healthOf, type RunFact, runFact } from './cluster-poll.rule.ts';
import { reread, storeNoAnswer, storeSeen } from './cluster-poll.store.ts';

export interface PollDeps {
  database: Database;
  deployers: Deployers;
  log: Log;
  publicUrl: string;
  defaults: { defaultChannel: string | undefined; alertChannel: string | undefined };
  times: PollTimes;
  firstCheckpointWithinMs: number;
  /** Tells the outbox that there is something to send. */
  onNews(): void;
}
/** Polls without an answer from which on the cluster counts as not reachable. */
const unreachableAfter = 2;

/** One look at a cluster: ask, decide, write; facts, incidents and messages commit together. */
export async function pollCluster(deps: PollDeps, name: string, sinceOverviewMs: number): Promise<{ answered: boolean }> {
  const { database } = deps;
  const open = await deps.deployers.of(name);
  const runs = await liveRuns(database.db, name);
  const at = await dbNow(database.db);
  const fetched = await fetchCluster(open, runs, at, sinceOverviewMs, deps.times);
  const view = await findClusterView(database.db, name);
  if (fetched.is === 'no-answer') {
    const failures = await storeNoAnswer(database, name, view?.failures ?? 0, fetched.why);
    if (failures >= unreachableAfter) await tellUnreachable(deps, open, fetched.why, view?.lastOkAt ?? null, at);
    return { answered: false };
  }
  const facts = runs.map((run) => ({ run, fact: runFact(run, fetched.seen) }));
  await storeSeen(database, name, fetched, facts, { firstCheckpointWithinMs: deps.firstCheckpointWithinMs, at });
  const incidents = await openIncidents(database.db);
  if (incidents.some((incident) => incident.key === `cluster:${name}:unreachable`)) {
    await database.transaction((tx) => resolveIncidents(tx, [`cluster:${name}:unreachable`], `${name} answers again.`));
    deps.onNews();
  }
  const held = await heldJobs(database.db);
  const told = new Set(incidents.map((incident) => incident.job));
  for (const { run, fact } of facts) {
    // What is well, as before and without an open incident needs nothing: most runs, most of the time.
    if (fact.is === 'same' && healthOf(run) === 'healthy' && !told.has(run.job)) continue;
    await followRun(deps, open, run, fact, held.has(run.job), told.has(run.job));
  }
  await closeStopped(deps, held, incidents);
  return { answered: true };
}

async function followRun(deps: PollDeps, open: OpenCluster, before: Run, fact: RunFact, held: boolean, told: boolean): Promise<void> {
  // An operation that holds the job makes these changes itself, and tells of them.
  if (held) return;
  const { database } = deps;
  const run = (await reread(database, before.id)) ?? before;
  if (run.ended) return;
  if (fact.is === 'gone' || fact.is === 'ended') {
    const sight = await open.deployer.look(run.flinkJobId, { timeoutMs: 4000 });
    // The end and the incident that tells of it commit together: nobody would look again.
    const { endedNow } = await settleRun(database, open, run, sight, undefined, (tx, ended) => tellEnd(tx, deps, ended));
    if (endedNow) deps.onNews();
    return;
  }
  const health = healthOf(run);
  // Also when nothing changed but nobody was told yet: an operation held the job, or Sluice was restarted in between.
  if (health === 'troubled' && (fact.is === 'changed' || !told)) await tellTrouble(deps, open, run);
  if (health === 'healthy' && told) await tellRecovery(deps, run);
}

const keysOf = (job: string) => ['failed', 'restarting', 'lost', 'canceled-elsewhere'].map((cause) => `job:${job}:${cause}`);

async function tellRecovery(deps: PollDeps, run: Run): Promise<void> {
  await deps.database.transaction((tx) =>
    resolveIncidents(tx, keysOf(run.job), `${run.job} runs again: v${run.version} on ${run.tasksRunning}/${run.tasksTotal} tasks.`),
  );
  deps.onNews();
}

async function tellTrouble(deps: PollDeps, open: OpenCluster, run: Run): Promise<void> {
  const cause = await open.deployer.rootCause(run.flinkJobId, { timeoutMs: 4000 }).catch(() => undefined);
  await deps.database.transaction((tx) =>
    tell(tx, deps, run, 'restarting', `${run.job} is restarting: ${run.tasksRunning}/${run.tasksTotal} tasks run`, {
      ...(cause ? { exception: oneLine(cause) } : {}),
      tasks: `${run.tasksRunning}/${run.tasksTotal}`,
      detail: 'Flink restarts it by itself; this message says how that ends.',
    }),
  );
  deps.onNews();
}

async function tellEnd(tx: Tx, deps: PollDeps, run: Run): Promise<void> {
  const exception = run.rootException ? `${run.rootException.name}: ${run.rootException.message}` : undefined;
  if (run.endReason === 'failed')
    return tell(tx, deps, run, 'failed', `${run.job} failed`, {
      ...(exception ? { exception } : {}),
      ...(run.rootException?.task ? { task: run.rootException.task } : {}),
    });
  if (run.endReason === 'lost')
    return tell(tx, deps, run, 'lost', `${run.job} is gone: ${run.cluster} answers but no longer knows it`, {
      detail: 'The JobManager was restarted without high availability, or the job was removed. It does not run.',
    });
  if (run.endReason === 'canceled')
    return tell(tx, deps, run, 'canceled-elsewhere', `${run.job} was canceled by somebody outside Sluice`, {
      detail: 'Its last checkpoint is kept.',
    });
}
const oneLine = (cause: { name: string; message: string }) => `${cause.name}: ${cause.message}`;

async function tell(
  tx: Tx,
  deps: PollDeps,
  run: Run,
  cause: 'failed' | 'restarting' | 'lost' | 'canceled-elsewhere',
  title: string,
  facts: IncidentFacts,
): Promise<void> {
  const job = await findJob(tx, run.job);
  if (!job) return;
  const checkpoint = run.lastCheckpoint;
  // One problem at a time: what ends a run takes the place of "is restarting".
  if (cause !== 'restarting') await resolveIncidents(tx, [`job:${run.job}:restarting`], `It did not recover: ${title}.`);
  await openFor(tx, deps, job, run, cause, title, {
    ...facts,
    version: run.version,
    ...(checkpoint
      ? { checkpoint: { id: checkpoint.id, path: checkpoint.path, at: checkpoint.at } }
      : { noCheckpoint: run.checkpointIntervalMs === 0 ? 'checkpointing is off' : 'none' }),
    links: [{ label: 'Page', url: `${deps.publicUrl}/jobs/${job.name}` }, ...job.current.definition.links],
  });
}
async function openFor(
  tx: Tx,
  deps: PollDeps,
  job: Job,
  run: Run,
  cause: 'failed' | 'restarting' | 'lost' | 'canceled-elsewhere',
  title: string,
  facts: IncidentFacts,
): Promise<void> {
  const { channel, alertChannel } = await jobChannels(tx, job, deps.defaults);
  const place = alertChannel ?? channel;
  if (!place) {
    deps.log.warn({ job: job.name, cause }, 'an incident has no channel to go to');
    return;
  }
  await openIncident(tx, {
    key: `job:${job.name}:${cause}`,
    job: job.name,
    cluster: run.cluster,
    cause,
    title,
    facts,
    runId: run.id,
    channel: place,
    fallbackChannel: channel,
  });
}

async function tellUnreachable(deps: PollDeps, open: OpenCluster, why: string, lastOkAt: Date | null, at: Date): Promise<void> {
  const { cluster } = open;
  const place = cluster.alertChannel ?? deps.defaults.alertChannel ?? deps.defaults.defaultChannel;
  if (!place) return;
  const runs = await liveRuns(deps.database.db, cluster.name);
  const names = runs.map((run) => run.job);
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
        detail: `${lastOkAt ? `It last answered ${formatAge(lastOkAt, at)}. ` : ''}${names.length > 0 ? `What is not known since: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}. They may well run.` : 'No job is known to run there.'}`,
        links: [{ label: 'Page', url: `${deps.publicUrl}/clusters` }],
      },
      runId: undefined,
      channel: place,
      fallbackChannel: deps.defaults.defaultChannel,
    });
  });
  if (isNew) deps.onNews();
}

/** Incidents of jobs that a person has stopped since are over. */
async function closeStopped(deps: PollDeps, held: ReadonlySet<string>, incidents: readonly Incident[]): Promise<void> {
  for (const incident of incidents) {
    if (!incident.job || held.has(incident.job)) continue;
    const run = await latestRun(deps.database.db, incident.job);
    if (run?.ended && run.endReason === 'stopped' && run.endedAt && run.endedAt > incident.firstSeen) {
      await deps.database.transaction((tx) => resolveIncidents(tx, keysOf(incident.job as string), `${incident.job} was stopped.`));
      deps.onNews();
    }
  }
}
