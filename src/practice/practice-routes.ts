import type { FastifyInstance } from 'fastify';
import { AppError, NotFoundError, UnreachableError, UserError } from '../core/errors.ts';
import { changeFaults } from './change-faults.ts';
import type { Context } from './context.ts';
import type { DisconnectReason } from './link/socket-hub.ts';
import { actor, errorStatus, messageOf, placeOf, textField } from './people/acting.ts';
import { click } from './people/click.ts';
import { sendEvent } from './people/events.ts';
import { archive, join, uninstall } from './people/membership.ts';
import { closeModal, submit } from './people/modal.ts';
import { openHome, say } from './people/say.ts';
import { shortcut } from './people/shortcut.ts';
import { suggest } from './people/suggest.ts';
import { exportOf, markRead, messagesFor, meta, snapshotFor } from './snapshot.ts';
import { streamChanges } from './stream.ts';
import { type Channel, isObject, type Json } from './types.ts';

type Handler = (body: Json) => unknown;

/** The people's side and the faults: the page and tests use it, the app never does. JSON in and out. */
export function practiceRoutes(app: FastifyInstance, ctx: Context, streams: Set<() => void>): void {
  const people: Record<string, Handler> = {
    say: (body) => say(ctx, body),
    click: (body) => click(ctx, body),
    select: (body) => click(ctx, body),
    shortcut: (body) => shortcut(ctx, body),
    submit: (body) => submit(ctx, body),
    close: async (body) => {
      await closeModal(ctx, body);
      return {};
    },
    options: (body) => suggest(ctx, body),
    home: (body) => {
      openHome(ctx, body);
      return {};
    },
    read(body) {
      const person = actor(ctx, body['as']);
      markRead(ctx, person, placeOf(ctx, person, body['channel']));
      return {};
    },
    hide(body) {
      const person = actor(ctx, body['as']);
      const message = messageOf(ctx, person, placeOf(ctx, person, body['channel']), body['ts']);
      if (message.to !== person.id) throw new UserError('Only messages that nobody else sees can be hidden.');
      ctx.ws.remove(message);
      return {};
    },
  };
  const online =
    (handler: Handler): Handler =>
    (body) => {
      if (ctx.faults.outage) throw new UnreachableError('Slack cannot be reached (outage).');
      return handler(body);
    };
  const noted =
    (name: string, handler: Handler): Handler =>
    async (body) => {
      const answer = await handler(body);
      ctx.journal.intervened(name, body);
      return answer;
    };
  const posts = Object.fromEntries([
    ...Object.entries(people).map(([name, handler]) => [name, online(handler)] as const),
    ...Object.entries(controls(ctx)).map(([name, handler]) => [name, noted(name, handler)] as const),
  ]);
  for (const [name, handler] of Object.entries(posts)) {
    app.post(`/practice/${name}`, async (request, reply) => {
      // where the stream of changes stood before: what a test's waiting counts from
      reply.header('x-practice-seq', String(ctx.changes.seq()));
      try {
        return await handler(parse(request.body));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return reply.code(errorStatus(error)).send({ error: error.message, code: error.code });
      }
    });
  }
  app.get<{ Querystring: { as?: string } }>('/practice/state', async (request) => snapshotFor(ctx, actor(ctx, request.query.as)));
  app.get<{ Querystring: { as?: string; journal?: string; quiet?: string } }>('/practice/stream', (request, reply) => {
    const person = actor(ctx, request.query.as);
    const end = streamChanges(ctx, person, reply, { journal: request.query.journal === '1', quiet: request.query.quiet === '1' });
    streams.add(end);
    reply.raw.on('close', () => streams.delete(end));
  });
  app.get<{ Querystring: { as?: string; channel?: string } }>('/practice/messages', async (request) => {
    const person = actor(ctx, request.query.as);
    return { messages: messagesFor(ctx, person, placeOf(ctx, person, request.query.channel)) };
  });
  app.get('/practice/journal', async () => ({ entries: ctx.journal.entries() }));
  app.get('/practice/export', async (_request, reply) =>
    reply.header('content-disposition', 'attachment; filename="practice-workspace.json"').send(exportOf(ctx)),
  );
}

/** Faults and the clock. */
function controls(ctx: Context): Record<string, Handler> {
  const told = () => {
    ctx.changes.emit({ type: 'meta', data: meta(ctx) });
    return meta(ctx);
  };
  const channelOf = (body: Json): Channel => {
    const channel = ctx.ws.channel(textField(body, 'channel'));
    if (!channel) throw new NotFoundError(`There is no channel ${String(body['channel'])}.`);
    return channel;
  };
  return {
    faults(body) {
      changeFaults(ctx, body);
      return told();
    },
    clock(body) {
      const ms = body['advanceMs'];
      if (typeof ms !== 'number' || !(ms >= 0))
        throw new UserError('advanceMs must be a number of milliseconds; the clock only goes forward.');
      ctx.clock.advance(ms);
      ctx.ws.state.clockOffsetMs = ctx.clock.offsetMs();
      return told();
    },
    sockets(body) {
      const action = textField(body, 'action');
      if (action === 'drop') ctx.hub.drop();
      else if (['warning', 'refresh_requested', 'link_disabled'].includes(action)) ctx.hub.disconnect(action as DisconnectReason);
      else throw new UserError('action must be drop, warning, refresh_requested or link_disabled.');
      return told();
    },
    /** channel, and any of: archived (boolean), kickBot, inviteBot (true). */
    channels(body) {
      const channel = channelOf(body);
      if (typeof body['archived'] === 'boolean') archive(ctx, channel, body['archived']);
      if (body['kickBot'] === true) channel.members = channel.members.filter((m) => m !== ctx.ws.app.id);
      if (body['inviteBot'] === true) join(ctx, channel, ctx.ws.app.id);
      ctx.changes.emit({ type: 'channels', data: {} });
      return { channel };
    },
    /** group and users: replaces a user group's members (event subteam_members_changed). */
    groups(body) {
      const group = ctx.ws.group(textField(body, 'group'));
      const users = body['users'];
      if (!group || !Array.isArray(users)) throw new NotFoundError('A known group and its users are needed.');
      const before = group.users;
      group.users = users.map(String);
      const added = group.users.filter((u) => !before.includes(u));
      const removed = before.filter((u) => !group.users.includes(u));
      sendEvent(ctx, 'subteam_members_changed', {
        type: 'subteam_members_changed',
        subteam_id: group.id,
        team_id: ctx.ws.state.team.id,
        added_users: added,
        added_users_count: added.length,
        removed_users: removed,
        removed_users_count: removed.length,
        date_previous_update: Math.floor(ctx.clock.now() / 1000) - 60,
        date_update: Math.floor(ctx.clock.now() / 1000),
        event_ts: (ctx.clock.now() / 1000).toFixed(6),
      });
      return { group };
    },
    /** The app is removed from the workspace (events app_uninstalled and tokens_revoked). */
    uninstall() {
      uninstall(ctx);
      return told();
    },
    'verify-url': async () => ({ verified: await ctx.link.verifyRequestUrl() }),
  };
}

function parse(body: unknown): Json {
  try {
    const parsed: unknown = Buffer.isBuffer(body) ? JSON.parse(body.toString('utf8')) : {};
    if (isObject(parsed)) return parsed;
  } catch {
    // told below
  }
  throw new UserError('The body must be a JSON object.');
}
