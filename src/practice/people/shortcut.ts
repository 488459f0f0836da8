import { randomUUID } from 'node:crypto';
import { NotFoundError, UserError } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import type { Json } from '../types.ts';
import { wireMessage } from '../wire.ts';
import { actor, channelName, messageOf, payloadBase, placeOf, textField } from './acting.ts';
import { complain, type Interaction } from './click.ts';

/**
 * A message shortcut from the "more actions" menu of a message (message_action). `body`: as, channel, ts, and callback_id: the shortcut's
 * callback id or its name in the menu. Slack offers the shortcuts that the manifest declares, on everybody's messages, also where the app
 * is not a member, but not on messages that only one person sees (https://docs.slack.dev/interactivity/implementing-shortcuts).
 */
export async function shortcut(ctx: Context, body: Json): Promise<Interaction> {
  const person = actor(ctx, body['as']);
  const channel = placeOf(ctx, person, body['channel']);
  const message = messageOf(ctx, person, channel, body['ts']);
  const wanted = textField(body, 'callback_id');
  const declared = ctx.setup.shortcuts.filter((s) => s.type === 'message');
  const found = declared.find((s) => s.callbackId === wanted) ?? declared.find((s) => s.name === wanted);
  if (!found) throw new NotFoundError(`The app has no message shortcut ${wanted}.`);
  if (!ctx.setup.scopes.has('commands')) throw new UserError('Shortcuts do not work: the app lacks the scope `commands`.');
  if (message.to !== undefined || message.tombstone) throw new UserError('This message has no menu of shortcuts.');
  const id = randomUUID();
  if (!ctx.setup.interactivity) {
    ctx.changes.emit({ type: 'notice', for: person.id, data: { text: 'This app is not configured to handle interactive responses.' } });
    return { id, ack: { ok: false, error: 'dispatch_failed', durationMs: 0 } };
  }
  const ack = await ctx.link.interaction({
    type: 'message_action',
    ...payloadBase(ctx, person),
    callback_id: found.callbackId,
    trigger_id: ctx.tickets.newTrigger(person.id),
    message_ts: message.ts,
    action_ts: (ctx.clock.now() / 1000).toFixed(6),
    channel: { id: channel.id, name: channelName(channel) },
    message: wireMessage(ctx.ws, message, { metadata: true }),
    response_url:
      ctx.url() + ctx.tickets.newResponsePath({ kind: 'actions', user: person.id, channel: channel.id, messageTs: message.ts, origin: id }),
  });
  if (!ack.ok) complain(ctx, person, channel.id, ack);
  return { id, ack };
}
