import type { App } from '@slack/bolt';
import type { CommandRequest } from '../commands/request.ts';
import { message, text } from '../core/message.ts';
import { fromSlackText } from './incoming-text.ts';
import { ackWithinMs, arrival, ask, type ListenerContext, sendReply, stillWorking, within } from './listener-context.ts';
import { openPicker } from './picker.ts';
import { renderMessage } from './render.ts';
import type { ReplyPlace } from './replies.ts';

/** How long the acknowledgement waits for a form to open; the usage, if it does not, needs the rest of Slack's 3 s. */
const openWithinMs = 1_500;

/**
 * Slash commands. Acknowledged with the answer itself once the command has accepted or refused; if that takes longer than Slack waits,
 * with a "still working", and the answer follows by the response address.
 */
export function onCommand(app: App, ctx: ListenerContext): void {
  app.command(/[\s\S]*/, async ({ command, ack, context }) => {
    const since = arrival(context);
    const answer = async (m: Parameters<typeof renderMessage>[0]) => {
      await ack({ response_type: m.visibility === 'channel' ? 'in_channel' : 'ephemeral', ...renderMessage(m) });
      ctx.acknowledged(Date.now() - since);
    };
    if (!ctx.commandNames.includes(command.command)) {
      const ours = ctx.commandNames[0] ?? '/flink';
      await answer(
        message('warn', `Sluice has no command ${command.command}.`, text('Type ', { code: `${ours} help` }, ' for what there is.')),
      );
      return;
    }
    const request: CommandRequest = {
      line: fromSlackText(command.text ?? ''),
      person: { teamId: command.team_id, userId: command.user_id, name: command.user_name },
      origin: { kind: 'typed', channel: command.channel_id },
      deliveryKey: `slash:${command.team_id}:${command.trigger_id}`,
    };
    const place = { userId: command.user_id, channel: command.channel_id, responseUrl: command.response_url };
    const question = ctx.pickers?.question(request.line);
    if (question) {
      const opening = openPicker(ctx, {
        question,
        person: request.person,
        triggerId: command.trigger_id,
        origin: { channel: command.channel_id, click: request.deliveryKey },
        responseUrl: command.response_url,
      });
      const opened = await within(opening, openWithinMs);
      if (opened !== false) {
        await ack();
        ctx.acknowledged(Date.now() - since);
        // A form that opens late is seen, one that does not open is answered for.
        if (opened === undefined) ctx.background(opening.then((late) => (late ? undefined : usage(ctx, request, place))));
        return;
      }
    }
    const { first, result } = ask(ctx, request);
    const reply = await within(result, ackWithinMs - (Date.now() - since));
    if (reply === undefined) {
      await answer(stillWorking);
      if (!first) return;
      ctx.background(
        result.then(async (late) => {
          await ctx.replies.send(place, late.message, { replace: true });
          if (late.later) await ctx.replies.send(place, await late.later, { replace: late.message.visibility !== 'channel' });
        }),
      );
      return;
    }
    await answer(reply.message);
    const { later } = reply;
    if (first && later) {
      ctx.background(later.then((m) => ctx.replies.send(place, m, { replace: reply.message.visibility !== 'channel' })));
    }
  });
}

/** The usage, where no form could be opened. Once per request. */
async function usage(ctx: ListenerContext, request: CommandRequest, place: ReplyPlace): Promise<void> {
  const { first, result } = ask(ctx, request);
  if (first) await sendReply(ctx, place, await result);
}
