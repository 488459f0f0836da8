import { record } from '../access/audit.store.ts';
import type { Span } from '../core/message.ts';
import { formatBytes, formatDuration } from '../core/time.ts';
import { now } from '../db/clock.ts';
import type { Database, Tx } from '../db/db.ts';
import { sql } from '../db/query.ts';
import { clusterViews } from '../db/schema/index.ts';
import { type ClusterLease, findClusterView, updateClusterView, updateLeasedView } from '../deploy/cluster-views.store.ts';
import { findCluster } from '../deploy/clusters.store.ts';
import { noteSilence, updateLiveRuns } from '../jobs/run-crowd.store.ts';
import { type CheckpointFact, findRun, type Run, updateRun } from '../jobs/runs.store.ts';
import { addLater } from '../operations/later.ts';
import { recordManyCheckpoints } from '../restore-points/record-checkpoints.ts';
import type { CheckpointsRead } from './checkpoint-reads.ts';
import type { Fetched } from './cluster-poll.fetch.ts';
import { type Following, firstCheckpointFact, type RunFact, silences } from './cluster-poll.rule.ts';
import { LeaseLostError } from './fenced.ts';
import { readKnown } from './known.store.ts';
import type { PollDeps } from './poll-deps.ts';
import { emptyKey, tellEmpty } from './tell-empty.ts';
import { growthKey, tellGrowth } from './tell-growth.ts';
import { objectiveKey, tellObjective } from './tell-objective.ts';

/**
 * Writes what a poll saw of the runs that still live, in one transaction; that all is as before is one statement.
 * @param restless runs that are not well and as before.
 * @param database whose transactions hold the lease.
 * @throws LeaseLostError
 */
export async function storeSeen(
  database: Database,
  lease: ClusterLease,
  fetched: Extract<Fetched, { is: 'answered' }>,
  restless: readonly Following[],
  deps: PollDeps,
  at: Date,
): Promise<void> {
  const { cluster } = lease;
  const settings = { firstCheckpointWithinMs: deps.firstCheckpointWithinMs, at };
  const changes = Map.groupBy(restless.filter(isChange), changeKey);
  const silence = silences(restless);
  const nothing = changes.size === 0 && fetched.checkpoints.length === 0 && silence.every((ids) => ids.length === 0);
  if (nothing && !fetched.facts && fetched.jobManager === undefined && fetched.overviewFault === undefined) {
    if (await updateLeasedView(database.db, lease, answeredAt(at))) return;
    throw new LeaseLostError(`${cluster} is polled by another replica now`);
  }
  let news = false;
  await database.transaction(async (tx) => {
    if (fetched.overviewFault) await logOnce(tx, cluster, fetched.overviewFault, deps);
    if (fetched.facts) await noteFlinkVersion(tx, cluster, fetched.facts.flinkVersion);
    await updateClusterView(tx, cluster, {
      ...answeredAt(at),
      ...(fetched.overviewFault === undefined ? {} : { lastError: fetched.overviewFault }),
      ...(fetched.jobManager !== undefined ? await newJobManager(tx, cluster, fetched.jobManager) : {}),
      ...(fetched.facts
        ? {
            flinkVersion: fetched.facts.flinkVersion,
            slotsTotal: fetched.facts.slotsTotal,
            slotsAvailable: fetched.facts.slotsAvailable,
            taskManagers: fetched.facts.taskManagers,
          }
        : {}),
    });
    // A run that is as before needs no write: its cluster's last answer is the proof.
    for (const [key, alike] of changes)
      await updateLiveRuns(
        tx,
        alike.map(({ run }) => run.id),
        JSON.parse(key),
      );
    await noteSilence(tx, ...silence);
    if (fetched.checkpoints.length > 0) {
      const facts = new Map(restless.map(({ run, fact }) => [run.id, fact]));
      const looks = fetched.checkpoints.map((read) => ({ run: read.run, fact: facts.get(read.run.id) ?? asBefore, read }));
      news = await storeCheckpoints(tx, looks, deps, settings);
    }
  });
  if (news) deps.onNews();
}

const asBefore: RunFact = { is: 'same' };
interface Look extends Following {
  read: CheckpointsRead;
}
/** True when there is something to send. */
async function storeCheckpoints(
  tx: Tx,
  looks: readonly Look[],
  deps: PollDeps,
  settings: { firstCheckpointWithinMs: number; at: Date },
): Promise<boolean> {
  const newest = await recordManyCheckpoints(
    tx,
    looks.map(({ run, read: { sight } }) => ({ run, sight })),
  );
  const jobs = looks.map(({ run }) => run.job);
  const known = await readKnown(
    tx,
    jobs,
    jobs.flatMap((job) => [objectiveKey(job), emptyKey(job), growthKey(job)]),
  );
  let news = false;
  for (const { run, fact, read } of looks) {
    const now = await noteFirstCheckpoint(tx, run, read, newest.get(run.id), settings);
    if (await tellObjective(tx, deps, known, asSeen(now, fact), read.sight, settings.at)) news = true;
    // By the run as it was before this look.
    if (await tellEmpty(tx, deps, known, run, read.sight, settings.at)) news = true;
    if (await tellGrowth(tx, deps, known, now, read.sight)) news = true;
  }
  return news;
}

