import { dbNow } from '../db/clock.ts';
import type { Db } from '../db/db.ts';
import { and, eq, isNotNull } from '../db/query.ts';
import { type LeftOut, outboxChannels } from '../db/schema/index.ts';

/** Writes down who of a channel was refused for good at the last message that went to all of it; nobody clears it. Returns the database's day, `2026-11-25`. */
export async function setLeftOut(db: Db, channelKind: string, channel: string, recipients: LeftOut['recipients']): Promise<string> {
  const at = (await dbNow(db)).toISOString();
  const isOne = and(eq(outboxChannels.channelKind, channelKind), eq(outboxChannels.channel, channel));
  const left = recipients.length > 0 ? { at, recipients } : null;
  await db
    .update(outboxChannels)
    .set({ left })
    .where(left ? isOne : and(isOne, isNotNull(outboxChannels.left)));
  return at.slice(0, 10);
}
/** The channels that do not reach all of their recipients. */
export async function listLeftOut(db: Db): Promise<(LeftOut & { channel: string })[]> {
  const rows = await db.select().from(outboxChannels).where(isNotNull(outboxChannels.left));
  return rows.flatMap(({ channel, left }) => (left ? [{ channel, ...left }] : []));
}
