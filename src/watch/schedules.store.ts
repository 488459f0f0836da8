import { now } from '../db/clock.ts';
import type { Db } from '../db/db.ts';
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

/** When a tick was won last, by whichever replica; undefined when it never was. */
export async function lastTick(db: Db, name: string): Promise<Date | undefined> {
  const [row] = await db.select({ at: schedules.lastFiredAt }).from(schedules).where(eq(schedules.name, name));
  return row?.at ?? undefined;
}
