import { inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, count, desc, eq, gt, gte, lt, lte, sql } from '../db/query.ts';
import { checkpoints, usualCheckpoints } from '../db/schema/index.ts';

export type Checkpoint = typeof checkpoints.$inferSelect;
export type CheckpointInput = typeof checkpoints.$inferInsert;

const hour = 3_600_000;
const day = 24 * hour;

/** Records checkpoints that are over, in one statement. What is known already stays as it is. @returns those that are new. */
export async function insertCheckpoints(
  tx: Db | Tx,
  rows: readonly CheckpointInput[],
): Promise<Pick<Checkpoint, 'id' | 'runId' | 'state'>[]> {
  if (rows.length === 0) return [];
  // As one value: thousands of parameters take longer to write than the rows.
  const made = await tx.execute<Pick<Checkpoint, 'runId' | 'state'> & { id: string }>(sql`
    insert into checkpoints (run_id, id, job, kind, state, triggered_at, ended_at, duration_ms, size, written, processed, persisted, unaligned, path, failure)
    select "runId", id, job, kind, state, "triggeredAt", "endedAt", "durationMs", size, written, processed, persisted, unaligned, path, failure
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("runId" text, id bigint, job text, kind text, state text, "triggeredAt" timestamptz,
      "endedAt" timestamptz, "durationMs" bigint, size bigint, written bigint, processed bigint, persisted bigint, unaligned boolean, path text, failure text)
    order by "runId", id
    on conflict do nothing returning run_id as "runId", id, state`);
  return made.rows.map(({ id, ...row }) => ({ ...row, id: Number(id) }));
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
/** Those of a job that failed between two moments, oldest first; of very many the newest. */
export async function failuresBetween(db: Db | Tx, job: string, from: Date, to: Date, limit: number): Promise<Checkpoint[]> {
  const c = checkpoints;
  const rows = await db
    .select()
    .from(c)
    .where(and(eq(c.job, job), eq(c.state, 'failed'), gte(c.endedAt, from), lte(c.endedAt, to)))
    .orderBy(desc(c.endedAt))
    .limit(limit);
  return rows.reverse();
}
const isCompleted = (job: string) => and(eq(checkpoints.job, job), eq(checkpoints.kind, 'checkpoint'), eq(checkpoints.state, 'completed'));
/** So many are read one by one; of those before them only the least. */
const atMost = 50;
/** One complete checkpoint, or the least of several. Milliseconds and bytes. */
export interface NewestCheckpoint {
  durationMs: number;
  size: number;
  /** The oldest of them. */
  at: Date;
  count: number;
}
/**
 * A job's newest complete checkpoints over all its runs, newest first: at least so many, and all of the last `withinMs` before the newest and one more, for
 * they have to span the whole time. Savepoints are another thing. Of very many the oldest come as one: the shortest duration and the smallest size of them.
 */
export async function newestCompleted(db: Db | Tx, job: string, atLeast: number, withinMs: number): Promise<NewestCheckpoint[]> {
  const c = checkpoints;
  const rows = (
    await db
      .select({ durationMs: c.durationMs, size: c.size, at: c.endedAt })
      .from(c)
      .where(isCompleted(job))
      .orderBy(desc(c.endedAt))
      .limit(atMost)
  ).map((row) => ({ ...row, size: row.size ?? 0, count: 1 }));
  const oldest = new Date((rows[0]?.at.getTime() ?? 0) - withinMs);
  const after = rows.findIndex((row) => row.at <= oldest);
  const last = rows.at(-1);
  if (after >= 0 || rows.length < atMost || !last) return rows.slice(0, after < 0 ? rows.length : Math.max(atLeast, after + 1));
  const [least] = await db
    .select({
      durationMs: sql<number | null>`min(${c.durationMs})::float8`,
      size: sql<number>`min(coalesce(${c.size}, 0))::float8`,
      ms: sql<number>`(extract(epoch from min(${c.endedAt})) * 1000)::float8`,
      count: count(),
    })
    .from(c)
    // What comes so often has one within the minute before.
    .where(and(isCompleted(job), lt(c.endedAt, last.at), gt(c.endedAt, new Date(oldest.getTime() - 60_000))));
  if (!least || least.durationMs === null) return rows;
  return [...rows, { durationMs: least.durationMs, size: least.size, at: new Date(least.ms), count: least.count }];
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
const usualForMs = hour;
/** The same without the last `exceptMs`, worked out at most once an hour for each job. */
export async function knownUsual(tx: Tx, job: string, exceptMs: number): Promise<{ durationMs: number; size: number; hours: number }> {
  const u = usualCheckpoints;
  const [known] = await tx
    .select()
    .from(u)
    .where(and(eq(u.job, job), gt(u.at, inMs(-usualForMs))));
  if (known) return known;
  const usual = await usualCheckpoint(tx, job, exceptMs);
  const row = { ...usual, at: now as unknown as Date };
  await tx
    .insert(u)
    .values({ job, ...row })
    .onConflictDoUpdate({ target: u.job, set: row });
  return usual;
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
    // As the index says it: as a parameter it would not be found.
    .where(and(sql`${c.state} = 'failed'`, gte(c.endedAt, since)))
    .groupBy(c.job);
  return new Map(rows.map(({ job, ...row }) => [job, row]));
}
/** Rows that one statement deletes: each has 3 s. */
const batch = 5000;
/** Runs that one statement looks through. */
const batchOfRuns = 200;
/** A run with more has its older ones thinned, down to `keptWhole` and one of each hour. */
const crowded = 1500;
const keptWhole = 1000;

/**
 * Forgets what is older than 30 days; of a run with very many only the newest 1,000 are kept whole, and one of each hour before. In small statements; after
 * the signal no further one is begun.
 */
export async function forgetCheckpoints(db: Db, signal?: AbortSignal): Promise<void> {
  await db.delete(usualCheckpoints).where(lt(usualCheckpoints.at, inMs(-30 * day)));
  await inBatches(signal, () =>
    db.execute(sql`
      delete from checkpoints where (run_id, id) in
        (select run_id, id from checkpoints where ended_at < ${inMs(-30 * day)} order by ended_at limit ${batch})`),
  );
  let after = '';
  while (!signal?.aborted) {
    // A run that is over was thinned while it ran; once more in the two days after it.
    const { rows } = await db.execute<{ id: string; crowded: boolean }>(sql`
      select r.id, exists (select 1 from checkpoints c where c.run_id = r.id offset ${crowded}) as crowded
      from runs r where r.id > ${after} and (not r.ended or r.ended_at > ${inMs(-2 * day)}) order by r.id limit ${batchOfRuns}`);
    for (const { id } of rows.filter((row) => row.crowded)) await inBatches(signal, () => thin(db, id));
    const last = rows.at(-1);
    if (!last || rows.length < batchOfRuns) return;
    after = last.id;
  }
}
function thin(db: Db, runId: string) {
  return db.execute(sql`
    with ranked as (
      select id,
        row_number() over (order by id desc) as nth,
        row_number() over (partition by state, date_trunc('hour', ended_at) order by id) as nth_of_hour
      from checkpoints where run_id = ${runId}
    )
    delete from checkpoints where run_id = ${runId}
      and id in (select id from ranked where nth > ${keptWhole} and nth_of_hour > 1 order by id desc limit ${batch})`);
}
async function inBatches(signal: AbortSignal | undefined, statement: () => Promise<{ rowCount: number | null }>): Promise<void> {
  while (!signal?.aborted) if (((await statement()).rowCount ?? 0) < batch) return;
}