/** What is written of a cluster that answered. */
const answeredAt = (at: Date) => ({ lastOkAt: at, lastTriedAt: now, failures: 0, lastError: overviewFaultSoFar });
/** What was said of an earlier overview stays until the next one; what was said while nothing answered does not. */
const overviewFaultSoFar = sql<string | null>`case when ${clusterViews.failures} = 0 then ${clusterViews.lastError} end`;
/** A cluster that tells its states and not its overview is logged when that begins, not each time. */
async function logOnce(tx: Tx, cluster: string, why: string, { log }: PollDeps): Promise<void> {
  const view = await findClusterView(tx, cluster);
  if (view?.failures === 0 && view.lastError !== null) return;
  log.warn({ cluster, why }, 'a cluster tells the states of its jobs but not its overview: tasks and new jobs are not seen until it does');
}

/** The last few that were seen, newest first: behind one address several may take turns to answer. Only one never seen before took the place of another. */
const jobManagersKept = 5;
async function newJobManager(tx: Tx, cluster: string, jobManager: string) {
  const known = (await findClusterView(tx, cluster))?.jobManager?.split('\n') ?? [];
  if (known.includes(jobManager)) return {};
  return {
    jobManager: [jobManager, ...known].slice(0, jobManagersKept).join('\n'),
    ...(known.length > 0 ? { jobManagerSince: now } : {}),
  };
}

/** Another Flink release at the same address is written down: what was changed before a problem names it. A YARN has as many as its applications. */
async function noteFlinkVersion(tx: Tx, cluster: string, version: string) {
  const from = (await findClusterView(tx, cluster))?.flinkVersion;
  if (!from || from === version || (await findCluster(tx, cluster))?.kind === 'yarn') return;
  await record(tx, {
    actor: { origin: 'system' },
    action: 'cluster.flink-changed',
    subject: `cluster:${cluster}`,
    details: { from, to: version },
  });
}

interface Change {
  run: Run;
  fact: Extract<RunFact, { is: 'changed' }>;
}
const isChange = (one: { run: Run; fact: RunFact }): one is Change => one.fact.is === 'changed';
function asSeen(run: Run, fact: RunFact): Run {
  return fact.is === 'changed' ? { ...run, state: fact.state, tasksRunning: fact.tasksRunning, tasksTotal: fact.tasksTotal } : run;
}
function changeKey({ run, fact }: Change): string {
  const { state, tasksRunning, tasksTotal } = fact;
  return JSON.stringify({ state, tasksRunning, tasksTotal, restartsMore: state === 'RESTARTING' && run.state !== 'RESTARTING' ? 1 : 0 });
}

async function noteFirstCheckpoint(
  tx: Tx,
  run: Run,
  { sight, config: { intervalMs, retention } }: CheckpointsRead,
  newest: CheckpointFact | undefined,
  settings: { firstCheckpointWithinMs: number; at: Date },
): Promise<Run> {
  if (run.checkpointIntervalMs === null || run.checkpointRetention !== retention)
    await updateRun(tx, run.id, { checkpointIntervalMs: Math.min(intervalMs, 2_000_000_000), checkpointRetention: retention });
  const known: Run = {
    ...run,
    checkpointIntervalMs: intervalMs,
    checkpointRetention: retention,
    lastCheckpoint: newest ?? run.lastCheckpoint,
  };
  if (run.firstCheckpoint === 'seen' || run.firstCheckpoint === 'off') return known;
  const fact = firstCheckpointFact(known, newest && { at: new Date(newest.at) }, settings.at, settings.firstCheckpointWithinMs);
  if (fact === run.firstCheckpoint) return known;
  await updateRun(tx, run.id, { firstCheckpoint: fact });
  const words: Record<typeof fact, Span[]> = {
    waiting: [],
    seen: newest
      ? [
          `Checkpoint ${newest.id}, ${newest.size === undefined ? '' : `${formatBytes(newest.size)} in `}${formatDuration(newest.durationMs)}.`,
        ]
      : [],
    overdue: [
      { bold: 'No checkpoint came in time:' },
      sight.lastFailed
        ? ` the last try failed: ${sight.lastFailed.message}`
        : ` none in ${formatDuration(Math.max(settings.firstCheckpointWithinMs, 3 * intervalMs))}`,
      '. A crash now goes back to where it started from.',
    ],
    off: [
      { bold: 'No checkpointing:' },
      ' a crash loses all state. To turn it on: ',
      { code: `/flink set ${run.job} checkpoint-interval=60s` },
    ],
  };
  await addLater(tx, run.operationId, 'checkpoint', words[fact], fact === 'overdue' || fact === 'off' ? 'warn' : 'good');
  return known;
}

/** Counts a poll without an answer; how many in a row. */
export async function storeNoAnswer(database: Database, cluster: string, failuresBefore: number, why: string): Promise<number> {
  await database.transaction((tx) => updateClusterView(tx, cluster, { lastTriedAt: now, failures: failuresBefore + 1, lastError: why }));
  return failuresBefore + 1;
}
/** A run as it is now. */
export async function reread(database: Database, id: string): Promise<Run | undefined> {
  return findRun(database.db, id);
}
