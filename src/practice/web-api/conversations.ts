import type { Context } from '../context.ts';
import { isShared } from '../people/events.ts';
import type { Channel, Json, StoredMessage } from '../types.ts';
import { wireMessage } from '../wire.ts';
import { flagArg, numberArg, requiredArg, textArg } from './arguments.ts';
import { tsArg } from './content.ts';
import { isMember, type Method, needScope, page, scopeFamily, visibleChannel } from './method.ts';
import { argumentError, SlackError } from './slack-error.ts';

function wireChannel(ctx: Context, channel: Channel): Json {
  if (channel.im !== undefined) return { id: channel.id, is_im: true, user: channel.im, is_archived: false, created: 1_700_000_000 };
  return {
    id: channel.id,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: !channel.private,
    is_group: channel.private === true,
    is_im: false,
    is_mpim: false,
    is_private: channel.private === true,
    is_archived: channel.archived === true,
    is_general: channel.name === 'general',
    is_member: isMember(ctx, channel),
    is_shared: isShared(ctx, channel),
    is_ext_shared: isShared(ctx, channel),
    is_org_shared: false,
    created: 1_700_000_000,
    creator: channel.members[0] ?? '',
    topic: { value: channel.topic ?? '', creator: '', last_set: 0 },
    purpose: { value: '', creator: '', last_set: 0 },
    num_members: channel.members.length,
  };
}

/** A channel whose messages the bot may read. */
function readable(ctx: Context, args: Json): Channel {
  const channel = visibleChannel(ctx, requiredArg(args, 'channel'));
  needScope(ctx, `${scopeFamily(channel)}:history`);
  if (!isMember(ctx, channel)) throw new SlackError('not_in_channel');
  return channel;
}
function between(args: Json, messages: StoredMessage[]): StoredMessage[] {
  const oldest = Number(textArg(args, 'oldest') ?? 0);
  const latest = Number(textArg(args, 'latest') ?? Number.POSITIVE_INFINITY);
  const inclusive = flagArg(args, 'inclusive');
  return messages.filter((m) => {
    const ts = Number(m.ts);
    return inclusive ? ts >= oldest && ts <= latest : ts > oldest && ts < latest;
  });
}

export const conversationMethods: Record<string, Method> = {
  'conversations.history': {
    token: 'bot',
    tier: 'tier3',
    run(ctx, args) {
      const channel = readable(ctx, args);
      const shown = ctx.ws.messages(channel.id).filter((m) => !m.to && (m.threadTs === undefined || m.broadcast === true));
      const { items, response_metadata } = page(
        between(args, shown).reverse(),
        numberArg(args, 'limit', 100, 999),
        textArg(args, 'cursor'),
      );
      const metadata = flagArg(args, 'include_all_metadata');
      return {
        messages: items.map((m) => wireMessage(ctx.ws, m, { metadata })),
        has_more: response_metadata.next_cursor !== '',
        pin_count: 0,
        response_metadata,
      };
    },
  },
  'conversations.replies': {
    token: 'bot',
    tier: 'tier3',
    run(ctx, args) {
      const channel = readable(ctx, args);
      const ts = tsArg(args, 'ts');
      if (ts === undefined) throw argumentError('missing required field: ts');
      const asked = ctx.ws.message(channel.id, ts);
      if (!asked || asked.to) throw new SlackError('thread_not_found');
      const root = asked.threadTs ?? asked.ts;
      const thread = ctx.ws.messages(channel.id).filter((m) => !m.to && (m.ts === root || m.threadTs === root));
      const { items, response_metadata } = page(between(args, thread), numberArg(args, 'limit', 1000, 1000), textArg(args, 'cursor'));
      const metadata = flagArg(args, 'include_all_metadata');
      return {
        messages: items.map((m) => wireMessage(ctx.ws, m, { metadata })),
        has_more: response_metadata.next_cursor !== '',
        response_metadata,
      };
    },
  },
  'conversations.info': {
    token: 'bot',
    tier: 'tier3',
    run(ctx, args) {
      const channel = visibleChannel(ctx, requiredArg(args, 'channel'));
      needScope(ctx, `${scopeFamily(channel)}:read`);
      return { channel: wireChannel(ctx, channel) };
    },
  },
  'conversations.members': {
    token: 'bot',
    tier: 'tier4',
    run(ctx, args) {
      const channel = visibleChannel(ctx, requiredArg(args, 'channel'));
      needScope(ctx, `${scopeFamily(channel)}:read`);
      const { items, response_metadata } = page(channel.members, numberArg(args, 'limit', 100, 1000), textArg(args, 'cursor'));
      return { members: items, response_metadata };
    },
  },
  'conversations.list': {
    token: 'bot',
    tier: 'tier2',
    run(ctx, args) {
      const types = (textArg(args, 'types') ?? 'public_channel').split(',').map((t) => t.trim());
      const kind: Record<string, string> = { channels: 'public_channel', groups: 'private_channel', im: 'im' };
      for (const type of types) {
        const family = Object.keys(kind).find((k) => kind[k] === type);
        if (family === undefined) throw new SlackError('invalid_types');
        needScope(ctx, `${family}:read`);
      }
      const all = ctx.ws.state.channels.filter(
        (c) =>
          types.includes(kind[scopeFamily(c)] ?? '') && ctx.ws.sees(ctx.ws.app.id, c) && !(c.archived && flagArg(args, 'exclude_archived')),
      );
      const { items, response_metadata } = page(all, numberArg(args, 'limit', 100, 1000), textArg(args, 'cursor'));
      return { channels: items.map((c) => wireChannel(ctx, c)), response_metadata };
    },
  },
  'conversations.open': {
    token: 'bot',
    scope: 'im:write',
    tier: 'tier3',
    run(ctx, args) {
      const ids = requiredArg(args, 'users').split(',').filter(Boolean);
      const [id] = ids;
      if (id === undefined) throw new SlackError('not_enough_users');
      // Sluice writes to one person at a time; group messages are not part of this workspace
      if (ids.length > 1) throw new SlackError('too_many_users');
      const person = ctx.ws.state.people.find((p) => p.id === id);
      if (!person) throw new SlackError('user_not_found');
      if (person.bot) throw new SlackError('cannot_dm_bot');
      if (person.deleted) throw new SlackError('user_disabled');
      const known = ctx.ws.state.channels.some((c) => c.im === id);
      const channel = ctx.ws.directMessage(id);
      return {
        ...(known ? { no_op: true, already_open: true } : {}),
        channel: flagArg(args, 'return_im') ? wireChannel(ctx, channel) : { id: channel.id },
      };
    },
  },
};
