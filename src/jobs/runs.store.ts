import { chunks } from '../core/lists.ts';
import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { among, and, asc, desc, eq, getTableColumns, gt, gte, isNotNull, isNull, lt, or, sql, type Values } from '../db/query.ts';
import { type CheckpointFact, runs } from '../db/schema/index.ts';

export type { CheckpointFact };
export type Run = typeof runs.$inferSelect;
export type RunInput = Values<typeof runs.$inferInsert>;
export type RunChange = Partial<Values<Omit<typeof runs.$inferInsert, 'id' | 'job' | 'flinkJobId'>>>;

/** Part of every write: who keeps runs in memory learns of it by this. */
export const changed = { changedIn: sql`pg_current_xact_id()::text::bigint` };
/**
 * As stored, but the state of a run that lives was proven by the last poll that its cluster answered, unless its application is silent: polls write only
 * what changes.
 */
const columns = {
  ...getTableColumns(runs),
  stateAt: sql<Date>`case when runs.ended or runs.silent_since is not null then runs.state_at else greatest(runs.state_at,
    (select v.last_ok_at from cluster_views v where v.cluster = runs.cluster)) end`.mapWith(runs.stateAt),
};

/** The newest run of a job, undefined if it never ran. */
export async function latestRun(db: Db | Tx, job: string): Promise<Run | undefined> {
  const [row] = await db.select(columns).from(runs).where(eq(runs.job, job)).orderBy(desc(runs.startedAt), desc(runs.id)).limit(1);
  return row;
}
/** The newest run of a job of which every vertex ran once: the version that "ran last". */
export async function lastRunThatRan(db: Db | Tx, job: string): Promise<Run | undefined> {
  const [row] = await db
    .select(columns)
    .from(runs)
    .where(and(eq(runs.job, job), isNotNull(runs.runningAt)))
    .orderBy(desc(runs.startedAt), desc(runs.id))
    .limit(1);
  return row;
}
/** The newest run of each job. */
export async function latestRuns(db: Db | Tx): Promise<Map<string, Run>> {
  const rows = await db.selectDistinctOn([runs.job], columns).from(runs).orderBy(runs.job, desc(runs.startedAt), desc(runs.id));
  return new Map(rows.map((row) => [row.job, row]));
}
/** The newest run of each job of which every vertex ran once. */
export async function lastRunsThatRan(db: Db | Tx): Promise<Map<string, Run>> {
  const rows = await db
    .selectDistinctOn([runs.job])
    .from(runs)
    .where(isNotNull(runs.runningAt))
    .orderBy(runs.job, desc(runs.startedAt), desc(runs.id));
  return new Map(rows.map((row) => [row.job, row]));
}
/** Every run whose end is not proven. */
export async function liveRunsOfAll(db: Db | Tx): Promise<Run[]> {
  return db.select().from(runs).where(eq(runs.ended, false));
}
/** Runs of a job, newest first. */
export async function listRuns(db: Db | Tx, job: string, limit = 20): Promise<Run[]> {
  return db.select(columns).from(runs).where(eq(runs.job, job)).orderBy(desc(runs.startedAt), desc(runs.id)).limit(limit);
}
/** Runs of a job that were there at any time between two moments, oldest first. */
export async function runsBetween(db: Db | Tx, job: string, from: Date, to: Date): Promise<Run[]> {
  return db
    .select(columns)
    .from(runs)
    .where(and(eq(runs.job, job), lt(runs.startedAt, to), or(isNull(runs.endedAt), gt(runs.endedAt, from))))
    .orderBy(asc(runs.startedAt));
}
export async function findRun(db: Db | Tx, id: string): Promise<Run | undefined> {
  const [row] = await db.select(columns).from(runs).where(eq(runs.id, id));
  return row;
}
/** Runs on a cluster whose end is not proven. */
export async function liveRuns(db: Db | Tx, cluster: string): Promise<Run[]> {
  return db
    .select(columns)
    .from(runs)
    .where(and(eq(runs.cluster, cluster), eq(runs.ended, false)));
}
/**
 * Runs on a cluster that were written since an earlier look, for who keeps the live ones in memory; in one statement, for it is asked each second. Nothing is
 * missed: what was not committed when that look began has a transaction that is not older than `until`, whenever it commits.
 * @param since `until` of that look; undefined: all that live.
 * @returns also what the database's clock says.
 */
