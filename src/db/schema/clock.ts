import { bigint, integer, pgTable } from './builders.ts';

/** One row (id 1): how far the database's clock is moved. Only tests write it; the SQL function `sluice_now()` reads it. */
export const clockOffset = pgTable('clock_offset', {
  id: integer('id').primaryKey().default(1),
  offsetMs: bigint('offset_ms', { mode: 'number' }).notNull().default(0),
});
