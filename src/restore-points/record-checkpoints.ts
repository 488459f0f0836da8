import type { Db, Tx } from '../db/db.ts';
import type { CheckpointSight } from '../deploy/deployer.ts';
import { noteCheckpoints } from '../jobs/run-crowd.store.ts';
import type { CheckpointFact, Run } from '../jobs/runs.store.ts';
import { checkpointRows } from './checkpoints.rule.ts';
import { insertCheckpoints } from './checkpoints.store.ts';
import { checkpointsThere, markVanished, type RestorePointInput, recordRestorePoints } from './restore-points.store.ts';

/** What Flink tells of the checkpoints of one run. */
export interface CheckpointLook {
  run: Run;
  sight: CheckpointSight;
}

/** `recordManyCheckpoints` of one run. Returns the newest completed one. */
export async function recordCheckpoints(tx: Db | Tx, run: Run, sight: CheckpointSight): Promise<CheckpointFact | undefined> {
  return (await recordManyCheckpoints(tx, [{ run, sight }])).get(run.id);
}
/**
 * Records what Flink tells of the checkpoints of many runs, in a few statements for all of them: each one once by its number, failed ones are counted on the
 * run; retained ones become restore points, subsumed and discarded ones are marked as vanished, the newest that is there is the run's last checkpoint (without
 * a path where all are discarded). Returns the newest completed one of each, by run id.
 */
export async function recordManyCheckpoints(tx: Db | Tx, looks: readonly CheckpointLook[]): Promise<Map<string, CheckpointFact>> {
  if (looks.length === 0) return new Map();
  await recordRestorePoints(tx, [...new Map(looks.flatMap(keptPoints).map((point) => [`${point.job} ${point.path}`, point])).values()]);
  const there = Map.groupBy(
    await checkpointsThere(
      tx,
      looks.map(({ run }) => run.id),
    ),
    (point) => point.runId,
  );
  await markVanished(
    tx,
    looks.flatMap(({ run, sight }) => {
      const { oldestKept, discarded } = whatIsKept(sight);
      return (there.get(run.id) ?? []).flatMap(({ id, checkpointId: n }) =>
        n !== null && (discarded.has(n) || n < oldestKept) ? [id] : [],
      );
    }),
  );
  const made = await insertCheckpoints(
    tx,
    looks.flatMap(({ run, sight }) => checkpointRows(run, sight)),
  );
  const failed = Map.groupBy(
    made.filter((one) => one.state === 'failed'),
    (one) => one.runId,
  );
  const facts = new Map(
    looks.flatMap(({ run, sight }) => {
      const fact = newestOf(sight);
      return fact ? [[run.id, fact] as const] : [];
    }),
  );
  await noteCheckpoints(
    tx,
    looks.map(({ run: { id } }) => ({ id, fact: facts.get(id), failures: failed.get(id)?.length ?? 0 })),
  );
  return facts;
}

const isKept = (c: CheckpointSight['completed'][number]) => c.path !== undefined && !c.discarded;
function keptPoints({ run, sight }: CheckpointLook): Omit<RestorePointInput, 'state'>[] {
  return sight.completed.filter(isKept).map((c) => ({
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
  }));
}
/** What is older than all that are kept is gone, and where none is kept all that is older than the discarded. */
function whatIsKept(sight: CheckpointSight): { oldestKept: number; discarded: ReadonlySet<number> } {
  // Savepoints share the numbers but are never subsumed: one in the history says nothing about checkpoints.
  const told = sight.completed.filter((c) => !c.isSavepoint);
  const discarded = new Set(told.flatMap((c) => (c.discarded ? [c.id] : [])));
  const kept = told.filter(isKept).map((c) => c.id);
  return { oldestKept: kept.length > 0 ? Math.min(...kept) : Math.max(-1, ...discarded), discarded };
}
/** That it got so far is known also of one that Flink has deleted; it leads nowhere. */
function newestOf(sight: CheckpointSight): CheckpointFact | undefined {
  const told = sight.completed.filter((c) => !c.isSavepoint);
  const newest = told.find((c) => !c.discarded) ?? (told[0] && { ...told[0], path: undefined });
  return (
    newest && {
      id: newest.id,
      path: newest.path,
      size: newest.size,
      durationMs: newest.durationMs,
      at: new Date(newest.at).toISOString(),
    }
  );
}
