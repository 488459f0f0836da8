import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import type { CheckpointSight } from '../deploy/deployer.ts';
import { type CheckpointFact, moreFailed, type Run, updateRun } from '../jobs/runs.store.ts';
import { checkpointRows } from './checkpoints.rule.ts';
import { insertCheckpoints } from './checkpoints.store.ts';
import { markVanished, recordRestorePoint, restorePointsOfRun } from './restore-points.store.ts';

/**
 * Records what Flink tells of a run's checkpoints: each one once by its number, failed ones are counted on the run; retained ones become restore points, subsumed and discarded ones are marked as
 * vanished, the newest that is there is the run's last checkpoint (without a path where all are discarded). Returns the newest completed one.
 */
export async function recordCheckpoints(tx: Db | Tx, run: Run, sight: CheckpointSight): Promise<CheckpointFact | undefined> {
  const kept = sight.completed.filter((c) => c.path !== undefined && !c.discarded);
  for (const c of kept)
    await recordRestorePoint(tx, {
      job: run.job,
      runId: run.id,
      version: run.version,
      kind: c.isSavepoint ? 'savepoint' : 'checkpoint',
      path: c.path as string,
      size: c.size,
      durationMs: c.durationMs,
      takenAt: new Date(c.at),
      flinkVersion: run.flinkVersion,
      checkpointId: c.id,
    });
  // Savepoints share the numbers but are never subsumed: one in the history says nothing about checkpoints.
  const told = sight.completed.filter((c) => !c.isSavepoint);
  const discarded = new Set(told.flatMap((c) => (c.discarded ? [c.id] : [])));
  const keptIds = kept.flatMap((c) => (c.isSavepoint ? [] : [c.id]));
  // What is older than all that are kept is gone, and where none is kept all that is older than the discarded.
  const oldestKept = keptIds.length > 0 ? Math.min(...keptIds) : Math.max(-1, ...discarded);
  const known = await restorePointsOfRun(tx, run.id);
  const subsumed = known.filter(
    (p) => p.kind === 'checkpoint' && p.checkpointId !== null && (discarded.has(p.checkpointId) || p.checkpointId < oldestKept),
  );
  await markVanished(
    tx,
    subsumed.map((p) => p.id),
  );
  // That it got so far is known also of one that Flink has deleted; it leads nowhere.
  const there = told.find((c) => !c.discarded);
  const newest = there ?? (told[0] && { ...told[0], path: undefined });
  const fact: CheckpointFact | undefined = newest && {
    id: newest.id,
    path: newest.path,
    size: newest.size,
    durationMs: newest.durationMs,
    at: new Date(newest.at).toISOString(),
  };
  const failures = (await insertCheckpoints(tx, checkpointRows(run, sight))).filter((one) => one.state === 'failed').length;
  await updateRun(tx, run.id, {
    checkpointsReadAt: now,
    ...(fact ? { lastCheckpoint: fact } : {}),
    ...(failures > 0 ? { failedCheckpoints: moreFailed(failures) } : {}),
  });
  return fact;
}
