import { decide, whoMay } from '../access/policy.ts';
import { actions, message, text } from '../core/message.ts';
import { nearest } from '../core/text.ts';
import { type Command, commandButton, defineCommand, Reply, usageOf } from './spec.ts';

export const help = defineCommand({
  name: 'help',
  aliases: ['h', '?'],
  summary: 'What you can do, with examples.',
  examples: ['help', 'help start'],
  arguments: [{ name: 'verb', summary: 'A command.', required: false, kind: 'text' }],
  options: {},
  kind: 'read',
  right: 'anyone',
  who: 'everybody',
  async run(ctx, args) {
    const verb = args.values['verb']?.toLowerCase();
    if (verb) {
      const command = ctx.commands.find((c) => c.name === verb || c.aliases?.includes(verb));
      if (command) return usage(command);
      const near = nearest(
        verb,
        ctx.commands.filter((c) => !c.hidden).map((c) => c.name),
      );
      throw new Reply(
        `There is no command ${verb}.${near[0] ? ` Did you mean ${near[0]}?` : ''}`,
        actions(...near.map((n) => commandButton(`help ${n}`, `help ${n}`)), commandButton('Help', 'help')),
      );
    }
    const mine = ctx.commands.filter((c) => !c.hidden && decide(ctx.person, c.right, { team: undefined }) !== 'no');
    const line = (names: string[]) => names.filter((name) => mine.some((c) => c.name === name)).join(' · ');
    const groups = [
      ['Look', line(['list', 'status', 'operations', 'logs', 'versions', 'diff', 'history', 'digest', 'web', 'whoami'])],
      ['Run', line(['build', 'start', 'stop', 'restart', 'savepoint', 'cancel', 'acknowledge', 'unacknowledge'])],
      ['Change', line(['set', 'use'])],
      ['State', line(['restore'])],
      ['Decide', decide(ctx.person, 'approve', { team: undefined }) === 'yes' ? line(['approve', 'reject']) : ''],
    ].filter(([, names]) => names);
    const examples = mine.some((c) => c.name === 'start')
      ? ['/flink start etl-orders', '/flink restart etl-orders --build', '/flink status etl-orders']
      : mine.some((c) => c.name === 'list')
        ? ['/flink list', '/flink status etl-orders']
        : ['/flink whoami'];
    return message(
      'neutral',
      'Sluice runs Flink jobs from here',
      ...groups.map(([title, names]) => text({ bold: `${title}:` }, ` ${String(names)}`)),
      text('For example ', ...examples.flatMap((e, i) => [i > 0 ? ', ' : '', { code: e }])),
      text(
        'More on one: ',
        { code: '/flink help start' },
        ...(mine.some((c) => c.name === 'start') ? ['. Without a job, ', { code: '/flink start' }, ' lets you choose one'] : []),
        ...(ctx.person ? [] : ['. Sluice does not know you yet: ask an admin for a role.']),
      ),
      ...(mine.some((c) => c.name === 'list') ? [actions(commandButton('List the jobs', 'list'))] : []),
    );
  },
});

function usage(command: Command) {
  const options = Object.entries(command.options).map(([name, o]) => `--${name}${o.value ? ` <${o.value}>` : ''}: ${o.summary}`);
  return message(
    'neutral',
    `${command.name}: ${command.summary}`,
    text({ code: `/flink ${usageOf(command)}` }),
    ...(command.details ? [text(command.details)] : []),
    ...(options.length > 0 ? [text(options.join('\n'))] : []),
    text(`Who may: ${(command.who ?? whoMay(command.right)).replaceAll('`', '')}.`),
    text('Examples: ', ...command.examples.flatMap((e, i) => [i > 0 ? ', ' : '', { code: `/flink ${e}` }])),
  );
}
