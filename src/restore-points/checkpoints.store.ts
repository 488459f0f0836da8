import { inMs } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, count, desc, eq, gt, gte, sql } from '../db/query.ts';
import { checkpoints } from '../db/schema/index.ts';

export type Checkpoint = typeof checkpoints.$inferSelect;
export type CheckpointInput = typeof checkpoints.$inferInsert;

const day = 24 * 3_600_000;

/** Records checkpoints that are over, in one statement. What is known already stays as it is. @returns those that are new. */
export async function insertCheckpoints(tx: Db | Tx, rows: readonly CheckpointInput[]): Promise<Pick<Checkpoint, 'id' | 'state'>[]> {
  if (rows.length === 0) return [];
  return tx
    .insert(checkpoints)
    .values([...rows])
    .onConflictDoNothing()
    .returning({ id: checkpoints.id, state: checkpoints.state });
}
/** The newest of a job over all its runs, newest first. */
export async function listCheckpoints(db: Db | Tx, job: string, limit: number): Promise<Checkpoint[]> {
  return db.select().from(checkpoints).where(eq(checkpoints.job, job)).orderBy(desc(checkpoints.endedAt)).limit(limit);
}
/** Those of a job since a moment, newest first. */
export async function checkpointsSince(db: Db | Tx, job: string, since: Date, limit: number): Promise<Checkpoint[]> {
  return db
    .select()
    .from(checkpoints)
    .where(and(eq(checkpoints.job, job), gte(checkpoints.endedAt, since)))
    .orderBy(desc(checkpoints.endedAt))
    .limit(limit);
}
/** What a job's complete checkpoints of a week were like, newest first; savepoints are another thing. */
export async function baselineOf(
  db: Db | Tx,
  job: string,
  limit: number,
): Promise<Pick<Checkpoint, 'id' | 'runId' | 'durationMs' | 'size'>[]> {
  const c = checkpoints;
  return db
    .select({ id: c.id, runId: c.runId, durationMs: c.durationMs, size: c.size })
    .from(c)
    .where(and(eq(c.job, job), gt(c.endedAt, inMs(-7 * day)), eq(c.kind, 'checkpoint'), eq(c.state, 'completed')))
    .orderBy(desc(c.endedAt))
    .limit(limit);
}
/** How many checkpoints of each job failed since a moment, with what the newest of them said. */
export async function failuresSince(db: Db | Tx, since: Date): Promise<Map<string, { failed: number; last: string }>> {
  const c = checkpoints;
  const rows = await db
    .select({
      job: c.job,
      failed: count(),
      last: sql<string>`(array_agg(${c.failure} order by ${c.endedAt} desc))[1]`,
    })
    .from(c)
    .where(and(eq(c.state, 'failed'), gte(c.endedAt, since)))
    .groupBy(c.job);
  return new Map(rows.map(({ job, ...row }) => [job, row]));
}
/** Forgets what is older than 30 days; of a run with very many only the newest 1,000 are kept whole, and one of each hour before. */
export async function forgetCheckpoints(db: Db): Promise<void> {
  await db.delete(checkpoints).where(sql`${checkpoints.endedAt} < ${inMs(-30 * day)}`);
  await db.execute(sql`
    with crowded as (select run_id from checkpoints group by run_id having count(*) > 1500),
    ranked as (
      select c.run_id, c.id,
        row_number() over (partition by c.run_id order by c.id desc) as nth,
        row_number() over (partition by c.run_id, c.state, date_trunc('hour', c.ended_at) order by c.id) as nth_of_hour
      from checkpoints c join crowded using (run_id)
    )
    delete from checkpoints c using ranked r
    where c.run_id = r.run_id and c.id = r.id and r.nth > 1000 and r.nth_of_hour > 1`);
}
