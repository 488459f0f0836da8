import type { App } from '@slack/bolt';
import { publishHome } from './home.ts';
import { lineOfMention } from './incoming-text.ts';
import { ask, type ListenerContext, sendReply } from './listener-context.ts';

/** Events: mentions (the commands in threads, where slash commands do not work), the home tab, changed user groups, and what becomes of the app itself. */
export function onEvent(app: App, ctx: ListenerContext): void {
  app.event('app_mention', async ({ event, body }) => {
    // Bots do not command; ours would answer itself for ever.
    if (event.bot_id !== undefined || event.user === undefined) return;
    const { first, result } = ask(ctx, {
      line: lineOfMention(event.text, ctx.botUserId()),
      person: { teamId: teamOf(event) ?? body.team_id, userId: event.user },
      origin: { kind: 'mention', channel: event.channel, messageTs: event.ts, ...(event.thread_ts ? { threadTs: event.thread_ts } : {}) },
      deliveryKey: `event:${body.event_id}`,
    });
    if (!first) return;
    const reply = await result;
    // An ephemeral message in a thread that does not exist yet would be seen by nobody.
    const root = event.thread_ts ?? (reply.message.visibility === 'channel' ? event.ts : undefined);
    const sending = sendReply(ctx, { userId: event.user, channel: event.channel, threadTs: root }, reply);
    ctx.background(sending);
  });

  app.event('app_home_opened', async ({ event, body }) => {
    if (event.tab !== 'home') return;
    await publishHome(ctx, { teamId: body.team_id, userId: event.user }, body.event_id);
  });

  app.event('subteam_members_changed', async ({ event }) => ctx.groupChanged(event.subteam_id));

  // Invited (again), or archived no more: what the channel refused is sent now.
  app.event('member_joined_channel', async ({ event }) => {
    if (event.user === ctx.botUserId()) await ctx.channelOpened(event.channel);
  });
  app.event('channel_unarchive', async ({ event }) => ctx.channelOpened(event.channel));
  app.event('group_unarchive', async ({ event }) => ctx.channelOpened(event.channel));

  app.event('tokens_revoked', async ({ event }) => {
    if (event.tokens.bot?.some((user) => user === ctx.botUserId())) ctx.tokenLost('tokens_revoked');
  });
  app.event('app_uninstalled', async () => ctx.tokenLost('app_uninstalled'));
}

/** The workspace of who wrote: in a shared channel it may be another than the one the event was sent to. */
function teamOf(event: object): string | undefined {
  for (const key of ['user_team', 'source_team', 'team'] as const) {
    const value = (event as Record<string, unknown>)[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}
