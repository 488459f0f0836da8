import { randomUUID } from 'node:crypto';
import { UserError } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import { encodeTyped } from '../typed-text.ts';
import type { Channel, Json, Person, StoredMessage } from '../types.ts';
import { actor, messageOf, mustBeIn, placeOf, textField } from './acting.ts';
import { type CommandResult, runCommand } from './commands.ts';
import { sendEvent } from './events.ts';

export type SayResult = CommandResult | { kind: 'message'; message: StoredMessage };

/** A person types a line in a channel or a thread: a slash command, or a message that may mention the app. */
export async function say(ctx: Context, body: Json): Promise<SayResult> {
  const person = actor(ctx, body['as']);
  const channel = placeOf(ctx, person, body['channel']);
  const typed = textField(body, 'text');
  const threadTs = typeof body['thread_ts'] === 'string' ? rootOf(ctx, person, channel, body['thread_ts']) : undefined;
  mustBeIn(person, channel);
  if (typed.startsWith('/')) return runCommand(ctx, person, channel, typed, threadTs);
  const text = encodeTyped(ctx.ws, typed, 'message');
  const message = ctx.ws.add({ channel: channel.id, user: person.id, text, ...(threadTs === undefined ? {} : { threadTs }) });
  tellApp(ctx, person, channel, message);
  return { kind: 'message', message };
}

function rootOf(ctx: Context, person: Person, channel: Channel, ts: string): string {
  const message = messageOf(ctx, person, channel, ts);
  if (message.to) throw new UserError('An ephemeral message has no thread.');
  return message.threadTs ?? message.ts;
}

/** Events that the message causes: app_mention, message.im; only where the app is, and only those in its manifest. */
function tellApp(ctx: Context, person: Person, channel: Channel, message: StoredMessage): void {
  if (!channel.members.includes(ctx.ws.app.id)) return;
  const event = {
    user: person.id,
    ts: message.ts,
    client_msg_id: randomUUID(),
    text: message.text,
    team: ctx.ws.state.team.id,
    ...(message.threadTs === undefined ? {} : { thread_ts: message.threadTs }),
    channel: channel.id,
    event_ts: message.ts,
  };
  if (channel.im === undefined && message.text.includes(`<@${ctx.ws.app.id}>`))
    sendEvent(ctx, 'app_mention', { type: 'app_mention', ...event }, channel);
  const family = channel.im !== undefined ? 'im' : channel.private ? 'groups' : 'channels';
  const type = { im: 'im', groups: 'group', channels: 'channel' }[family];
  sendEvent(ctx, `message.${family}`, { type: 'message', channel_type: type, ...event }, channel);
}

/** A person opens the app's Home tab. */
export function openHome(ctx: Context, body: Json): void {
  const person = actor(ctx, body['as']);
  const view = ctx.ws.state.homes[person.id];
  const channel = ctx.ws.directMessage(person.id);
  sendEvent(ctx, 'app_home_opened', {
    type: 'app_home_opened',
    user: person.id,
    channel: channel.id,
    tab: 'home',
    event_ts: `${(ctx.clock.now() / 1000).toFixed(6)}`,
    ...(view ? { view: { id: view.id, hash: view.hash } } : {}),
  });
}
