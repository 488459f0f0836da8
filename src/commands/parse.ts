import { parseArgs } from 'node:util';
import parseArgv from 'string-argv';
import { UserError } from '../core/errors.ts';
import { actions, text } from '../core/message.ts';
import { nearest, quoteWord, stripControls } from '../core/text.ts';
import { type Args, type Command, commandButton, Reply, usageOf } from './spec.ts';

const maxLength = 3000;

export type Parsed = { is: 'command'; command: Command; args: Args; words: string[] } | { is: 'empty' };

/** What chat clients do to text, undone: curly quotes, long dashes, odd spaces, backticks around everything. */
export function normalise(line: string): string {
  return stripControls(line)
    .replace(/[\u201c\u201d\u201e\u00ab\u00bb]/g, '"')
    .replace(/[\u2018\u2019\u201a]/g, "'")
    .replace(/(^|\s)[\u2014\u2013](?=\w)/g, '$1--')
    .replace(/[\u00a0\u2007\u202f]/g, ' ')
    .trim()
    .replace(/^`+|`+$/g, '')
    .trim();
}

/** Splits a line into words. @throws UserError for a quote that does not close, or a line that is too long. */
export function words(line: string): string[] {
  const clean = normalise(line);
  if (clean.length > maxLength)
    throw new UserError(`That command is ${clean.length} characters long; at most ${maxLength} are read.`, {
      hint: 'Put long values into a file, or on the page of the job.',
    });
  const open = unclosedQuote(clean);
  if (open) throw new UserError(`The quote ${open} does not close.`, { hint: `Add a ${open} at the end of the value, or leave both out.` });
  return parseArgv(clean);
}
/** The quote that is still open at the end; an apostrophe inside a word is no quote. */
function unclosedQuote(line: string): string | undefined {
  let quote: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const ch = line[i]!;
    if (quote) {
      if (ch === quote) quote = undefined;
    } else if (ch === '"' || (ch === "'" && !/\w/.test(line[i - 1] ?? ''))) quote = ch;
  }
  return quote;
}

/**
 * Parses a command line into exactly one command with its arguments.
 * @param impliedJob the job of the thread it was said in, used when the job is left out.
 * @throws UserError or Reply (did you mean, usage) for anything else.
 */
export function parseCommand(line: string, commands: readonly Command[], impliedJob?: string): Parsed {
  const all = words(line);
  const [verb, ...rest] = all;
  if (verb === undefined) return { is: 'empty' };
  const wanted = verb.toLowerCase();
  const command = commands.find((c) => c.name === wanted || c.aliases?.includes(wanted));
  if (!command) throw unknownVerb(verb, rest, commands);
  return { is: 'command', command, args: parseArguments(command, rest, impliedJob), words: all };
}

function unknownVerb(verb: string, rest: readonly string[], commands: readonly Command[]): Reply {
  const shown = commands.filter((c) => !c.hidden);
  const names = nearest(
    verb,
    shown.flatMap((c) => [c.name, ...(c.aliases ?? [])]),
  );
  const tail = rest.map(quoteWord).join(' ');
  if (names.length === 0)
    return new Reply(
      `There is no command ${verb}.`,
      text('Known: ', shown.map((c) => c.name).join(', '), '.'),
      actions(commandButton('Help', 'help')),
    );
  return new Reply(
    `There is no command ${verb}. Did you mean ${names[0]}?`,
    text('Nothing was done.'),
    actions(...names.map((name) => commandButton(`${name} ${tail}`.trim().slice(0, 70), `${name} ${tail}`.trim()))),
  );
}

function parseArguments(command: Command, rest: readonly string[], impliedJob: string | undefined): Args {
  const optionSpecs = { help: { summary: 'Show how it is used.' }, ...command.options };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...rest],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        Object.entries(optionSpecs).map(([name, o]) => [name, { type: 'value' in o ? ('string' as const) : ('boolean' as const) }]),
      ),
    });
  } catch (error) {
    throw optionProblem(command, rest, error as NodeJS.ErrnoException);
  }
  const options = parsed.values as Args['options'];
  const given = [...parsed.positionals];
  const values: Record<string, string | undefined> = {};
  const restWords: string[] = [];
  const [first] = command.arguments;
  if (first?.kind === 'job' && impliedJob && given.length < command.arguments.filter((a) => a.required).length) given.unshift(impliedJob);
  for (const argument of command.arguments) {
    if (argument.kind === 'rest') {
      restWords.push(...given.splice(0));
      values[argument.name] = restWords.length > 0 ? restWords.join(' ') : undefined;
      if (argument.required && restWords.length === 0 && !options['help']) throw missing(command, argument.name);
      continue;
    }
    const value = given.shift();
    if (value === undefined && argument.required && !options['help']) throw missing(command, argument.name);
    values[argument.name] = value;
  }
  if (given.length > 0 && !options['help']) throw tooMany(command, values, given);
  return { values, options, rest: restWords };
}

function usage(command: Command) {
  return [
    text('Usage: ', { code: `/flink ${usageOf(command)}` }),
    text('Example: ', { code: `/flink ${command.examples[0] ?? command.name}` }),
  ];
}
function missing(command: Command, name: string): Reply {
  return new Reply(
    `${command.name} needs ${name === 'job' ? 'the name of a job' : `a ${name}`}.`,
    ...usage(command),
    ...(name === 'job' ? [actions(commandButton('List the jobs', 'list'))] : []),
  );
}
function tooMany(command: Command, values: Record<string, string | undefined>, extra: readonly string[]): Reply {
  const first = command.arguments[0];
  const joined = first?.kind === 'job' ? [values[first.name], ...extra].join('-') : undefined;
  return new Reply(
    `${command.name} was given more than it takes: ${extra.join(' ')}.`,
    text('Job names have no spaces. Nothing was done.'),
    ...usage(command),
    ...(joined ? [actions(commandButton(`${command.name} ${joined}`.slice(0, 70), `${command.name} ${joined}`))] : []),
  );
}
function optionProblem(command: Command, rest: readonly string[], error: NodeJS.ErrnoException): Reply {
  const typed = /'(-[^']*?)(?:[ =<][^']*)?'/.exec(error.message)?.[1] ?? rest.find((word) => word.startsWith('-')) ?? '';
  const name = typed.replace(/^-+/, '').replace(/=.*/, '');
  const known = Object.keys(command.options);
  if (known.includes(name)) {
    const value = command.options[name]?.value;
    return new Reply(
      value ? `--${name} needs a value: --${name} <${value}>.` : `--${name} is a switch and takes no value.`,
      ...usage(command),
    );
  }
  const near = nearest(name, known, 1)[0];
  if (!near)
    return new Reply(
      `${command.name} has no option ${typed}.`,
      text(known.length > 0 ? `It knows ${known.map((k) => `--${k}`).join(', ')}.` : 'It has no options.'),
      ...usage(command),
    );
  const corrected = [
    command.name,
    ...rest.map((word) => quoteWord(word === typed || word.startsWith(`${typed}=`) ? word.replace(typed, `--${near}`) : word)),
  ].join(' ');
  return new Reply(
    `${command.name} has no option ${typed}. Did you mean --${near}?`,
    text('Nothing was done.'),
    actions(commandButton(corrected.slice(0, 70), corrected)),
  );
}
