import { record } from '../access/audit.store.ts';
import { UserError } from '../core/errors.ts';
import { actions, type Message, message, text } from '../core/message.ts';
import { plural, quoteWord } from '../core/text.ts';
import { commandButton, defineCommand } from './spec.ts';

export const channel = defineCommand({
  name: 'channel',
  aliases: ['channels'],
  summary: 'The channels beside Slack, and a test message to one of them.',
  details:
    'E-mail, webhooks, PagerDuty-style events and group robots are set up in sluice.yaml. The answer of a test says exactly what came back.',
  examples: ['channel', 'channel test oncall-mail'],
  arguments: [
    { name: 'what', summary: 'test, to send a test message.', required: false, kind: 'text' },
    { name: 'name', summary: 'The name of the channel.', required: false, kind: 'text' },
  ],
  options: {},
  kind: 'operate',
  right: 'register',
  slow: 'always',
  async run(ctx, args): Promise<Message> {
    ctx.me();
    const { what, name } = args.values;
    const { channels } = ctx.services;
    const all = channels?.list() ?? [];
    if (what === undefined)
      return all.length === 0
        ? message(
            'neutral',
            'There is no channel beside Slack',
            text('They are set up under channels in sluice.yaml; docs/channels.md shows how.'),
          )
        : message(
            'neutral',
            `${plural(all.length, 'channel')} beside Slack`,
            ...all.map((one) => text({ bold: one.name }, `, ${one.kind}`)),
            actions(...all.slice(0, 5).map((one) => commandButton(`Test ${one.name}`, `channel test ${quoteWord(one.name)}`))),
          );
    if (what !== 'test' || name === undefined || !channels)
      throw new UserError('That is not how a channel is tested.', {
        hint: 'For example: /flink channel test oncall-mail. Nothing was sent.',
      });
    const { reply } = await channels.test(name);
    return ctx.effect(async (tx) => {
      await record(tx, {
        actor: { person: ctx.me().ref, origin: ctx.request.origin.kind },
        action: 'channel.tested',
        subject: `channel:${name}`,
        details: { said: reply.title },
      });
      return reply;
    });
  },
});
