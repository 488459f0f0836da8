import { newId } from '../core/ids.ts';
import type { Db, Tx } from '../db/db.ts';
import { among, and, asc, between, desc, eq, inArray, isNotNull, sql } from '../db/query.ts';
import { operationSteps, restorePoints } from '../db/schema/index.ts';

export type RestorePoint = typeof restorePoints.$inferSelect;
/** `state`: it was just seen to be there, also if it was taken for gone. */
export type RestorePointInput = Omit<
  typeof restorePoints.$inferInsert,
  'id' | 'state' | 'pinned' | 'goesAt' | 'toldBy' | 'toldVersion' | 'disposal'
> & { state?: 'available' };

/** Records a restore point; the same path again only adds what was not known (final, size, operation). */
export async function recordRestorePoint(tx: Db | Tx, { state, ...input }: RestorePointInput): Promise<void> {
  await recordRestorePoints(tx, [input], state === 'available');
}
/** The same of many at once, each path of a job once. @param seen they were just seen to be there, also those taken for gone. */
export async function recordRestorePoints(tx: Db | Tx, inputs: readonly Omit<RestorePointInput, 'state'>[], seen = false): Promise<void> {
  if (inputs.length === 0) return;
  const rows = inputs.map((input) => ({ id: newId('rp'), ...input }));
  const told = (column: string) => sql.raw(`${column} = coalesce(restore_points.${column}, excluded.${column})`);
  // As one value: thousands of parameters take longer to write than the rows. In one order, so that two writers never wait for each other.
  await tx.execute(sql`
    insert into restore_points (id, job, run_id, version, kind, path, size, duration_ms, taken_at, flink_version, checkpoint_id, final, operation_id)
    select id, job, "runId", version, kind, path, size, "durationMs", "takenAt", "flinkVersion", "checkpointId", coalesce(final, false), "operationId"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, job text, "runId" text, version int, kind text, path text, size bigint,
      "durationMs" int, "takenAt" timestamptz, "flinkVersion" text, "checkpointId" int, final boolean, "operationId" text)
    order by job, path
    on conflict (job, path) do update set
      state = case when ${seen} and restore_points.state = 'vanished' then 'available' else restore_points.state end,
      final = restore_points.final or excluded.final,
      -- Flink's own id and time win over what was noted when the savepoint was asked for: they order the states of a run.
      taken_at = case when excluded.checkpoint_id is not null and restore_points.checkpoint_id is null
        then excluded.taken_at else restore_points.taken_at end,
      ${told('checkpoint_id')}, ${told('size')}, ${told('duration_ms')}, ${told('operation_id')}`);
}
/** Restore points of a job that are still there, newest first. */
export async function listRestorePoints(db: Db | Tx, job: string, limit = 50): Promise<RestorePoint[]> {
  return db
    .select()
    .from(restorePoints)
    .where(and(eq(restorePoints.job, job), eq(restorePoints.state, 'available')))
    .orderBy(desc(restorePoints.takenAt))
    .limit(limit);
}
/** Every restore point of a job that was taken between two moments, also those that are gone since, oldest first. */
export async function restorePointsBetween(db: Db | Tx, job: string, from: Date, to: Date): Promise<RestorePoint[]> {
  return db
    .select()
    .from(restorePoints)
    .where(and(eq(restorePoints.job, job), between(restorePoints.takenAt, from, to)))
    .orderBy(asc(restorePoints.takenAt));
}
/** Which checkpoints of these runs are still there. */
export async function checkpointsThere(db: Db | Tx, runIds: readonly string[]) {
  const { id, runId, checkpointId } = restorePoints;
  return db
    .select({ id, runId, checkpointId })
    .from(restorePoints)
    .where(and(among(runId, runIds), eq(restorePoints.state, 'available'), eq(restorePoints.kind, 'checkpoint'), isNotNull(checkpointId)));
}
/** Restore points of one run that are still there, newest first. */
export async function restorePointsOfRun(db: Db | Tx, runId: string): Promise<RestorePoint[]> {
  return db
    .select()
    .from(restorePoints)
    .where(and(eq(restorePoints.runId, runId), eq(restorePoints.state, 'available')))
    .orderBy(desc(restorePoints.takenAt), desc(restorePoints.checkpointId));
}
/** Marks restore points as gone: Flink subsumed them, or their files are not there any more. */
export async function markVanished(db: Db | Tx, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await db.update(restorePoints).set({ state: 'vanished' }).where(among(restorePoints.id, ids));
}
/** Marks a restore point as its run's last state. */
export async function markFinal(db: Db | Tx, id: string): Promise<void> {
  const [point] = await db.select({ runId: restorePoints.runId }).from(restorePoints).where(eq(restorePoints.id, id));
  if (!point) return;
  await db
    .update(restorePoints)
    .set({ final: sql`${restorePoints.id} = ${id}` })
    .where(eq(restorePoints.runId, point.runId));
}
/** Marks what many runs that have ended leave: of each its newest point as its last state. */
export async function markNewestFinal(tx: Tx, runIds: readonly string[]): Promise<void> {
  if (runIds.length === 0) return;
  const newest = sql`(select distinct on (n.run_id) n.id from restore_points n
    where n.run_id in ${[...runIds]} and n.state = 'available' order by n.run_id, n.taken_at desc, n.checkpoint_id desc nulls last)`;
  await tx
    .update(restorePoints)
    .set({ final: sql`${restorePoints.id} in ${newest}` })
    .where(among(restorePoints.runId, runIds));
}
/** The newest checkpoint of a run, there or not: its path says where they are. */
export async function newestCheckpointOf(db: Db | Tx, runId: string): Promise<RestorePoint | undefined> {
  const [row] = await db
    .select()
    .from(restorePoints)
    .where(and(eq(restorePoints.runId, runId), eq(restorePoints.kind, 'checkpoint')))
    .orderBy(desc(restorePoints.takenAt))
    .limit(1);
  return row;
}
/** Of runs that ended so that Flink deletes their checkpoints: when they finish always (flink.md fact 7), else by what it was told. */
export async function markCheckpointsVanished(tx: Db | Tx, runIds: readonly string[]): Promise<void> {
  if (runIds.length > 0)
    await tx
      .update(restorePoints)
      .set({ state: 'vanished' })
      .where(and(among(restorePoints.runId, runIds), eq(restorePoints.kind, 'checkpoint'), eq(restorePoints.state, 'available')));
}
/** Sizes of the newest restore point per job. */
export async function newestRestorePoints(db: Db | Tx): Promise<Map<string, RestorePoint>> {
  const rows = await db
    .selectDistinctOn([restorePoints.job])
    .from(restorePoints)
    .where(eq(restorePoints.state, 'available'))
    .orderBy(restorePoints.job, desc(restorePoints.takenAt));
  return new Map(rows.map((row) => [row.job, row]));
}
/** Whether a stop with savepoint of Sluice ended the run: being marked as final is not enough, since the newest point of any ended run is. */
export async function endedWithSavepoint(db: Db | Tx, runId: string): Promise<boolean> {
  const made = (await restorePointsOfRun(db, runId)).flatMap((p) =>
    p.kind === 'savepoint' && p.final && p.operationId ? [p.operationId] : [],
  );
  if (made.length === 0) return false;
  const s = operationSteps;
  const rows = await db
    .select({ name: s.name })
    .from(s)
    .where(and(inArray(s.operationId, made), eq(s.name, 'stop-savepoint'), eq(s.state, 'done')));
  return rows.length > 0;
}
