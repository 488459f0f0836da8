import { UnreachableError } from '../core/errors.ts';
import type { Database, Tx } from '../db/db.ts';
import type { CheckpointRetention } from '../db/schema/index.ts';
import type { CheckpointSight, RootCause, RunSight } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { endRun, findRun, type Run, updateRun } from '../jobs/runs.store.ts';
import { checkpointsAfter } from '../restore-points/kept.rule.ts';
import { recordCheckpoints } from '../restore-points/record-checkpoints.ts';
import { markCheckpointsVanished, markFinal, restorePointsOfRun } from '../restore-points/restore-points.store.ts';

const reasons: Record<string, string> = { FINISHED: 'finished', CANCELED: 'canceled', FAILED: 'failed' };
/** Why a run is over that nobody of Sluice ended, by Flink's state. */
export const reasonOf = (state: string): string => reasons[state] ?? 'lost';

/**
 * Records the proven end of a run with its last state, before the cluster forgets it. Does nothing (and says so) when the end is not proven.
 * An end that nobody asked for is told by watch, whoever settles it.
 * @param reason why it ended, when the caller made it end (`stopped`).
 * @returns the run as it is now, and whether this call ended it.
 */
export async function settleRun(
  database: Database,
  cluster: OpenCluster,
  run: Run,
  sight: RunSight,
  reason?: string,
): Promise<{ run: Run; endedNow: boolean }> {
  if (run.ended || sight.is === 'unknown' || (sight.is === 'seen' && !sight.ended)) return { run, endedNow: false };
  // Read before the end is written: afterwards nobody would look again.
  const last = sight.is === 'seen' ? await lastWords(cluster, run) : undefined;
  const state = sight.is === 'seen' ? sight.state : 'LOST';
  return database.transaction(async (tx) => {
    if (last) await recordLastWords(tx, run, last);
    const endedNow = await endRun(tx, run.id, { state, reason: reason ?? reasonOf(state) });
    // A cluster that was silent just then is asked again by watch.
    if (endedNow && last?.unanswered) await updateRun(tx, run.id, { lastWordsDue: true });
    const now = (await findRun(tx, run.id)) ?? run;
    if (checkpointsAfter(now) === 'gone') await markCheckpointsVanished(tx, [run.id]);
    const [newest] = await restorePointsOfRun(tx, run.id);
    if (newest && state !== 'FINISHED') await markFinal(tx, newest.id);
    return { run: now, endedNow };
  });
}

/** What Flink still tells of a run that ended; it forgets that after an hour, and all of it with its JobManager. */
export interface LastWords {
  checkpoints: CheckpointSight | undefined;
  cause: RootCause | undefined;
  /** Which checkpoints it keeps; undefined also when that was known before. */
  retention: CheckpointRetention | undefined;
  /** Not all of it could be asked for: it may be told later. */
  unanswered: boolean;
}
/** Writes what was read. */
export async function recordLastWords(tx: Tx, run: Run, { checkpoints, cause, retention }: LastWords): Promise<void> {
  if (retention) await updateRun(tx, run.id, { checkpointRetention: retention });
  if (checkpoints) await recordCheckpoints(tx, run, checkpoints);
  if (cause) {
    const { name, message, task, at } = cause;
    await updateRun(tx, run.id, { rootException: { name, message, task, at: new Date(at).toISOString() } });
  }
}
/** Asks for what Flink still tells of a run that ended. Never throws for what the cluster does: what cannot be read is undefined. */
export async function lastWords(cluster: OpenCluster, run: Run, timeoutMs = 10_000): Promise<LastWords> {
  let unanswered = false;
  const quiet = (error: unknown) => {
    if (error instanceof UnreachableError) unanswered = true;
    return undefined;
  };
  const [checkpoints, cause, config] = await Promise.all([
    cluster.deployer.checkpoints(run.flinkJobId, { timeoutMs }).catch(quiet),
    cluster.deployer.rootCause(run.flinkJobId, { timeoutMs }).catch(quiet),
    run.checkpointRetention === null ? cluster.deployer.checkpointConfig(run.flinkJobId, { timeoutMs }).catch(quiet) : undefined,
  ]);
  return { checkpoints, cause, retention: config?.retention, unanswered };
}
