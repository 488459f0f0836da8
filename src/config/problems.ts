import type { z } from 'zod';
import { ConfigError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { nearest, oneLine, plural, truncate } from '../core/text.ts';
import { notesOf, schemaAt, shapeOf } from './introspect.ts';

/** One thing that is wrong with what an admin wrote, in words for them. */
export interface ConfigProblem {
  /** `sluice.yaml:3:7`, `environment` or `command line`. */
  where: string;
  /** The key (`builds.timeout`) or the variable (`SLUICE_PORT`). */
  key: string;
  problem: string;
  expected?: string | undefined;
  example?: string | undefined;
  /** The valid key or value that was probably meant. */
  nearest?: string | undefined;
}

/** Where a value or a key stands; the problem's `where`. */
export type Locate = (path: readonly PropertyKey[], part: 'key' | 'value') => string;

/** The problems of a value that a schema refused, in the order of the schema's issues. */
export function problemsOf(error: z.ZodError, schema: z.ZodType, value: unknown, locate: Locate): ConfigProblem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [valueProblem(issue, schema, value, locate)];
    const known = Object.keys(shapeOf(schemaAt(schema, issue.path) ?? schema) ?? {});
    return issue.keys.map((key) => ({
      where: locate([...issue.path, key], 'key'),
      key: pathToText([...issue.path, key]),
      problem: 'is no key that Sluice knows',
      expected: `one of ${known.join(', ')}`,
      nearest: nearest(key, known, 1)[0],
    }));
  });
}

function valueProblem(issue: z.core.$ZodIssue, schema: z.ZodType, root: unknown, locate: Locate): ConfigProblem {
  const value = valueAt(root, issue.path);
  const at = schemaAt(schema, issue.path);
  const notes = at ? notesOf(at) : undefined;
  const missing = value === undefined;
  const shown = notes?.secret ? 'the value' : show(value);
  return {
    where: locate(issue.path, missing ? 'key' : 'value'),
    key: pathToText(issue.path),
    problem: missing ? 'is missing' : `${shown} ${isOurs(issue) ? issue.message : 'cannot be used here'}`,
    expected: notes?.expected ?? expectedBy(issue),
    example: notes?.example,
    nearest: issue.code === 'invalid_value' && typeof value === 'string' ? nearest(value, issue.values.map(String), 1)[0] : undefined,
  };
}
function isOurs(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'custom';
}
function expectedBy(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code !== 'invalid_type') return issue.code === 'custom' ? undefined : issue.message;
  const words: Record<string, string> = {
    object: 'a group of keys',
    record: 'a group of keys',
    array: 'a list',
    string: 'text',
    number: 'a number',
  };
  return words[issue.expected] ?? issue.expected;
}
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of keys';
  return truncate(redact(oneLine(JSON.stringify(value) ?? String(value))), 60);
}
function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = root;
  for (const key of path) value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  return value;
}

/** `admins[0].userId`. */
function pathToText(path: readonly PropertyKey[]): string {
  let out = '';
  for (const key of path) out += typeof key === 'number' ? `[${key}]` : `${out ? '.' : ''}${String(key)}`;
  return out || '(the whole file)';
}

/** One error that tells all problems: the table is in the message, the rows in `details.problems`. */
export function problemsError(problems: readonly ConfigProblem[], what = 'The configuration'): ConfigError {
  return new ConfigError(`${what} has ${plural(problems.length, 'problem')}:\n${problemTable(problems)}`, {
    hint: 'Every key and variable is described in docs/configuration.md.',
    details: { problems },
  });
}

/** The problems as an aligned table: where, which key, what is wrong; what was expected stands below each. */
function problemTable(problems: readonly ConfigProblem[]): string {
  const wheres = Math.max(...problems.map((p) => p.where.length));
  const keys = Math.max(...problems.map((p) => p.key.length));
  const indent = ' '.repeat(wheres + keys + 6);
  return problems
    .map((p) => {
      const lines = [`  ${p.where.padEnd(wheres)}  ${p.key.padEnd(keys)}  ${p.problem}`];
      if (p.nearest) lines.push(`${indent}did you mean ${p.nearest}?`);
      if (p.expected) lines.push(`${indent}expected ${p.expected}${p.example ? `, for example ${p.example}` : ''}`);
      return lines.join('\n');
    })
    .join('\n');
}
