import type { Context } from '../context.ts';
import type { Limits } from '../limits.ts';
import type { Channel, Json, Person } from '../types.ts';
import { requiredArg } from './arguments.ts';
import { SlackError } from './slack-error.ts';

/** One Web API method: which token it takes, its scope and rate tier (slack.md 1.1), and what it does. */
export interface Method {
  token: 'bot' | 'app' | 'none';
  scope?: string;
  tier?: keyof Limits;
  /** What the rate limit counts by; the whole app when missing. */
  limitKey?: (args: Json) => string;
  /** @throws SlackError */
  run(ctx: Context, args: Json): Json | Promise<Json>;
}

/** Refuses unless the bot has the scope. @throws SlackError `missing_scope` */
export function needScope(ctx: Context, scope: string): void {
  if (!ctx.setup.scopes.has(scope)) throw new SlackError('missing_scope', { needed: scope, provided: [...ctx.setup.scopes].join(',') });
}

/** `channels`, `groups` or `im`: the family that a channel's scopes belong to. */
export function scopeFamily(channel: Channel): string {
  if (channel.im !== undefined) return 'im';
  return channel.private ? 'groups' : 'channels';
}

/**
 * The channel that the bot names by its id, for posting also by its name; a private one it is not in does not exist for it.
 * @throws SlackError `channel_not_found`
 */
export function visibleChannel(ctx: Context, id: string, byName = false): Channel {
  const channel = ctx.ws.channel(id);
  if (!channel || (!byName && channel.id !== id) || !ctx.ws.sees(ctx.ws.app.id, channel)) throw new SlackError('channel_not_found');
  return channel;
}
export function isMember(ctx: Context, channel: Channel): boolean {
  return channel.members.includes(ctx.ws.app.id);
}

/** The person named by an argument. @throws SlackError `user_not_found` */
export function personArg(ctx: Context, args: Json, key = 'user'): Person {
  const id = requiredArg(args, key);
  const person = ctx.ws.state.people.find((p) => p.id === id);
  if (!person) throw new SlackError('user_not_found');
  return person;
}

/** A page of a list with Slack's opaque cursor. @throws SlackError `invalid_cursor` */
export function page<T>(
  items: readonly T[],
  limit: number,
  cursor: string | undefined,
): { items: T[]; response_metadata: { next_cursor: string } } {
  const at = cursor === undefined ? '0' : /^at:(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (at === undefined) throw new SlackError('invalid_cursor');
  const start = Number(at);
  const end = start + limit;
  const next = end < items.length ? Buffer.from(`at:${end}`).toString('base64url') : '';
  return { items: items.slice(start, end), response_metadata: { next_cursor: next } };
}
