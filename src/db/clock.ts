import type { Db, Tx } from './db.ts';
import { type SQL, sql } from './query.ts';
import { clockOffset } from './schema/clock.ts';

/** The database's clock: the one that leases, deadlines and schedules are read and written by. */
export const now: SQL<Date> = sql<Date>`sluice_now()`;

/** A moment by the database's clock, `ms` from now (negative: ago). */
export function inMs(ms: number): SQL<Date> {
  return sql<Date>`(sluice_now() + ${ms}::double precision * interval '1 millisecond')`;
}

/** What the database's clock says. @throws UnreachableError */
export async function dbNow(db: Db | Tx): Promise<Date> {
  const { rows } = await db.execute<{ ms: string }>(sql`select extract(epoch from sluice_now()) * 1000 as ms`);
  return new Date(Number(rows[0]?.ms));
}

/** For tests only: moves the database's clock by `ms` (negative: back), for every process that uses this database. */
export async function moveClock(db: Db | Tx, ms: number): Promise<void> {
  await db.update(clockOffset).set({ offsetMs: sql`${clockOffset.offsetMs} + ${ms}` });
}
