import { quoteWord } from '../core/text.ts';
import { Missing, optionWords, parseCommand } from './parse.ts';
import type { Command } from './spec.ts';
import { quoteTyped } from './typed-word.ts';

/** One thing that a form asks for. `words`: typed words that stay separate; `restore-point`: one of the chosen job's. */
export interface QuestionField {
  name: string;
  kind: 'job' | 'restore-point' | 'text' | 'words';
  label: string;
  /** How a usage shows it, for example `<path>`. */
  shown: string;
}
/** What a command line leaves out, from the command table alone: the job first, then what else the command needs. */
export interface Question {
  command: Command;
  /** The line as it was typed. */
  line: string;
  fields: readonly QuestionField[];
  /** The whole line, from the values of the fields by name; a value that is not there is left out. */
  complete(values: Readonly<Record<string, string | undefined>>): string;
}

/** Longest line, as JSON, that a form keeps (Slack: 3,000 characters of `private_metadata`, with room for where the answer goes). */
const lineAtMost = 2000;

/** What a form can ask for when a line names no job; undefined when it names one, or needs none, or cannot be understood. Never throws. */
export function questionOf(line: string, commands: readonly Command[]): Question | undefined {
  if (JSON.stringify(line).length > lineAtMost) return undefined;
  try {
    parseCommand(line, commands);
  } catch (error) {
    if (error instanceof Missing && error.argument.kind === 'job') return askedFor(line, error);
  }
  return undefined;
}

function askedFor(line: string, { command, given, options }: Missing): Question | undefined {
  const [first, ...others] = command.arguments;
  if (first?.kind !== 'job') return undefined;
  const fields: QuestionField[] = [{ name: first.name, kind: 'job', label: 'Job', shown: `<${first.name}>` }];
  const typed = [...given];
  const slots: (values: Readonly<Record<string, string | undefined>>) => string[] = (values) => {
    const rest = [...given];
    return others.flatMap((argument) => {
      const own = argument.kind === 'rest' ? rest.splice(0) : rest.splice(0, 1);
      if (own.length > 0) return own.map(quoteWord);
      const value = values[argument.name];
      if (value === undefined) return [];
      return [argument.kind === 'rest' ? value.replace(/\s+/g, ' ').trim() : quoteTyped(value, false)];
    });
  };
  for (const argument of others) {
    const own = argument.kind === 'rest' ? typed.splice(0) : typed.splice(0, 1);
    if (own.length === 0 && argument.required)
      fields.push({
        name: argument.name,
        kind: argument.kind === 'rest' ? 'words' : 'text',
        label: argument.summary,
        shown: `<${argument.name}>`,
      });
  }
  // More words than the command takes: that is for the person to mend, not for a form.
  if (typed.length > 0) return undefined;
  const asked = Object.entries(command.options).filter(
    ([name, { form }]) => form && [name, ...(form.instead ?? [])].every((other) => options[other] === undefined),
  );
  for (const [name, { form, value }] of asked)
    if (form) fields.push({ name, kind: form.ask, label: form.label, shown: `<${value ?? name}>` });
  return {
    command,
    line,
    fields,
    complete(values) {
      const job = values[first.name];
      const added = asked.flatMap(([name]) => {
        const value = values[name];
        return value === undefined ? [] : [`--${name}`, quoteTyped(value, true)];
      });
      return [
        command.name,
        ...(job === undefined ? [] : [quoteTyped(job, false)]),
        ...slots(values),
        ...optionWords(options),
        ...added,
      ].join(' ');
    },
  };
}

/** The job whose restore points `{choice}` stands for in a button's line; undefined when it stands for something else. Never throws. */
export function restorePointsIn(line: string, commands: readonly Command[]): { command: Command; job: string } | undefined {
  try {
    const parsed = parseCommand(line, commands);
    if (parsed.is === 'empty') return undefined;
    const { command, args } = parsed;
    const chosen = Object.entries(command.options).some(
      ([name, { form }]) => form?.ask === 'restore-point' && args.options[name] === '{choice}',
    );
    const job = args.values['job'];
    return chosen && job !== undefined ? { command, job } : undefined;
  } catch {
    return undefined;
  }
}
