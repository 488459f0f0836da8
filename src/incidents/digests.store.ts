import type { Tx } from '../db/db.ts';
import { and, eq } from '../db/query.ts';
import { digests } from '../db/schema/index.ts';

export type DigestRow = typeof digests.$inferSelect;

/** The digest of a channel on a day; its row is locked until the transaction ends. */
export async function findDigest(tx: Tx, channel: string, day: string): Promise<DigestRow | undefined> {
  const [row] = await tx
    .select()
    .from(digests)
    .where(and(eq(digests.channel, channel), eq(digests.day, day)))
    .for('update');
  return row;
}
export async function putDigest(tx: Tx, row: DigestRow): Promise<void> {
  await tx
    .insert(digests)
    .values(row)
    .onConflictDoUpdate({ target: [digests.channel, digests.day], set: row });
}
