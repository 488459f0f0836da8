import { sleep } from '../core/time.ts';
import { dbNow } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { checkRestorePath, retainedCheckpoints } from '../deploy/restore-path.ts';
import type { Run } from '../jobs/runs.store.ts';
import { checkpointsAfter } from './kept.rule.ts';
import { recordCheckpoints } from './record-checkpoints.ts';
import {
  endedWithSavepoint,
  markCheckpointsVanished,
  markFinal,
  newestCheckpointOf,
  type RestorePoint,
  recordRestorePoint,
  restorePointsOfRun,
} from './restore-points.store.ts';

/** The newest complete state of a job, with how sure that is. */
export type LastState =
  | {
      is: 'found';
      point: Pick<RestorePoint, 'path' | 'kind' | 'takenAt' | 'size' | 'final' | 'version'> & { id: string | undefined };
      checked: boolean;
      note: string | undefined;
    }
  /** The newest one is known but not there: never replaced by an older one silently. */
  | { is: 'broken'; path: string; why: string }
  /** No state was ever kept. */
  | { is: 'none'; why: string };

/**
 * The newest complete restore point of an ended run: its final savepoint or last completed checkpoint; a run that ended before it kept any state falls
 * back to the one it was itself started from, which loses nothing.
 */
export async function lastStateOf(db: Db | Tx, run: Run, cluster: OpenCluster, checkpointDir: string | undefined): Promise<LastState> {
  // On FINISHED Flink deletes every checkpoint, and nothing is younger than the savepoint of a stop; in every other end the newest checkpoint may be
  // younger than what was last read.
  const complete = run.state === 'FINISHED' || (await endedWithSavepoint(db, run.id));
  if (!complete && !(await addCheckpointsFromDisk(db, run, cluster, checkpointDir)) && !(await addCheckpointsFromFlink(db, run, cluster)))
    return {
      is: 'broken',
      path: run.lastCheckpoint?.path ?? 'not known yet',
      why: `${run.cluster} has not told its last checkpoints yet; try again in a minute`,
    };
  const points = await restorePointsOfRun(db, run.id);
  const newest = points[0];
  if (!newest) {
    // It got further than where it began, so going back there would rewind it.
    if (run.lastCheckpoint) return { is: 'none', why: lostWords(run) };
    if (run.restoredFrom)
      return ofPath(run.restoredFrom, run, cluster, 'the run kept no state of its own, so it goes back to where that run began');
    return { is: 'none', why: run.checkpointIntervalMs === 0 ? 'its checkpointing was off' : 'it ended before its first checkpoint' };
  }
  const sight = await checkRestorePath(newest.path, cluster.cluster.pathsReadable);
  if (sight.is === 'missing' || sight.is === 'incomplete') return { is: 'broken', path: newest.path, why: sight.why };
  if (!newest.final) await markFinal(db, newest.id);
  return {
    is: 'found',
    point: { ...newest, final: true },
    checked: sight.is === 'complete',
    note: sight.is === 'cannot-check' ? sight.why : undefined,
  };
}

function lostWords(run: Run): string {
  if (run.endReason === 'finished') return 'it finished, and Flink then deletes its checkpoints';
  if (run.ended && checkpointsAfter(run) === 'gone') return 'Flink was told to delete its checkpoints when it ends so';
  return run.lastCheckpoint?.path ? 'its checkpoints are gone' : 'its checkpoints were kept in memory only';
}

async function ofPath(path: string, run: Run, cluster: OpenCluster, note: string): Promise<LastState> {
  const sight = await checkRestorePath(path, cluster.cluster.pathsReadable);
  if (sight.is === 'missing' || sight.is === 'incomplete') return { is: 'broken', path, why: sight.why };
  return {
    is: 'found',
    point: {
      id: undefined,
      path,
      kind: /\/chk-\d+\/?$/.test(path) ? 'checkpoint' : 'savepoint',
      takenAt: run.startedAt,
      size: null,
      final: false,
      version: run.version,
    },
    checked: sight.is === 'complete',
    note,
  };
}

/** Where files can be read, the disk knows; false when it could not be asked. */
async function addCheckpointsFromDisk(
  db: Db | Tx,
  run: Run,
  { cluster }: OpenCluster,
  checkpointDir: string | undefined,
): Promise<boolean> {
  if (!cluster.pathsReadable) return false;
  const known = await newestCheckpointOf(db, run.id);
  const fromPath = known?.path.replace(new RegExp(`/${run.flinkJobId}/chk-\\d+/?$`), '');
  for (const directory of new Set([fromPath, checkpointDir, cluster.options['checkpointDir']])) {
    if (!directory) continue;
    const found = await retainedCheckpoints(directory, run.flinkJobId);
    for (const checkpoint of found ?? [])
      await recordRestorePoint(db, {
        // Whatever Flink was told to delete: it is there.
        state: 'available',
        job: run.job,
        runId: run.id,
        version: run.version,
        kind: 'checkpoint',
        // Flink writes file:/x in one place and file:///x in another; one spelling keeps one row.
        path: sameSpelling(checkpoint.path, known?.path),
        takenAt: checkpoint.at,
        flinkVersion: run.flinkVersion,
        checkpointId: checkpoint.id,
      });
    if (found) return true;
  }
  return false;
}

/** How long Flink shows statistics that it has read (`web.refresh-interval`, 3 s), and a moment. */
const statisticsAreOldMs = 3200;
/** How long it keeps ended jobs (`jobstore.expiration-time`). */
const jobsAreKeptMs = 3_600_000;

/** Elsewhere Flink's own list is read once more, later than it can be stale: what it showed when the run ended may be 3 s old. Silence leaves what is known. */
async function addCheckpointsFromFlink(db: Db | Tx, run: Run, { deployer }: OpenCluster): Promise<boolean> {
  const endedMs = run.endedAt?.getTime();
  if (endedMs === undefined || run.state === 'LOST' || run.checkpointIntervalMs === 0) return true;
  const ageMs = (await dbNow(db)).getTime() - endedMs;
  if (ageMs > jobsAreKeptMs) return true;
  if (ageMs < statisticsAreOldMs) await sleep(statisticsAreOldMs - ageMs);
  const sight = await deployer.checkpoints(run.flinkJobId, { timeoutMs: 3000 }).catch(() => undefined);
  if (sight) await recordCheckpoints(db, run, sight);
  if (checkpointsAfter(run) === 'gone') await markCheckpointsVanished(db, [run.id]);
  // Its end was recorded among many, or the cluster was silent then: its last checkpoints are still to be read.
  return sight !== undefined || !run.lastWordsDue;
}
function sameSpelling(path: string, like: string | undefined): string {
  return like?.startsWith('file:/') && !like.startsWith('file://') ? path.replace(/^file:\/\//, 'file:') : path;
}
