import type { App } from '@slack/bolt';
import { errorToMessage } from '../core/errors.ts';
import { type Message, message, text } from '../core/message.ts';
import { lineOfMention } from './incoming-text.ts';
import { ask, type ListenerContext, sendReply } from './listener-context.ts';
import { renderMessage } from './render.ts';

/** Events: mentions (the commands in threads, where slash commands do not work), the home tab, changed user groups. */
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
    const home = await homeMessage(ctx, { teamId: body.team_id, userId: event.user });
    const { blocks } = renderMessage(home);
    try {
      await ctx.web.views.publish({ user_id: event.user, view: { type: 'home', blocks } });
    } catch (err) {
      ctx.log.warn({ err }, 'the home tab was not published');
    }
  });

  app.event('subteam_members_changed', async ({ event }) => ctx.groupChanged(event.subteam_id));
}

async function homeMessage(ctx: ListenerContext, person: { teamId: string; userId: string }): Promise<Message> {
  if (!ctx.homeView)
    return message(
      'neutral',
      'Sluice runs Flink jobs from Slack.',
      text('Type ', { code: `${ctx.commandNames[0]} help` }, ' in any channel.'),
    );
  try {
    return await ctx.homeView(person);
  } catch (err) {
    const told = errorToMessage(err);
    ctx.log.error({ err, reference: told.reference }, 'the home tab failed');
    return told.message;
  }
}

/** The workspace of who wrote: in a shared channel it may be another than the one the event was sent to. */
function teamOf(event: object): string | undefined {
  for (const key of ['user_team', 'source_team', 'team'] as const) {
    const value = (event as Record<string, unknown>)[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}
