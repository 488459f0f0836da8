import { newId } from '../core/ids.ts';
import type { PersonRef } from '../core/message.ts';
import { inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { among, and, asc, desc, eq, gt, inArray, isNull, lte, or, sql } from '../db/query.ts';
import { silences } from '../db/schema/index.ts';

export type Silence = typeof silences.$inferSelect;
export type SilenceScope = Silence['scope'];

/** What a problem belongs to: a silence of any of them covers it. */
export interface Covered {
  job: string | undefined;
  team: string | undefined;
  cluster: string | undefined;
  /** The tags of the job. */
  tags: readonly string[];
}

export async function addSilence(
  tx: Tx,
  input: { scope: SilenceScope; name: string; teams?: string[] | null; reason: string; by: PersonRef; forMs: number },
): Promise<Silence> {
  const [row] = await tx
    .insert(silences)
    .values({
      id: newId('sil'),
      scope: input.scope,
      name: input.name,
      teams: input.teams ?? null,
      reason: input.reason,
      by: input.by,
      createdAt: now,
      until: inMs(input.forMs),
    })
    .returning();
  return row as Silence;
}
/** Those that last, the one that ends first at the top. */
export async function listSilences(db: Db | Tx): Promise<Silence[]> {
  return db
    .select()
    .from(silences)
    .where(and(isNull(silences.endedAt), gt(silences.until, now)))
    .orderBy(asc(silences.until));
}
/** The silence that covers a problem; of several the one that lasts longest. */
export async function silenceOver(db: Db | Tx, { job, team, cluster, tags }: Covered): Promise<Silence | undefined> {
  const named = (scope: SilenceScope, name: string | undefined) =>
    name === undefined ? undefined : and(eq(silences.scope, scope), eq(silences.name, name));
  const tagged =
    tags.length === 0
      ? undefined
      : and(
          eq(silences.scope, 'tag'),
          inArray(silences.name, [...tags]),
          // A silence of a tag speaks for the teams of who made it.
          or(isNull(silences.teams), sql`${silences.teams} ? ${team ?? ''}`),
        );
  const [row] = await db
    .select()
    .from(silences)
    .where(
      and(isNull(silences.endedAt), gt(silences.until, now), or(named('job', job), named('team', team), named('cluster', cluster), tagged)),
    )
    .orderBy(desc(silences.until))
    .limit(1);
  return row;
}
/** Ends silences; those that were not over already. */
export async function endSilences(tx: Tx, ids: readonly string[]): Promise<Silence[]> {
  if (ids.length === 0) return [];
  return tx
    .update(silences)
    .set({ endedAt: now })
    .where(and(among(silences.id, ids), isNull(silences.endedAt)))
    .returning();
}
/** Silences whose time is over and that nobody has ended. */
export async function dueSilences(tx: Tx): Promise<Silence[]> {
  return tx
    .select()
    .from(silences)
    .where(and(isNull(silences.endedAt), lte(silences.until, now)))
    .for('update', { skipLocked: true });
}
