import type { PersonRef } from '../core/message.ts';
import { inMs } from '../db/clock.ts';
import type { Db } from '../db/db.ts';
import { and, gt, max, sql } from '../db/query.ts';
import { operations } from '../db/schema/index.ts';

/** How far back somebody's own operations say which jobs they use. */
const usedWithinMs = 60 * 24 * 60 * 60 * 1000;

/** When a person last asked for something on each job, in ms, over the last 60 days. */
export async function lastUsed(db: Db, person: PersonRef): Promise<Map<string, number>> {
  const by = sql`${operations.actor}->>'teamId' = ${person.teamId} and ${operations.actor}->>'userId' = ${person.userId}`;
  const rows = await db
    .select({ job: operations.job, at: max(operations.createdAt) })
    .from(operations)
    .where(and(gt(operations.createdAt, inMs(-usedWithinMs)), by))
    .groupBy(operations.job);
  return new Map(rows.map((row) => [row.job, row.at?.getTime() ?? 0]));
}
