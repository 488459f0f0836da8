import type { PersonRef } from '../core/message.ts';
import { dbNow, inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { among, and, asc, eq, isNotNull, lte, or, sql } from '../db/query.ts';
import { type Disposal, restorePoints } from '../db/schema/index.ts';
import { restoreName } from '../deploy/restore-path.ts';
import type { RestorePoint } from './restore-points.store.ts';

export type { Disposal };

/** Everything that is there, of several jobs. */
export async function availablePoints(db: Db | Tx, jobs: readonly string[]): Promise<RestorePoint[]> {
  if (jobs.length === 0) return [];
  return db
    .select()
    .from(restorePoints)
    .where(and(among(restorePoints.job, jobs), eq(restorePoints.state, 'available')));
}
/**
 * The savepoints that an id or a path names, of whatever job, kept from being deleted until the transaction ends. Paths are compared by their last part: Flink
 * writes one path in several ways, and savepoints have names of their own.
 */
export async function holdNamed(tx: Tx, named: { id?: string | undefined; path?: string | undefined }): Promise<RestorePoint[]> {
  const last = named.path && restoreName(named.path);
  const one = [
    ...(named.id === undefined ? [] : [eq(restorePoints.id, named.id)]),
    ...(last ? [sql`regexp_replace(${restorePoints.path}, '^.*/', '') = ${last}`] : []),
  ];
  if (one.length === 0) return [];
  return tx
    .select()
    .from(restorePoints)
    .where(and(eq(restorePoints.kind, 'savepoint'), or(...one)))
    .for('share');
}
/** One, as it is once nobody else holds it; locked until the transaction ends. */
export async function lockPoint(tx: Tx, id: string): Promise<RestorePoint | undefined> {
  const [row] = await tx.select().from(restorePoints).where(eq(restorePoints.id, id)).for('update');
  return row;
}
/** Keeps points from being deleted until the transaction ends; as they are then. */
export async function holdPoints(tx: Tx, ids: readonly string[]): Promise<RestorePoint[]> {
  if (ids.length === 0) return [];
  return tx.select().from(restorePoints).where(among(restorePoints.id, ids)).orderBy(asc(restorePoints.id)).for('share');
}
/** Says of points that they go, not before so long from now, and which message tells of it, as it is wanted in this transaction. */
export async function tellGoing(tx: Tx, ids: readonly string[], afterMs: number, messageId: string): Promise<void> {
  if (ids.length > 0)
    await tx
      .update(restorePoints)
      .set({
        goesAt: inMs(afterMs),
        toldBy: messageId,
        toldVersion: sql`(select m.desired_version from outbox_messages m where m.id = ${messageId})`,
      })
      .where(among(restorePoints.id, ids));
}
/** Those of these jobs that were told to go and are still there. */
export async function goingPoints(db: Db | Tx, jobs: readonly string[]): Promise<RestorePoint[]> {
  if (jobs.length === 0) return [];
  return db
    .select()
    .from(restorePoints)
    .where(and(among(restorePoints.job, jobs), eq(restorePoints.state, 'available'), isNotNull(restorePoints.goesAt)));
}
/** They stay after all. */
export async function stay(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length > 0)
    await tx.update(restorePoints).set({ goesAt: null, toldBy: null, toldVersion: null }).where(among(restorePoints.id, ids));
}
/** Keeps one for good, or no longer. */
export async function setPinned(tx: Tx, id: string, pin: { by: PersonRef; reason: string | null } | null): Promise<void> {
  const pinned = pin && { ...pin, at: (await dbNow(tx)).toISOString() };
  await tx
    .update(restorePoints)
    .set({ pinned, ...(pin ? { goesAt: null, toldBy: null, toldVersion: null } : {}) })
    .where(eq(restorePoints.id, id));
}

/** Those whose day has come and whose announcement people can read: Slack (or what stands for it) has taken the message. */
export async function duePoints(db: Db): Promise<RestorePoint[]> {
  return db
    .select()
    .from(restorePoints)
    .where(
      and(
        eq(restorePoints.state, 'available'),
        isNotNull(restorePoints.goesAt),
        lte(restorePoints.goesAt, now),
        // An edit names more than what stands there already: what counts is that this version was taken.
        sql`exists (select 1 from outbox_messages m where m.id = ${restorePoints.toldBy} and m.sent_ts is not null
          and m.sent_version >= ${restorePoints.toldVersion})`,
      ),
    )
    .orderBy(asc(restorePoints.goesAt), asc(restorePoints.id));
}
/** Those whose deletion was begun by a process that is not at it any more; after so many tries, only every so often. */
export async function leftDisposing(
  db: Db,
  when: { abandonedMs: number; mostTries: number; thenEveryMs: number },
): Promise<RestorePoint[]> {
  const at = sql`(${restorePoints.disposal}->>'at')::timestamptz`;
  const tries = sql`(${restorePoints.disposal}->>'tries')::int`;
  return db
    .select()
    .from(restorePoints)
    .where(
      and(
        eq(restorePoints.state, 'disposing'),
        sql`${at} <= case when ${tries} < ${when.mostTries} then ${inMs(-when.abandonedMs)} else ${inMs(-when.thenEveryMs)} end`,
      ),
    );
}
/** Those that could not be deleted although Flink was asked to, of these jobs. */
export async function stuckDisposals(db: Db | Tx, jobs: readonly string[]): Promise<RestorePoint[]> {
  if (jobs.length === 0) return [];
  return db
    .select()
    .from(restorePoints)
    .where(and(among(restorePoints.job, jobs), eq(restorePoints.state, 'disposing'), sql`${restorePoints.disposal} ? 'error'`));
}
/** Begins the deletion of one that the caller has locked. */
export async function beginDisposal(tx: Tx, id: string, begun: Omit<Disposal, 'at'>): Promise<Disposal> {
  const disposal: Disposal = { ...begun, at: (await dbNow(tx)).toISOString() };
  await tx.update(restorePoints).set({ state: 'disposing', disposal }).where(eq(restorePoints.id, id));
  return disposal;
}
/** Changes a deletion, as long as it is this try's. False when another process has taken it over. */
export async function writeDisposal(
  db: Db | Tx,
  point: Pick<RestorePoint, 'id'>,
  claim: string,
  change: { state: RestorePoint['state']; disposal: Disposal | null },
): Promise<boolean> {
  const rows = await db
    .update(restorePoints)
    .set(change)
    .where(and(eq(restorePoints.id, point.id), eq(restorePoints.state, 'disposing'), sql`${restorePoints.disposal}->>'claim' = ${claim}`))
    .returning({ id: restorePoints.id });
  return rows.length === 1;
}
