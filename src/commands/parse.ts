import { parseArgs } from 'node:util';
import parseArgv from 'string-argv';
import { UserError } from '../core/errors.ts';
import { actions, text } from '../core/message.ts';
import { nearest, quoteWord, stripControls } from '../core/text.ts';
import { type Args, type ArgumentSpec, type Command, commandButton, Reply, usageOf } from './spec.ts';

const maxLength = 3000;

export type Parsed = { is: 'command'; command: Command; args: Args; words: string[] } | { is: 'empty' };

/** What chat clients do to text, undone: curly quotes, long dashes, odd spaces, backticks around words. */
export function normalise(line: string): string {
  return stripControls(line)
    .replace(/[\u201c\u201d\u201e\u00ab\u00bb]/g, '"')
    .replace(/[\u2018\u2019\u201a]/g, "'")
    .replace(/(^|\s)[\u2014\u2013](?=\w)/g, '$1--')
    .replace(/[\u00a0\u2007\u202f]/g, ' ')
    .replace(/`+([^`]*)`+/g, '$1')
    .replace(/^[\s`]+|[\s`]+$/g, '');
}

/** Splits a line into words. @throws UserError for a quote that does not close, or a line that is too long. */
export function words(line: string): string[] {
  const clean = normalise(line);
  if (clean.length > maxLength)
    throw new UserError(`That command is ${clean.length} characters long; at most ${maxLength} are read.`, {
      hint: 'Put long values into a file, or on the page of the job.',
    });
  const { open, line: readable } = withoutApostrophes(clean);
  if (open) throw new UserError(`The quote ${open} does not close.`, { hint: `Add a ${open} at the end of the value, or leave both out.` });
  return parseArgv(readable).map((word) => word.replaceAll(apostrophe, "'"));
}
/** Stands for an apostrophe while the line is split; `normalise` has removed any that was typed. */
const apostrophe = '\0';
/** The line with the apostrophes of words (don't) out of the splitter's way, and the quote that is still open at its end. */
function withoutApostrophes(line: string): { open: string | undefined; line: string } {
  let open: string | undefined;
  let out = '';
  for (let i = 0; i < line.length; i++) {
    const ch = line[i]!;
    const literal = ch === "'" && (open === "'" ? isWordCharacter(line[i + 1]) : open === '"' || isWordCharacter(line[i - 1]));
    out += literal ? apostrophe : ch;
    if (literal) continue;
    if (open) open = ch === open ? undefined : open;
    else if (ch === '"' || ch === "'") open = ch;
  }
  return { open, line: out };
}
function isWordCharacter(ch: string | undefined): boolean {
  return ch !== undefined && /[\p{L}\p{N}_]/u.test(ch);
}

/**
 * Parses a command line into exactly one command with its arguments.
 * @param impliedJob the job of the thread it was said in, used when the job is left out.
 * @throws UserError or Reply (did you mean, usage) for anything else.
 */
export function parseCommand(line: string, commands: readonly Command[], impliedJob?: string): Parsed {
  const typed = words(line);
  // Every example shows the slash command, so people paste it after a mention, too.
  const all = /^\/?flink$/i.test(typed[0] ?? '') ? typed.slice(1) : typed;
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
      args: withValues(command, rest),
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
  const needsNothing = options['help'] === true;
  const given = [...parsed.positionals];
  const values: Record<string, string | undefined> = {};
  const restWords: string[] = [];
  const [first] = command.arguments;
  const tooFew = given.length < command.arguments.filter((a) => a.required).length;
  if (first?.kind === 'job' && impliedJob && (tooFew || !canBeJob(given[0]))) given.unshift(impliedJob);
  // `set parallelism=4`, `use v3`: what stands there is not the job but what follows it.
  if (first?.kind === 'job' && first.required && !needsNothing && given[0] !== undefined && isNoJob(command, given[0], tooFew))
    throw new Missing(command, first, given, options);
  for (const argument of command.arguments) {
    if (argument.kind === 'rest') {
      restWords.push(...given.splice(0));
      values[argument.name] = restWords.length > 0 ? restWords.join(' ') : undefined;
      if (argument.required && restWords.length === 0 && !needsNothing) throw new Missing(command, argument, [], options);
      continue;
    }
    const value = given.shift();
    if (value === undefined && argument.required && !needsNothing) throw new Missing(command, argument, [], options);
    values[argument.name] = value;
  }
  if (given.length > 0 && !needsNothing) throw tooMany(command, values, given, options);
  return { values, options, rest: restWords };
}
/** Options as they would be typed. */
export function optionWords(options: Args['options']): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, quoteWord(value)];
  });
}
/** A version or a change (`v3`, `parallelism=4`) stands where the job was left out. */
function canBeJob(word: string | undefined): boolean {
  return word !== undefined && !/^v\d+$/i.test(word) && !word.includes('=');
}
function isNoJob(command: Command, word: string, tooFew: boolean): boolean {
  if (canBeJob(word)) return false;
  return tooFew || (word.includes('=') && command.arguments.some((a) => a.kind === 'rest'));
}
/** `--reason "- no storage"`: what follows an option with a value is that value, also when it begins with a dash. */
function withValues(command: Command, rest: readonly string[]): string[] {
  const isOption = (word: string) =>
    word.startsWith('--') && (word === '--help' || Object.hasOwn(command.options, word.slice(2).replace(/=.*/s, '')));
  const out: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!;
    const next = rest[i + 1];
    if (word === '--') return [...out, ...rest.slice(i)];
    const takesNext = isOption(word) && command.options[word.slice(2)]?.value !== undefined && next?.startsWith('-') && !isOption(next);
    if (takesNext) out.push(`${word}=${rest[++i]}`);
    else out.push(word);
  }
  return out;
}

function usage(command: Command) {
  return [
    text('Usage: ', { code: `/flink ${usageOf(command)}` }),
    text('Example: ', { code: `/flink ${command.examples[0] ?? command.name}` }),
  ];
}
/** A required argument was left out: the usage, and what there was of the line, from which a form can ask for the rest. */
export class Missing extends Reply {
  readonly command: Command;
  readonly argument: ArgumentSpec;
  /** What stands after the missing argument. */
  readonly given: readonly string[];
  readonly options: Args['options'];
  constructor(command: Command, argument: ArgumentSpec, given: readonly string[], options: Args['options']) {
    super(
      `${command.name} needs ${argument.kind === 'job' ? 'the name of a job.' : `<${argument.name}>: ${argument.summary.replace(/^./, (c) => c.toLowerCase())}`}`,
      ...usage(command),
      ...(argument.kind === 'job' ? [actions(commandButton('List the jobs', 'list'))] : []),
    );
    this.command = command;
    this.argument = argument;
    this.given = given;
    this.options = options;
  }
  /** The line as it was typed. */
  line(): string {
    return [this.command.name, ...this.given.map(quoteWord), ...optionWords(this.options)].join(' ');
  }
}
function tooMany(command: Command, values: Record<string, string | undefined>, extra: readonly string[], options: Args['options']): Reply {
  const [first] = command.arguments;
  const isJob = first?.kind === 'job';
  // `start etl orders --build`: the same line with the name written as names are.
  const name = isJob && command.arguments.length === 1 ? [values[first.name], ...extra].join('-').toLowerCase() : undefined;
  const joined = name && [command.name, quoteWord(name), ...optionWords(options)].join(' ');
  return new Reply(
    `${command.name} was given more than it takes: ${extra.join(' ')}.`,
    text(isJob ? 'Job names have no spaces. Nothing was done.' : 'Nothing was done.'),
    ...usage(command),
    ...(joined ? [actions(commandButton(joined.slice(0, 70), joined))] : []),
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
