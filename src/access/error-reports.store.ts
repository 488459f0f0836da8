import { inspect } from 'node:util';
import { redact } from '../core/redact.ts';
import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { eq } from '../db/query.ts';
import { errorReports } from '../db/schema/index.ts';

/** Keeps the full text of an error under the reference that a person was shown. */
export async function reportError(db: Db | Tx, reference: string, where: string, error: unknown): Promise<void> {
  await db
    .insert(errorReports)
    .values({ reference, at: now, where, text: redact(inspect(error, { depth: 4 })).slice(0, 64_000) })
    .onConflictDoNothing();
}
/** The report behind a reference. */
export async function findErrorReport(db: Db | Tx, reference: string): Promise<{ at: Date; where: string; text: string } | undefined> {
  const [row] = await db.select().from(errorReports).where(eq(errorReports.reference, reference));
  return row;
}
