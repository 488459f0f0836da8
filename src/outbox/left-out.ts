import type { Log } from '../core/log.ts';
import { message, text } from '../core/message.ts';
import type { Db } from '../db/db.ts';
import type { LeftOut } from '../db/schema/index.ts';
import { setLeftOut } from './left-out.store.ts';
import { desire, type OutboxRow } from './outbox.store.ts';

/**
 * Notes which recipients of a channel were refused for good, and tells the installation's channel in Slack, by one message a day for each channel: whoever is on
 * call behind such an address hears of nothing.
 */
export async function noteLeftOut(
  deps: { db: Db; log: Log; troubleChannel?: string | undefined },
  { channelKind, channel }: OutboxRow,
  recipients: LeftOut['recipients'],
): Promise<void> {
  const day = await setLeftOut(deps.db, channelKind, channel, recipients);
  if (recipients.length === 0 || deps.troubleChannel === undefined) return;
  await desire(deps.db, {
    dedupeKey: `left-out:${channelKind}:${channel}:${day}`,
    channel: deps.troubleChannel,
    message: message(
      'warn',
      `The channel ${channel} does not reach everybody`,
      ...recipients.slice(0, 10).map(({ who, words }) => text({ bold: who }, ' was refused for good: ', { code: words })),
      text('What is told there is not read by them. Mend the address, or the mailbox, and try it: ', {
        code: `/flink channel test ${channel}`,
      }),
    ),
  });
}
