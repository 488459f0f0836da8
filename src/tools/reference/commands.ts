import { whoMay } from '../../access/policy.ts';
import { type Command, usageOf } from '../../commands/spec.ts';
import { cell } from './markdown.ts';

/** docs/commands.md: every command in the order of the table. */
export function commandsPage(commands: readonly Command[]): string {
  const lines = [
    '# Commands',
    '',
    'Type them after `/flink`, or after a mention of the app (`@sluice status etl-orders`). Slash commands do not work in threads; mentions do, and in the thread of an operation or an incident the job may be left out (`@sluice logs`). On the page every button is one of these commands.',
    '',
    '- `<job>` has to be typed, `[...]` may be left out. A value with spaces goes in quotes: `--reason "bad deploy at 14:00"`.',
    '- Without the job, `/flink start` opens a form with the jobs on which you may use it; type a part of the name. `/flink restore` asks for the restore point there, too.',
    '- What is mistyped is never run: the nearest command, job or option is offered as a button.',
    '- `/flink help` lists what you may use, `/flink help start` or `/flink start --help` tells about one command.',
    '- Roles are per team, and a job belongs to a team. What rewinds or drops state on production becomes a plan in the channel that a lead approves, never the one who asked.',
    '',
    '| Command | What it does |',
    '| --- | --- |',
    ...commands
      .filter((command) => !command.hidden)
      .map((command) => `| [${command.name}](#${command.name}) | ${cell(prose(command.summary))} |`),
  ];
  for (const command of commands) lines.push('', ...section(command));
  return `${lines.join('\n')}\n`;
}

function section(command: Command): string[] {
  const takes = [
    ...command.arguments.filter((a) => a.kind !== 'job').map((a) => [a.required ? `<${a.name}>` : `[${a.name}]`, a.summary] as const),
    ...Object.entries(command.options).map(([name, o]) => [`--${name}${o.value ? ` <${o.value}>` : ''}`, o.summary] as const),
  ];
  const also = command.aliases?.length ? [`Also ${command.aliases.map((alias) => `\`${alias}\``).join(', ')}.`] : [];
  return [
    `## ${command.name}`,
    '',
    prose([command.summary, command.details, ...also].filter(Boolean).join(' ')),
    '',
    ...fenced([usageOf(command)]),
    ...(takes.length > 0
      ? ['', '| | |', '| --- | --- |', ...takes.map(([what, summary]) => `| \`${cell(what)}\` | ${cell(summary)} |`)]
      : []),
    '',
    `Who may: ${command.who ?? whoMay(command.right)}.`,
    '',
    command.examples.length === 1 ? 'Example:' : 'Examples:',
    '',
    ...fenced(command.examples),
  ];
}
function fenced(commands: readonly string[]): string[] {
  return ['```', ...commands.map((line) => `/flink ${line}`), '```'];
}
/** Options in a sentence, as code. */
function prose(text: string): string {
  return text.replace(/(?<=^|\s)--[a-z-]+/g, '`$&`');
}
