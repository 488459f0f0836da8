import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { among, and, asc, eq, inArray, isNull, sql } from '../db/query.ts';
import { runs } from '../db/schema/index.ts';
import { type CheckpointFact, changed, type Run } from './runs.store.ts';

/**
 * Records the proven ends of many runs with one statement; those that are over already stay as they are.
 * @param end `lastWords`: Flink still knows them, so that their causes and last checkpoints can be read afterwards.
 * @returns ids of those that this call ended.
 */
export async function endRuns(
  tx: Tx,
  ids: readonly string[],
  end: { state: string; reason: string; lostBy: Run['lostBy']; lastWords: boolean },
): Promise<string[]> {
  const rows = await tx
    .update(runs)
    .set({
      ended: true,
      endedAt: now,
      endReason: end.reason,
      endTold: false,
      state: end.state,
      stateAt: now,
      tasksRunning: 0,
      lostBy: end.lostBy,
      lastWordsDue: end.lastWords,
      ...changed,
    })
    .where(and(among(runs.id, ids), eq(runs.ended, false)))
    .returning({ id: runs.id });
  return rows.map((row) => row.id);
}

/** The same change to many runs that live. */
export async function updateLiveRuns(
  tx: Tx,
  ids: readonly string[],
  change: Pick<Run, 'state' | 'tasksRunning' | 'tasksTotal'> & { restartsMore: number },
): Promise<void> {
  const { restartsMore, ...rest } = change;
  await tx
    .update(runs)
    .set({ ...rest, stateAt: now, restarts: sql`${runs.restarts} + ${restartsMore}`, ...changed })
    .where(and(among(runs.id, ids), eq(runs.ended, false)));
}

/** Notes of runs whose checkpoints were read just now the newest one (undefined: as before) and how many more failed. */
export async function noteCheckpoints(
  tx: Db | Tx,
  read: readonly { id: string; fact: CheckpointFact | undefined; failures: number }[],
): Promise<void> {
  await tx.execute(sql`
    update runs set checkpoints_read_at = ${now}, changed_in = ${changed.changedIn},
      last_checkpoint = coalesce(r.fact, runs.last_checkpoint), failed_checkpoints = runs.failed_checkpoints + r.failures
    from jsonb_to_recordset(${JSON.stringify(read)}::jsonb) as r(id text, fact jsonb, failures int) where runs.id = r.id`);
}

/** Notes which runs are not heard of while their cluster answers, and which are again; the others stay as they are. */
export async function noteSilence(tx: Tx, silent: readonly string[], heard: readonly string[]): Promise<void> {
  if (silent.length > 0)
    await tx
      .update(runs)
      .set({ silentSince: now, stateAt: now, ...changed })
      .where(and(among(runs.id, silent), isNull(runs.silentSince)));
  if (heard.length > 0)
    await tx
      .update(runs)
      .set({ silentSince: null, ...changed })
      .where(among(runs.id, heard));
}

/** Takes the telling of these ends, each once; ids of those that this call took. */
export async function takeTellings(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await tx
    .update(runs)
    .set({ endTold: true, ...changed })
    .where(and(among(runs.id, ids), sql`${runs.ended} and not ${runs.endTold}`))
    .returning({ id: runs.id });
  return new Set(rows.map((row) => row.id));
}

/** Of these runs those after which a later run of the same job came up: what happened to them is history. */
export async function supersededRuns(db: Db | Tx, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .select({ id: runs.id })
    .from(runs)
    .where(
      and(
        among(runs.id, ids),
        sql`exists (select 1 from runs later where later.job = runs.job and later.started_at > runs.started_at
          and later.running_at is not null)`,
      ),
    );
  return new Set(rows.map((row) => row.id));
}

/** Runs of a cluster whose last words are still to be read, oldest end first. */
export async function runsWithLastWordsDue(db: Db | Tx, cluster: string, limit: number): Promise<Run[]> {
  return db
    .select()
    .from(runs)
    .where(and(eq(runs.cluster, cluster), sql`${runs.lastWordsDue}`))
    .orderBy(asc(runs.endedAt))
    .limit(limit);
}

/** Runs of a cluster that were taken for lost, or for never submitted, among these Flink job ids. */
export async function lostAmong(db: Db | Tx, cluster: string, flinkJobIds: readonly string[]): Promise<Run[]> {
  if (flinkJobIds.length === 0) return [];
  return db
    .select()
    .from(runs)
    .where(
      and(
        eq(runs.cluster, cluster),
        among(runs.flinkJobId, flinkJobIds),
        eq(runs.ended, true),
        inArray(runs.endReason, ['lost', 'never-started']),
      ),
    );
}
