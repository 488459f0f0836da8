import { redact } from '../core/redact.ts';
import type { Context } from './context.ts';
import { viewStack } from './modals.ts';
import type { Channel, Json, Person, StoredMessage } from './types.ts';
import { wireView } from './wire.ts';

/** All that a page needs to draw the workspace as one person sees it. */
export function snapshotFor(ctx: Context, person: Person): Json {
  const channels = ctx.ws.state.channels.filter((c) => ctx.ws.sees(person.id, c));
  const home = ctx.ws.state.homes[person.id];
  return {
    seq: ctx.changes.seq(),
    me: person.id,
    team: ctx.ws.state.team,
    app: {
      id: ctx.ws.app.id,
      name: ctx.setup.name,
      commands: ctx.setup.commands,
      shortcuts: ctx.setup.shortcuts,
      homeTab: ctx.setup.homeTab,
    },
    people: ctx.ws.state.people,
    groups: ctx.ws.state.groups,
    channels: channels.map((c) => channelFor(ctx, person, c)),
    messages: Object.fromEntries(channels.map((c) => [c.id, messagesFor(ctx, person, c).slice(-500)])),
    views: viewStack(ctx, person.id),
    home: home ? wireView(ctx.ws, home) : null,
    ...meta(ctx),
  };
}

/** The clock and the faults, for the inspector. */
export function meta(ctx: Context): Json {
  return { clockOffsetMs: ctx.clock.offsetMs(), faults: { ...ctx.faults }, sockets: ctx.hub.connections() };
}

/**
 * All that there is to know for a test or a bug report: the workspace with its messages, views and Homes as they are, every request with
 * its answer or acknowledgement, the faults and the clock as they are and how they came to be so. Without tokens or what looks like one.
 * A file with it can be given as `dataFile`: the workspace is then as it was.
 */
export function exportOf(ctx: Context): Json {
  const { name, commands, shortcuts, events, scopes, interactivity, homeTab } = ctx.setup;
  const all = {
    format: 'sluice-practice-1',
    exportedAt: new Date(ctx.clock.now()).toISOString(),
    clock: { now: ctx.clock.now(), offsetMs: ctx.clock.offsetMs() },
    app: { name, commands, shortcuts, events: [...events], scopes: [...scopes], interactivity, homeTab },
    faults: { ...ctx.faults },
    sockets: ctx.hub.connections(),
    interventions: ctx.journal.interventions(),
    workspace: ctx.ws.state,
    journal: ctx.journal.entries(),
    journalDropped: ctx.journal.dropped(),
  };
  return JSON.parse(JSON.stringify(all, (_key, value: unknown) => (typeof value === 'string' ? redact(value) : value)));
}

/** A channel with what this person has not read yet. */
export function channelFor(ctx: Context, person: Person, channel: Channel): Json {
  const lastRead = ctx.ws.state.lastRead[person.id]?.[channel.id] ?? '0';
  const unread = messagesFor(ctx, person, channel).filter(
    (m) => m.ts > lastRead && m.user !== person.id && (!m.threadTs || m.broadcast),
  ).length;
  return { ...channel, unread, lastRead, isMember: channel.members.includes(person.id) };
}

/** The messages of a channel that this person sees: everybody's and their own ephemeral ones. */
export function messagesFor(ctx: Context, person: Person, channel: Channel): StoredMessage[] {
  return ctx.ws.messages(channel.id).filter((m) => m.to === undefined || m.to === person.id);
}

/** Marks a channel as read. */
export function markRead(ctx: Context, person: Person, channel: Channel): void {
  const last = messagesFor(ctx, person, channel).at(-1);
  const read = ctx.ws.state.lastRead[person.id] ?? {};
  ctx.ws.state.lastRead[person.id] = read;
  if (!last || read[channel.id] === last.ts) return;
  read[channel.id] = last.ts;
  ctx.changes.emit({ type: 'read', for: person.id, channel: channel.id, data: { channel: channel.id, lastRead: last.ts } });
}
