import { record } from '../access/audit.store.ts';
import { UnreachableError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { dbNow } from '../db/clock.ts';
import type { Database, Tx } from '../db/db.ts';
import { listClusterViews } from '../deploy/cluster-views.store.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import type { DisposalSight } from '../deploy/deployer.ts';
import type { Deployers } from '../deploy/deployers.ts';
import { checkRestorePath } from '../deploy/restore-path.ts';
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
  /** Sluice is ending: nothing new is begun. */
  stopped(): boolean;
}
/** So many at most in one sweep; the rest an hour later. */
const mostAtOnce = 200;
/** A try that did not end in this time is nobody's any more: longer than Flink is waited for. */
const abandonedMs = 15 * 60_000;
/** A process that stood still between its claim and its request sends nothing: by then another may be at it, or the savepoint may be in use again. */
const freshMs = 20_000;
const mostTries = 5;
/** A cluster counts as alive when it answered so lately. */
const aliveMs = 60_000;

/** Deletes the savepoints whose day has come, one after the other; what was begun before and not ended is taken up. Called once per tick in a fleet. */
export async function sweepSavepoints(deps: RetentionDeps): Promise<number> {
  const { db } = deps.database;
  let gone = 0;
  for (const point of await leftDisposing(db, abandonedMs, mostTries)) {
    if (deps.stopped()) return gone;
    if (await dispose(deps, point)) gone++;
  }
  for (const point of await duePoints(db, mostAtOnce)) {
    if (deps.stopped()) return gone;
    if (await dispose(deps, point)) gone++;
  }
  return gone;
}

interface Claimed {
  point: RestorePoint;
  disposal: Disposal;
  why: string;
}

/** One savepoint: claimed in a transaction, deleted by its cluster, written down. True when it is gone. */
async function dispose(deps: RetentionDeps, seen: RestorePoint): Promise<boolean> {
  const claimed = await deps.database.transaction((tx) => claim(deps, tx, seen));
  if (!claimed) return false;
  const { point } = claimed;
  const claimedAt = performance.now();
  const { deployer, cluster } = await deps.deployers.of(claimed.disposal.cluster);
  const sending: Disposal = { ...claimed.disposal, sent: true };
  const ours = await writeDisposal(deps.database.db, point, sending.claim, { state: 'disposing', disposal: sending });
  if (!ours || performance.now() - claimedAt > freshMs || !deployer.disposeSavepoint) return false;
  deps.log.info({ job: point.job, path: point.path, cluster: cluster.name, why: claimed.why }, 'a savepoint is deleted');
  let sight: DisposalSight;
  try {
    sight = await deployer.disposeSavepoint(point.path, { timeoutMs: 10_000 });
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    // Surely not sent: unless an earlier try was, it is as whole as before.
    await writeDisposal(
      deps.database.db,
      point,
      sending.claim,
      claimed.disposal.sent ? { state: 'disposing', disposal: claimed.disposal } : { state: 'available', disposal: null },
    );
    return false;
  }
  // Flink's word is looked at where it can be.
  if (sight.is === 'done' && (await checkRestorePath(point.path, cluster.pathsReadable)).is === 'complete')
    sight = { is: 'failed', why: 'Flink says that it is deleted, and it is still there', missing: false };
  return written(deps, claimed, sending, sight);
}

/** Takes one for deletion: only if it is there, told a day before, and everything that speaks for keeping it was read again under its lock. */
async function claim(deps: RetentionDeps, tx: Tx, seen: RestorePoint): Promise<Claimed | undefined> {
  // In the order of everybody who takes both: the job first.
  const job = await lockJob(tx, seen.job);
  const point = await lockPoint(tx, seen.id);
  if (!job || !point || point.state !== seen.state || point.disposal?.claim !== seen.disposal?.claim) return undefined;
  const cluster = await aliveCluster(tx, point, job.current.definition.cluster);
  if (cluster === undefined) return undefined;
  let why = 'its deletion was begun';
  if (point.state === 'available') {
    const now = await dbNow(tx);
    const judged = (await judgedSavepoints(tx, [job], now, deps.keep, { checksFiles: true })).get(job.name) ?? [];
    const mine = judged.find((one) => one.point.id === point.id);
    if (!mine || mine.keep || point.goesAt === null || point.goesAt > now) {
      if (mine?.keep) await stay(tx, [point.id]);
      return undefined;
    }
    why = mine.why;
    await record(tx, {
      actor: { origin: 'system' },
      action: 'savepoint.deleting',
      subject: `job:${job.name}`,
      details: { ...details(point), cluster, why },
    });
  } else if (point.state !== 'disposing') return undefined;
  const disposal = { claim: newId('dsp'), cluster, sent: point.disposal?.sent ?? false, tries: (point.disposal?.tries ?? 0) + 1 };
  await beginDisposal(tx, point.id, disposal);
  return { point, disposal: { ...disposal, at: '' }, why };
}

/** The cluster that wrote it, else the one that the job is at now, of the same kind; only one that answers, and is not only observed. */
async function aliveCluster(tx: Tx, point: RestorePoint, ofJob: string): Promise<string | undefined> {
  const clusters = await listClusters(tx);
  const views = await listClusterViews(tx);
  const now = (await dbNow(tx)).getTime();
  const wrote = (await findRun(tx, point.runId))?.cluster ?? ofJob;
  const writer = clusters.find((one) => one.name === wrote);
  // A cluster that is not registered any more cannot be asked; another one may not see its files, which would look as if they were gone.
  const names = writer ? [wrote] : [];
  return names.find((name) => {
    const view = views.get(name);
    const answered = view?.lastOkAt && view.failures === 0 && now - view.lastOkAt.getTime() < aliveMs;
    return answered && !clusters.find((one) => one.name === name)?.observed;
  });
}

async function written(deps: RetentionDeps, { point, why }: Claimed, sending: Disposal, sight: DisposalSight): Promise<boolean> {
  // What is not there when a request for it had left before was deleted by that one.
  const before = point.disposal?.sent === true;
  const gone = sight.is === 'done' || (sight.is === 'failed' && sight.missing);
  const at = (await dbNow(deps.database.db)).toISOString();
  const told = sight.is === 'done' || before ? undefined : 'it was not there';
  const done = await deps.database.transaction(async (tx) => {
    const mine = await writeDisposal(
      tx,
      point,
      sending.claim,
      gone
        ? { state: 'disposed', disposal: { ...sending, at } }
        : { state: 'disposing', disposal: { ...sending, at, error: sight.is === 'done' ? '' : sight.why } },
    );
    if (mine)
      await record(tx, {
        actor: { origin: 'system' },
        action: gone ? 'savepoint.deleted' : 'savepoint.not-deleted',
        subject: `job:${point.job}`,
        details: {
          ...details(point),
          cluster: sending.cluster,
          why,
          ...(gone ? { note: told } : { error: sight.is === 'done' ? '' : sight.why }),
        },
      });
    return mine;
  });
  if (!gone) deps.log.warn({ job: point.job, path: point.path, error: sight }, 'a savepoint could not be deleted');
  else deps.log.info({ job: point.job, path: point.path, note: told }, 'a savepoint was deleted');
  return done && gone;
}
const details = (point: RestorePoint) => ({
  point: point.id,
  path: point.path,
  takenAt: point.takenAt.toISOString(),
  size: point.size,
  version: point.version,
});
