import type { Message } from '../core/message.ts';
import { inMs, now } from '../db/clock.ts';
import type { Database, Db, Tx } from '../db/db.ts';
import { isUniqueViolation } from '../db/failures.ts';
import { eq, lt } from '../db/query.ts';
import { deliveries } from '../db/schema/index.ts';

/** The answer that this very request got before, undefined if it is new. */
export async function earlierReply(db: Db | Tx, key: string): Promise<Message | undefined> {
  const [row] = await db.select({ reply: deliveries.reply }).from(deliveries).where(eq(deliveries.key, key));
  return row?.reply as Message | undefined;
}

/**
 * Runs an effect at most once per delivery key: the key, the effect's rows and its reply commit together. A second delivery,
 * also one at the same moment (the unique key makes it wait), gets the first one's reply.
 */
export async function once(database: Database, key: string, effect: (tx: Tx) => Promise<Message>): Promise<Message> {
  const before = await earlierReply(database.db, key);
  if (before) return before;
  try {
    return await database.transaction(async (tx) => {
      await tx.insert(deliveries).values({ key, at: now });
      const reply = await effect(tx);
      await tx.update(deliveries).set({ reply }).where(eq(deliveries.key, key));
      return reply;
    });
  } catch (error) {
    if (isUniqueViolation(error, 'deliveries_pkey')) {
      const reply = await earlierReply(database.db, key);
      if (reply) return reply;
    }
    throw error;
  }
}

/** Keeps the answer to a request that had no effect (a refusal), so that the same request gets it again whatever has changed since. */
export async function rememberReply(db: Db, key: string, reply: Message): Promise<void> {
  await db.insert(deliveries).values({ key, reply, at: now }).onConflictDoNothing();
}

/** Forgets answers older than two days: nobody delivers a request again after that. */
export async function forgetDeliveries(db: Db): Promise<void> {
  await db.delete(deliveries).where(lt(deliveries.at, inMs(-48 * 3_600_000)));
}
