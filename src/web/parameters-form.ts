import { words } from '../commands/parse.ts';
import type { JobDefinition } from '../jobs/jobs.store.ts';
import { assignParameter, flatten, isFlinkKey, ParameterProblem, parameters } from '../jobs/parameters.ts';
import { text } from './fields.ts';

export type FormValues = Record<string, string>;
export type FormErrors = Record<string, string>;

/** A definition as the fields of the form; `flink` holds the free keys, one a line. */
export function formValues(definition: JobDefinition): FormValues {
  const values: FormValues = {};
  for (const p of parameters) values[p.key] = p.show(definition) ?? '';
  values['flink'] = Object.keys(definition.flink)
    .sort()
    .map((key) => `${key}: ${definition.flink[key]}`)
    .join('\n');
  return values;
}
/** What was typed, by field; a field that the form did not send keeps what the definition says. */
export function typedValues(definition: JobDefinition, body: unknown): FormValues {
  const values = formValues(definition);
  for (const key of Object.keys(values))
    if (typeof body === 'object' && body !== null && Object.hasOwn(body, key)) values[key] = text(body, key).replace(/\r\n?/g, '\n');
  return values;
}

export interface Change {
  key: string;
  value: string;
  /** The field that it was typed in. */
  field: string;
}
/** What the typed values change, with the sentences about those that cannot be used. */
export function readChanges(definition: JobDefinition, values: FormValues): { changes: Change[]; errors: FormErrors } {
  const changes: Change[] = [];
  const errors: FormErrors = {};
  for (const p of parameters) {
    const value = (values[p.key] ?? '').trim();
    if (value !== (p.show(definition) ?? '').trim()) changes.push({ key: p.key, value, field: p.key });
  }
  const flink = flinkLines(values['flink'] ?? '');
  const problems = [...flink.problems];
  for (const [key, value] of flink.keys) if (definition.flink[key] !== value) changes.push({ key, value, field: 'flink' });
  for (const key of Object.keys(definition.flink)) if (!flink.keys.has(key)) changes.push({ key, value: '', field: 'flink' });
  for (const { key, value, field } of changes) {
    try {
      assignParameter(definition, key, value);
    } catch (error) {
      if (!(error instanceof ParameterProblem)) throw error;
      if (field === 'flink') problems.push(error.message);
      else errors[field] = error.message;
    }
  }
  if (problems.length > 0) errors['flink'] = problems.join(' ');
  return { changes, errors };
}

/** `key: value` or `key=value` lines; empty lines and those that begin with # are left out. */
function flinkLines(value: string): { keys: Map<string, string>; problems: string[] } {
  const keys = new Map<string, string>();
  const problems: string[] = [];
  for (const [i, line] of value.split('\n').entries()) {
    const clean = line.trim();
    if (clean === '' || clean.startsWith('#')) continue;
    const match = /^([^\s:=]+)\s*[:=]\s*(.*)$/.exec(clean);
    const key = match?.[1] ?? '';
    if (!match) problems.push(`Line ${i + 1}, ${clean}, is no "key: value".`);
    else if (!isFlinkKey(key)) problems.push(`Line ${i + 1}: ${key} is no Flink key; they look like taskmanager.memory.process.size.`);
    else if (match[2] === '') problems.push(`Line ${i + 1}: ${key} has no value; remove the line to unset it.`);
    else if (keys.has(key)) problems.push(`Line ${i + 1}: ${key} is there twice.`);
    else keys.set(key, match[2] ?? '');
  }
  return { keys, problems };
}

/** Fields that somebody else changed since the form was made, with what they say now. */
export function clashes(base: JobDefinition, current: JobDefinition, changes: readonly Change[]): FormErrors {
  const [before, now] = [flatten(base), flatten(current)];
  const errors: FormErrors = {};
  for (const { key, value, field } of changes) {
    const says = now.get(key);
    if (before.get(key) !== says && (says ?? '') !== value)
      errors[field] = `${field === 'flink' ? `${key} was` : 'This was'} changed meanwhile: it is ${says ?? 'not set'} now.`;
  }
  return errors;
}

/**
 * The changes as the command that Slack would be given: `set etl-orders parallelism=4 "args=--rate 200"`. Errors for values that a
 * command line cannot carry unchanged.
 */
export function setCommand(job: string, changes: readonly Change[]): { line: string; errors: FormErrors } {
  const errors: FormErrors = {};
  const line = ['set', job, ...changes.map((c) => quoteAll(`${c.key}=${c.value}`))].join(' ');
  for (const c of changes) {
    const wanted = `${c.key}=${c.value}`;
    if (!survives(quoteAll(wanted), [wanted]))
      errors[c.field] =
        'This cannot be saved: it holds both kinds of quotes, curly quotes or invisible characters. Use straight quotes of one kind.';
  }
  if (Object.keys(errors).length === 0 && !survives(line, ['set', job, ...changes.map((c) => `${c.key}=${c.value}`)]))
    errors['form'] = 'Nothing was saved: so much at once is too long for one command. Save a part of it first.';
  return { line, errors };
}
function quoteAll(word: string): string {
  return word.includes('"') ? `'${word}'` : `"${word}"`;
}
function survives(line: string, wanted: readonly string[]): boolean {
  try {
    const got = words(line);
    return got.length === wanted.length && got.every((word, i) => word === wanted[i]);
  } catch {
    return false;
  }
}
