import type { Context } from '../context.ts';
import type { Channel } from '../types.ts';
import { sendEvent } from './events.ts';

/**
 * Somebody is invited to a channel, or the app is: the app is told of it where it is a member itself, of its own arrival too
 * (https://docs.slack.dev/reference/events/member_joined_channel).
 */
export function join(ctx: Context, channel: Channel, personId: string): void {
  if (channel.members.includes(personId)) return;
  channel.members = [...channel.members, personId];
  if (!channel.members.includes(ctx.ws.app.id)) return;
  const event = { type: 'member_joined_channel', user: personId, channel: channel.id, channel_type: channel.private ? 'G' : 'C' };
  sendEvent(ctx, 'member_joined_channel', { ...event, team: ctx.ws.state.team.id, event_ts: eventTs(ctx) }, channel);
}

/** A channel is archived, or is no more; only the latter is told (channel_unarchive, group_unarchive). */
export function archive(ctx: Context, channel: Channel, archived: boolean): void {
  const before = channel.archived === true;
  channel.archived = archived;
  if (!before || archived) return;
  const type = channel.private ? 'group_unarchive' : 'channel_unarchive';
  sendEvent(ctx, type, { type, channel: channel.id, user: channel.members[0] ?? '', event_ts: eventTs(ctx) }, channel);
}

/** The app is removed from the workspace: it is told so, its token with it, and the token holds no more. */
export function uninstall(ctx: Context): void {
  sendEvent(ctx, 'app_uninstalled', { type: 'app_uninstalled' });
  sendEvent(ctx, 'tokens_revoked', { type: 'tokens_revoked', tokens: { oauth: [], bot: [ctx.ws.app.id] } });
  ctx.faults.tokenRevoked = true;
}
function eventTs(ctx: Context): string {
  return (ctx.clock.now() / 1000).toFixed(6);
}
