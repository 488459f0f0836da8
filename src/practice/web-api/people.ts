import { wirePerson } from '../wire.ts';
import { flagArg, numberArg, requiredArg, textArg } from './arguments.ts';
import { tsArg } from './content.ts';
import { isMember, type Method, page, personArg, visibleChannel } from './method.ts';
import { argumentError, SlackError } from './slack-error.ts';

/** Users, user groups and reactions. */
export const peopleMethods: Record<string, Method> = {
  'users.info': {
    token: 'bot',
    scope: 'users:read',
    tier: 'tier4',
    run: (ctx, args) => ({ user: wirePerson(ctx.ws, personArg(ctx, args)) }),
  },
  'users.list': {
    token: 'bot',
    scope: 'users:read',
    tier: 'tier2',
    run(ctx, args) {
      const { items, response_metadata } = page(ctx.ws.state.people, numberArg(args, 'limit', 1000, 1000), textArg(args, 'cursor'));
      return { members: items.map((p) => wirePerson(ctx.ws, p)), cache_ts: Math.floor(ctx.clock.now() / 1000), response_metadata };
    },
  },
  'usergroups.list': {
    token: 'bot',
    scope: 'usergroups:read',
    tier: 'tier2',
    run: (ctx, args) => ({
      usergroups: ctx.ws.state.groups.map((g) => ({
        id: g.id,
        team_id: ctx.ws.state.team.id,
        is_usergroup: true,
        name: g.name,
        handle: g.handle,
        user_count: g.users.length,
        date_delete: 0,
        ...(flagArg(args, 'include_users') ? { users: g.users } : {}),
      })),
    }),
  },
  'usergroups.users.list': {
    token: 'bot',
    scope: 'usergroups:read',
    tier: 'tier2',
    run(ctx, args) {
      const group = ctx.ws.state.groups.find((g) => g.id === requiredArg(args, 'usergroup'));
      if (!group) throw new SlackError('no_such_subteam');
      return { users: group.users };
    },
  },
  'reactions.add': {
    token: 'bot',
    scope: 'reactions:write',
    tier: 'tier3',
    run(ctx, args) {
      const name = requiredArg(args, 'name').replace(/^:|:$/g, '');
      if (!/^[a-z0-9_+-]+$/.test(name)) throw new SlackError('invalid_name');
      const channel = visibleChannel(ctx, requiredArg(args, 'channel'));
      if (!isMember(ctx, channel)) throw new SlackError('not_in_channel');
      if (channel.archived) throw new SlackError('is_archived');
      const ts = tsArg(args, 'timestamp');
      if (ts === undefined) throw argumentError('missing required field: timestamp');
      const message = ctx.ws.message(channel.id, ts);
      if (!message || message.to) throw new SlackError('message_not_found');
      const reaction = message.reactions.find((r) => r.name === name);
      if (reaction?.users.includes(ctx.ws.app.id)) throw new SlackError('already_reacted');
      if (reaction) reaction.users.push(ctx.ws.app.id);
      else message.reactions.push({ name, users: [ctx.ws.app.id] });
      ctx.ws.changed(message);
      return {};
    },
  },
};