export async function runsChangedSince(
  db: Db | Tx,
  cluster: string,
  since: number | undefined,
): Promise<{ rows: Run[]; until: number; at: Date }> {
  const found = await db
    .select({
      run: columns,
      until: sql<string>`mark.until`,
      ms: sql<number>`mark.ms::float8`,
    })
    .from(sql`(select pg_snapshot_xmin(pg_current_snapshot())::text as until, extract(epoch from ${now}) * 1000 as ms) mark`)
    .leftJoin(runs, and(eq(runs.cluster, cluster), since === undefined ? eq(runs.ended, false) : gte(runs.changedIn, since)));
  const rows = found.flatMap(({ run }) => (run === null ? [] : [run as Run]));
  return { rows, until: Number(found[0]?.until ?? 0), at: new Date(found[0]?.ms ?? 0) };
}
/** Records a run before it is submitted. Doing so twice changes nothing. */
export async function insertRun(tx: Tx, run: RunInput): Promise<void> {
  await insertRuns(tx, [run]);
}
/** The same of many. */
export async function insertRuns(tx: Tx, rows: readonly RunInput[]): Promise<void> {
  for (const piece of chunks(rows, 1000))
    await tx
      .insert(runs)
      .values(piece.map((run) => ({ ...run, ...changed })) as never)
      .onConflictDoNothing();
}
/** Which of these Flink job ids have a run of a cluster, over or not. */
export async function knownRuns(db: Db | Tx, cluster: string, flinkJobIds: readonly string[]): Promise<Set<string>> {
  if (flinkJobIds.length === 0) return new Set();
  const rows = await db
    .select({ id: runs.flinkJobId })
    .from(runs)
    .where(and(eq(runs.cluster, cluster), among(runs.flinkJobId, flinkJobIds)));
  return new Set(rows.map((row) => row.id));
}
/** A run that was taken for over and is there after all: it lives again, and its end is not told any more. */
export async function reviveRun(
  tx: Tx,
  cluster: string,
  flinkJobId: string,
  state: string,
  application: string | null = null,
): Promise<boolean> {
  const rows = await tx
    .update(runs)
    .set({
      ended: false,
      endedAt: null,
      endReason: null,
      endTold: false,
      lastWordsDue: false,
      silentSince: null,
      state,
      stateAt: now,
      application,
      ...changed,
    })
    .where(and(eq(runs.cluster, cluster), eq(runs.flinkJobId, flinkJobId), eq(runs.ended, true)))
    .returning({ id: runs.id });
  return rows.length > 0;
}
/** Changes what is known of a run. */
export async function updateRun(tx: Db | Tx, id: string, change: RunChange): Promise<void> {
  await tx
    .update(runs)
    .set({ ...change, ...changed })
    .where(eq(runs.id, id));
}
/** The same, unless its end was recorded meanwhile: what was seen before must not overwrite it. */
export async function updateLiveRun(tx: Db | Tx, id: string, change: RunChange): Promise<void> {
  await tx
    .update(runs)
    .set({ ...change, ...changed })
    .where(and(eq(runs.id, id), eq(runs.ended, false)));
}
/** Ends that people made or saw themselves: nobody has to be told of them. */
const toldEnds: readonly string[] = ['stopped', 'never-started'];
/** Records the proven end of a run, once: the first reason stays. True if this call ended it. An end that nobody asked for waits to be told, whoever found it. */
export async function endRun(tx: Db | Tx, id: string, end: { state: string; reason: string }): Promise<boolean> {
  const rows = await tx
    .update(runs)
    .set({
      ended: true,
      endedAt: now,
      endReason: end.reason,
      endTold: toldEnds.includes(end.reason),
      state: end.state,
      stateAt: now,
      tasksRunning: 0,
      ...changed,
    })
    .where(and(eq(runs.id, id), eq(runs.ended, false)))
    .returning({ id: runs.id });
  return rows.length === 1;
}

/** The end of a run that was stopped for something that did not come about: it is to be told after all. */
export async function untellEnd(tx: Tx, id: string): Promise<void> {
  await tx
    .update(runs)
    .set({ endTold: false, ...changed })
    .where(and(eq(runs.id, id), eq(runs.ended, true), eq(runs.endReason, 'stopped')));
}

/** Runs on a cluster that ended without anybody having been told so far, oldest first. */
export async function untoldRuns(db: Db | Tx, cluster: string): Promise<Run[]> {
  // Written out, so that the partial index of exactly these rows serves it.
  return db
    .select(columns)
    .from(runs)
    .where(and(eq(runs.cluster, cluster), sql`${runs.ended} and not ${runs.endTold}`))
    .orderBy(asc(runs.endedAt));
}
/** Whether a version of a job ever ran. */
export async function versionsThatRan(db: Db | Tx, job: string): Promise<Set<number>> {
  const rows = await db
    .select({ version: runs.version })
    .from(runs)
    .where(and(eq(runs.job, job), sql`${runs.runningAt} is not null`))
    .groupBy(runs.version);
  return new Set(rows.map((row) => row.version));
}
