import type { App, MessageShortcut } from '@slack/bolt';
import type { CommandReply } from '../commands/request.ts';
import { message, text } from '../core/message.ts';
import { ackWithinMs, answerOnce, arrival, type ListenerContext, sendReply, within } from './listener-context.ts';
import type { ReplyPlace } from './replies.ts';
import { acknowledgeShortcut } from './shortcuts.ts';

/** Shortcuts in the menu of a message: "Acknowledge" on an incident's message, or in its thread, is the same as its button. Always answered. */
export function onShortcut(app: App, ctx: ListenerContext): void {
  app.shortcut(/[\s\S]*/, async ({ shortcut, ack, context }) => {
    const since = arrival(context);
    if (shortcut.type === 'message_action') await within(acknowledge(ctx, shortcut), ackWithinMs - (Date.now() - since));
    else await ctx.replies.send({ userId: shortcut.user.id }, unknown);
    await ack();
    ctx.acknowledged(Date.now() - since);
  });
}

/** Resolves once the command has accepted or refused; the answer is sent beside it. Never rejects. */
async function acknowledge(ctx: ListenerContext, shortcut: MessageShortcut): Promise<void> {
  const { user, channel, message_ts: messageTs } = shortcut;
  const teamId = user.team_id ?? shortcut.team?.id ?? '';
  const root: unknown = shortcut.message['thread_ts'];
  const threadTs = typeof root === 'string' && root !== '' ? root : undefined;
  const key = `shortcut:${teamId}:${user.id}:${channel.id}:${messageTs}:${shortcut.callback_id}:${shortcut.action_ts}`;
  const { first, result } = answerOnce(ctx, key, async (): Promise<CommandReply> => {
    if (shortcut.callback_id !== acknowledgeShortcut.callback_id) return { message: unknown };
    const incident = await ctx.incidentAt(channel.id, threadTs ?? messageTs);
    if (incident === undefined) return { message: notAnIncident };
    return ctx.handle({
      line: `acknowledge ${incident}`,
      person: { teamId, userId: user.id, ...(user.name ? { name: user.name } : {}) },
      origin: { kind: 'button', channel: channel.id, messageTs, ...(threadTs ? { threadTs } : {}) },
      deliveryKey: key,
    });
  });
  const place: ReplyPlace = { userId: user.id, channel: channel.id, threadTs, responseUrl: shortcut.response_url };
  if (first) ctx.background(result.then((reply) => sendReply(ctx, place, reply)));
  await result;
}

const notAnIncident = message(
  'warn',
  'That message does not tell of an incident.',
  text(
    { bold: acknowledgeShortcut.name },
    ' is for the messages by which Sluice tells of a problem with a job or a cluster, and for what is said in their threads: with it you say that you look after it. Of what was over long ago nothing is known any more.',
  ),
  text('What is wrong now: ', { code: '/flink list failed' }),
);
const unknown = message(
  'warn',
  'This shortcut is of another version of Sluice and does nothing any more.',
  text('Type ', { code: '/flink help' }, ' for what there is.'),
);
