import type { Context } from '../context.ts';
import type { Channel, Json, StoredMessage } from '../types.ts';
import { wireMessage } from '../wire.ts';
import { flagArg, requiredArg, textArg } from './arguments.ts';
import { contentOf, tsArg } from './content.ts';
import { isMember, type Method, personArg, visibleChannel } from './method.ts';
import { argumentError, SlackError } from './slack-error.ts';

/** chat.update refuses longer texts (slack.md 1.2). */
const updateTextLimit = 4000;
const byChannel = (args: Json) => String(args['channel']);

/** The channel to post in; a person's id opens the direct message. */
function target(ctx: Context, args: Json): Channel {
  const id = requiredArg(args, 'channel');
  const person = ctx.ws.state.people.find((p) => p.id === id);
  const channel = person && !person.bot ? ctx.ws.directMessage(person.id) : visibleChannel(ctx, id, true);
  if (channel.archived) throw new SlackError('is_archived');
  return channel;
}

/** The root of the thread to answer in. Slack keeps no list of what it answers here; this workspace refuses what cannot be a thread. */
function threadRoot(ctx: Context, channel: Channel, args: Json): string | undefined {
  const ts = tsArg(args, 'thread_ts');
  if (ts === undefined) return undefined;
  const root = ctx.ws.message(channel.id, ts);
  if (!root || root.to) throw new SlackError('thread_not_found');
  if (root.threadTs) throw new SlackError('cannot_reply_to_message');
  return ts;
}

function ownMessage(ctx: Context, args: Json, refusal: string): StoredMessage {
  const channel = visibleChannel(ctx, requiredArg(args, 'channel'));
  const ts = tsArg(args, 'ts');
  if (ts === undefined) throw argumentError('missing required field: ts');
  const message = ctx.ws.message(channel.id, ts);
  if (!message || message.to || message.tombstone) throw new SlackError('message_not_found');
  if (message.user !== ctx.ws.app.id) throw new SlackError(refusal);
  if (channel.archived) throw new SlackError('is_archived');
  return message;
}

export const chatMethods: Record<string, Method> = {
  'chat.postMessage': {
    token: 'bot',
    scope: 'chat:write',
    tier: 'postPerChannel',
    limitKey: byChannel,
    run(ctx, args) {
      const channel = target(ctx, args);
      if (!isMember(ctx, channel) && !ctx.setup.scopes.has('chat:write.public')) throw new SlackError('not_in_channel');
      const content = contentOf(args);
      const threadTs = threadRoot(ctx, channel, args);
      const message = ctx.ws.add({
        channel: channel.id,
        user: ctx.ws.app.id,
        ...content,
        ...(threadTs === undefined ? {} : { threadTs }),
        ...(flagArg(args, 'reply_broadcast') ? { broadcast: true } : {}),
      });
      return { channel: channel.id, ts: message.ts, message: wireMessage(ctx.ws, message, { metadata: true }) };
    },
  },
  'chat.update': {
    token: 'bot',
    scope: 'chat:write',
    tier: 'update',
    run(ctx, args) {
      const message = ownMessage(ctx, args, 'cant_update_message');
      if ((textArg(args, 'text') ?? '').length > updateTextLimit) throw new SlackError('msg_too_long');
      const content = contentOf(args);
      // what is left out stays: blocks, attachments and metadata are only replaced when they are sent
      Object.assign(message, content, { editedTs: `${Math.floor(ctx.clock.now() / 1000)}.000000` });
      if (args['metadata'] !== undefined && Object.keys(content.metadata ?? {}).length === 0) delete message.metadata;
      ctx.ws.changed(message);
      return {
        channel: message.channel,
        ts: message.ts,
        text: message.text,
        message: wireMessage(ctx.ws, message, { metadata: true }),
      };
    },
  },
  'chat.delete': {
    token: 'bot',
    scope: 'chat:write',
    tier: 'tier3',
    run(ctx, args) {
      const message = ownMessage(ctx, args, 'cant_delete_message');
      ctx.ws.remove(message);
      return { channel: message.channel, ts: message.ts };
    },
  },
  'chat.postEphemeral': {
    token: 'bot',
    scope: 'chat:write',
    tier: 'tier4',
    run(ctx, args) {
      const channel = target(ctx, args);
      if (!isMember(ctx, channel)) throw new SlackError('not_in_channel');
      const person = personArg(ctx, args);
      if (!channel.members.includes(person.id)) throw new SlackError('user_not_in_channel');
      const content = contentOf(args);
      const threadTs = threadRoot(ctx, channel, args);
      const message = ctx.ws.add({
        channel: channel.id,
        user: ctx.ws.app.id,
        to: person.id,
        ...content,
        ...(threadTs === undefined ? {} : { threadTs }),
      });
      return { message_ts: message.ts };
    },
  },
  'chat.getPermalink': {
    token: 'bot',
    run(ctx, args) {
      const channel = visibleChannel(ctx, requiredArg(args, 'channel'));
      const ts = tsArg(args, 'message_ts');
      if (ts === undefined) throw argumentError('missing required field: message_ts');
      const message = ctx.ws.message(channel.id, ts);
      if (!message || message.to) throw new SlackError('message_not_found');
      const thread = message.threadTs ? `?thread_ts=${message.threadTs}&cid=${channel.id}` : '';
      return { channel: channel.id, permalink: `${ctx.url()}/archives/${channel.id}/p${ts.replace('.', '')}${thread}` };
    },
  },
};
