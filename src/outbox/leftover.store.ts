import { newId } from '../core/ids.ts';
import { message, text } from '../core/message.ts';
import { inMs, now } from '../db/clock.ts';
import type { Db } from '../db/db.ts';
import { outboxMessages } from '../db/schema/index.ts';
import type { OutboxRow } from './outbox.store.ts';

const prefix = 'left:';
const lookAgainMs = 10 * 60_000;

/** True for what a moved message left at its old place. */
export function isLeftover(row: Pick<OutboxRow, 'dedupeKey'>): boolean {
  return row.dedupeKey.startsWith(prefix);
}

/**
 * A message that stood in a channel goes on in the next one, because the old one takes no edits any more. What stands there is old, and
 * its buttons with it: it says so as soon as the channel takes edits again.
 * @param row the message as it was before it moved
 */
export async function leaveBehind(db: Db, row: OutboxRow): Promise<void> {
  const words = message(
    'neutral',
    'This is told elsewhere now',
    text('Sluice could not change it here any more. It goes on in ', { channel: row.fallbackChannels[0] ?? '' }, '.'),
  );
  await db
    .insert(outboxMessages)
    .values({
      id: newId('msg'),
      dedupeKey: `${prefix}${row.dedupeKey}`,
      channelKind: row.channelKind,
      channel: row.channel,
      desired: words,
      desiredVersion: 2,
      sentVersion: 1,
      sentChannel: row.sentChannel,
      sentTs: row.sentTs,
      state: 'failed',
      lastError: 'the channel took no edit',
      priority: 3,
      nextAt: inMs(lookAgainMs),
      createdAt: now,
      updatedAt: now,
    })
    .onConflictDoNothing();
}
