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
/** Those of a job over all its runs, newest first; since a moment when it is given. */
export async function listCheckpoints(db: Db | Tx, job: string, limit: number, since?: Date): Promise<Checkpoint[]> {
  return db
    .select()
    .from(checkpoints)
    .where(and(eq(checkpoints.job, job), since === undefined ? undefined : gte(checkpoints.endedAt, since)))
    .orderBy(desc(checkpoints.endedAt))
    .limit(limit);
}
/** Those of a job that failed, newest first. */
export async function listFailures(db: Db | Tx, job: string, limit: number): Promise<Checkpoint[]> {
  return db
    .select()
    .from(checkpoints)
    .where(and(eq(checkpoints.job, job), eq(checkpoints.state, 'failed')))
    .orderBy(desc(checkpoints.endedAt))
    .limit(limit);
}
const isCompleted = (job: string) => and(eq(checkpoints.job, job), eq(checkpoints.kind, 'checkpoint'), eq(checkpoints.state, 'completed'));
/** A job's newest complete checkpoints over all its runs, newest first: at least so many, and all of the last `withinMs` before the newest. Savepoints are another thing. */
export async function newestCompleted(
  db: Db | Tx,
  job: string,
  atLeast: number,
  withinMs: number,
): Promise<{ durationMs: number; size: number; at: Date }[]> {
  const c = checkpoints;
  const rows = await db
    .select({ durationMs: c.durationMs, size: c.size, at: c.endedAt })
    .from(c)
    .where(isCompleted(job))
    .orderBy(desc(c.endedAt))
    .limit(1000);
  const oldest = (rows[0]?.at.getTime() ?? 0) - withinMs;
  // One more than lies within: they have to span the whole time.
  const after = rows.findIndex((row) => row.at.getTime() <= oldest);
  return rows.slice(0, Math.max(atLeast, after < 0 ? rows.length : after + 1)).map((row) => ({ ...row, size: row.size ?? 0 }));
}
/** What a job's complete checkpoints of the last 7 days are like: the middle of the middles of each hour, so that hours count alike however many there were. */
export async function usualCheckpoint(
  db: Db | Tx,
  job: string,
  exceptMs: number,
): Promise<{ durationMs: number; size: number; hours: number }> {
  const c = checkpoints;
  const hours = db
    .select({
      d: sql<number>`percentile_disc(0.5) within group (order by ${c.durationMs})`.as('d'),
      s: sql<number>`percentile_disc(0.5) within group (order by ${c.size})`.as('s'),
    })
    .from(c)
    .where(and(isCompleted(job), gt(c.endedAt, inMs(-7 * day)), sql`${c.endedAt} < ${inMs(-exceptMs)}`))
    .groupBy(sql`date_trunc('hour', ${c.endedAt})`)
    .as('hours');
  const [row] = await db
    .select({
      durationMs: sql<number | null>`percentile_disc(0.5) within group (order by ${hours.d})::float8`,
      size: sql<number | null>`percentile_disc(0.5) within group (order by ${hours.s})::float8`,
      hours: count(),
    })
    .from(hours);
  return { durationMs: row?.durationMs ?? 0, size: row?.size ?? 0, hours: row?.hours ?? 0 };
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
