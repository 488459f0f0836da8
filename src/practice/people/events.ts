import type { Context } from '../context.ts';
import type { Channel, Json } from '../types.ts';

/** The scope without which Slack does not send an event (https://docs.slack.dev/reference/events). */
const eventScopes: Record<string, string> = {
  app_mention: 'app_mentions:read',
  'message.channels': 'channels:history',
  'message.groups': 'groups:history',
  'message.im': 'im:history',
  subteam_members_changed: 'usergroups:read',
  channel_unarchive: 'channels:read',
  group_unarchive: 'groups:read',
};
/** Of what happens in public and in private channels each has a scope of its own. */
const scopeOf = (kind: string, channel: Channel | undefined): string | undefined =>
  kind === 'member_joined_channel' ? (channel?.private ? 'groups:read' : 'channels:read') : eventScopes[kind];

/** True when people of another workspace are in the channel (Slack Connect). */
export function isShared(ctx: Context, channel: Channel | undefined): boolean {
  return channel?.members.some((id) => ctx.ws.person(id)?.otherTeamId !== undefined) ?? false;
}

/**
 * Sends one event to the app if its manifest asks for that kind and has the scope for it. Beyond 30,000 events an hour nothing is sent
 * but app_rate_limited, which has no inner event and needs no subscription (https://docs.slack.dev/reference/events/app_rate_limited).
 */
export function sendEvent(ctx: Context, kind: string, event: Json, channel?: Channel): void {
  const scope = scopeOf(kind, channel);
  if (!ctx.setup.events.has(kind) || (scope !== undefined && !ctx.setup.scopes.has(scope))) return;
  const { team } = ctx.ws.state;
  if (ctx.limiter.take('events', team.id) > 0) {
    const minute = Math.floor(ctx.clock.now() / 60_000) * 60;
    if (ctx.limiter.take('rateLimitNotices', String(minute)) > 0) return;
    const told = { token: 'practice', type: 'app_rate_limited', team_id: team.id, minute_rate_limited: minute };
    void ctx.link.event({ ...told, api_app_id: ctx.ws.app.bot.appId }, 'app_rate_limited', { bare: true });
    return;
  }
  const body = {
    token: 'practice',
    team_id: team.id,
    context_team_id: team.id,
    context_enterprise_id: null,
    api_app_id: ctx.ws.app.bot.appId,
    event,
    type: 'event_callback',
    authorizations: [{ enterprise_id: null, team_id: team.id, user_id: ctx.ws.app.id, is_bot: true, is_enterprise_install: false }],
    is_ext_shared_channel: isShared(ctx, channel),
    event_context: `4-${ctx.ws.app.bot.appId}`,
  };
  void ctx.link.event(body, kind);
}
