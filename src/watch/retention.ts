import { record } from '../access/audit.store.ts';
import { UnreachableError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { dbNow } from '../db/clock.ts';
import type { Database, Tx } from '../db/db.ts';
import { findClusterView } from '../deploy/cluster-views.store.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import type { DisposalSight } from '../deploy/deployer.ts';
import type { Deployers } from '../deploy/deployers.ts';
import { checkRestorePath, localPath } from '../deploy/restore-path.ts';
import { lockJob } from '../jobs/jobs.store.ts';
import { findRun } from '../jobs/runs.store.ts';
import { judgedSavepoints, type KeepDefaults } from '../operations/retention.fetch.ts';
import type { RestorePoint } from '../restore-points/restore-points.store.ts';
import {
  beginDisposal,
  type Disposal,
  duePoints,
  leftDisposing,
  lockPoint,
  stay,
  writeDisposal,
} from '../restore-points/retention.store.ts';

export interface RetentionDeps {
  database: Database;
  deployers: Deployers;
  log: Log;
  keep: KeepDefaults;
  /** Sluice is ending: nothing new is begun, and what was begun is left to whoever comes next. */
  signal: AbortSignal;
}
/** So many at most are taken in one sweep, the rest an hour later; those that cannot be taken now, as their cluster is down, count for nothing. */
const mostAtOnce = 200;
/** A try that did not end in this time is nobody's any more: longer than Flink is waited for. */
const abandonedMs = 15 * 60_000;
/** A process that stood still between its claim and its request sends nothing: by then another may be at it, or the savepoint may be in use again. */
const freshMs = 20_000;
/** Once an hour at first, then once a day: somebody may have seen to it by then. */
const mostTries = 5;
const dayMs = 24 * 3_600_000;
/** A cluster counts as alive when it answered so lately. */
const aliveMs = 60_000;

/** Deletes the savepoints whose day has come, one after the other; what was begun before and not ended is taken up. Called once per tick in a fleet. */
export async function sweepSavepoints(deps: RetentionDeps): Promise<number> {
  const { db } = deps.database;
  let [gone, taken] = [0, 0];
  for (const point of await leftDisposing(db, { abandonedMs, mostTries, thenEveryMs: dayMs })) {
    if (deps.signal.aborted) return gone;
    if ((await dispose(deps, point)) === 'gone') gone++;
  }
  for (const point of await duePoints(db)) {
    if (deps.signal.aborted || taken === mostAtOnce) return gone;
    const end = await dispose(deps, point);
    if (end !== 'not taken') taken++;
    if (end === 'gone') gone++;
  }
  return gone;
}

interface Claimed {
  point: RestorePoint;
  disposal: Disposal;
  why: string;
}

/** One savepoint: claimed in a transaction, deleted by its cluster, written down. */
async function dispose(deps: RetentionDeps, seen: RestorePoint): Promise<'gone' | 'taken' | 'not taken'> {
  const claimed = await deps.database.transaction((tx) => claim(deps, tx, seen));
  if (!claimed) return 'not taken';
  const { point } = claimed;
  const claimedAt = performance.now();
  const { deployer, cluster } = await deps.deployers.of(claimed.disposal.cluster);
  const sending: Disposal = { ...claimed.disposal, sent: true };
  const ours = await writeDisposal(deps.database.db, point, sending.claim, { state: 'disposing', disposal: sending });
  if (!ours || performance.now() - claimedAt > freshMs || !deployer.disposeSavepoint) return 'taken';
  deps.log.info({ job: point.job, path: point.path, cluster: cluster.name, why: claimed.why }, 'a savepoint is deleted');
  let sight: DisposalSight;
  try {
    sight = await deployer.disposeSavepoint(point.path, { timeoutMs: 10_000, signal: deps.signal });
  } catch (error) {
    if (deps.signal.aborted) return 'taken';
    if (!(error instanceof UnreachableError)) throw error;
    // Surely not sent: unless an earlier try was, it is as whole as before.
    await writeDisposal(
      deps.database.db,
      point,
      sending.claim,
      claimed.disposal.sent ? { state: 'disposing', disposal: claimed.disposal } : { state: 'available', disposal: null },
    );
    return 'taken';
  }
  // Flink's word is looked at where it can be.
  if (sight.is === 'done' && (await checkRestorePath(point.path, cluster.pathsReadable)).is === 'complete')
    sight = { is: 'failed', why: 'Flink says that it is deleted, and it is still there', missing: false };
  return (await written(deps, claimed, sending, sight)) ? 'gone' : 'taken';
}

/** Takes one for deletion: only if it is there, told a day before, and everything that speaks for keeping it was read again under its lock. */
async function claim(deps: RetentionDeps, tx: Tx, seen: RestorePoint): Promise<Claimed | undefined> {
  // In the order of everybody who takes both: the job first.
  const job = await lockJob(tx, seen.job);
  const point = await lockPoint(tx, seen.id);
  if (!job || !point || point.state !== seen.state || point.disposal?.claim !== seen.disposal?.claim) return undefined;
  if (point.state === 'disposing' && !point.disposal?.sent) {
    // Nothing ever left: it is as whole as before, and judged anew.
    await writeDisposal(tx, point, point.disposal?.claim ?? '', { state: 'available', disposal: null });
    return undefined;
  }
  const cluster = await aliveCluster(tx, point, job.current.definition.cluster);
  if (cluster === undefined) return undefined;
  let why = 'its deletion was begun';
  if (point.state === 'available') {
    const now = await dbNow(tx);
    const judged = (await judgedSavepoints(tx, [job], now, deps.keep, { checksFiles: true })).get(job.name) ?? [];
    const mine = judged.find((one) => one.point.id === point.id);
    if (!mine || mine.keep || point.goesAt === null || point.goesAt > now) {
      if (mine?.keep && !mine.passing) await stay(tx, [point.id]);
      return undefined;
    }
    why = mine.why;
    await record(tx, {
      actor: { origin: 'system' },
      action: 'savepoint.deleting',
      subject: `job:${job.name}`,
      details: { ...details(point), cluster, why },
    });
  }
  const tries = (point.disposal?.tries ?? 0) + 1;
  const disposal = await beginDisposal(tx, point.id, { claim: newId('dsp'), cluster, sent: point.disposal?.sent ?? false, tries });
  return { point, disposal, why };
}

/**
 * The cluster that wrote it, if it answers and is not only observed. Once that one is not registered any more, the one that the job is at now, where the
 * files are not a machine's own: a cluster that cannot see them would call them missing.
 */
async function aliveCluster(tx: Tx, point: RestorePoint, ofJob: string): Promise<string | undefined> {
  const clusters = await listClusters(tx);
  const wrote = (await findRun(tx, point.runId))?.cluster ?? ofJob;
  const chosen =
    clusters.find((one) => one.name === wrote) ??
    (localPath(point.path) === undefined ? clusters.find((one) => one.name === ofJob) : undefined);
  const view = chosen && (await findClusterView(tx, chosen.name));
  if (!chosen || chosen.observed || !view?.lastOkAt || view.failures > 0) return undefined;
  return (await dbNow(tx)).getTime() - view.lastOkAt.getTime() < aliveMs ? chosen.name : undefined;
}

async function written(deps: RetentionDeps, { point, why }: Claimed, sending: Disposal, sight: DisposalSight): Promise<boolean> {
  // What is missing when a request for it had left before was deleted by that one.
  const end: End =
    sight.is === 'done' || (sight.is === 'failed' && sight.missing && point.disposal?.sent === true)
      ? { state: 'disposed', action: 'savepoint.deleted' }
      : sight.is === 'failed' && sight.missing
        ? { state: 'vanished', action: 'savepoint.missing' }
        : { state: 'disposing', action: 'savepoint.not-deleted', error: sight.why };
  const { state, action, error } = end;
  const mine = await deps.database.transaction(async (tx) => {
    const at = (await dbNow(tx)).toISOString();
    const kept = await writeDisposal(tx, point, sending.claim, { state, disposal: { ...sending, at, ...(error ? { error } : {}) } });
    if (kept)
      await record(tx, {
        actor: { origin: 'system' },
        action,
        subject: `job:${point.job}`,
        details: { ...details(point), cluster: sending.cluster, why, error },
      });
    return kept;
  });
  const line = { job: point.job, path: point.path, error };
  if (error) deps.log.warn(line, 'a savepoint could not be deleted');
  else deps.log.info(line, state === 'vanished' ? 'a savepoint that was to be deleted was not there' : 'a savepoint was deleted');
  return mine && state === 'disposed';
}
interface End {
  state: RestorePoint['state'];
  action: string;
  error?: string;
}
const details = (point: RestorePoint) => ({
  point: point.id,
  path: point.path,
  takenAt: point.takenAt.toISOString(),
  size: point.size,
  version: point.version,
});
