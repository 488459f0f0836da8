import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, eq, isNull, lt, or } from '../db/query.ts';
import { schedules } from '../db/schema/index.ts';

/** Decides the one winner of a tick in a fleet: true for exactly one caller per tick. */
export async function winTick(db: Db, name: string, tick: Date): Promise<boolean> {
  await db.insert(schedules).values({ name, nextAt: now }).onConflictDoNothing();
  const rows = await db
    .update(schedules)
    .set({ lastFiredAt: tick, nextAt: now })
    .where(and(eq(schedules.name, name), or(isNull(schedules.lastFiredAt), lt(schedules.lastFiredAt, tick))))
    .returning({ name: schedules.name });
  return rows.length === 1;
}

/** When something was scheduled first; this tick if that is now. */
export async function firstTick(db: Db, name: string, tick: Date): Promise<Date> {
  await db.insert(schedules).values({ name, nextAt: now, lastFiredAt: tick }).onConflictDoNothing();
  const [row] = await db.select({ at: schedules.lastFiredAt }).from(schedules).where(eq(schedules.name, name));
  return row?.at ?? tick;
}

/** Takes a tick in the transaction that does its work: whoever asks meanwhile waits, and gets it only if that fails. The tick before with it, if any. */
export async function takeTick(tx: Tx, name: string, tick: Date): Promise<{ before: Date | undefined } | undefined> {
  await tx.insert(schedules).values({ name, nextAt: now }).onConflictDoNothing();
  const [row] = await tx.select({ at: schedules.lastFiredAt }).from(schedules).where(eq(schedules.name, name)).for('update');
  const before = row?.at ?? undefined;
  if (before !== undefined && before >= tick) return undefined;
  await tx.update(schedules).set({ lastFiredAt: tick, nextAt: now }).where(eq(schedules.name, name));
  return { before };
}
