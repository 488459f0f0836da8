import type { z } from 'zod';
import { variables } from './environment.ts';
import { elementOf, notesOf, shapeOf } from './introspect.ts';
import { Settings } from './schema.ts';

/** One key of `sluice.yaml`, as the docs show it. */
export interface KeyRow {
  /** `builds.timeout`, `admins[].userId`. */
  key: string;
  description: string;
  expected: string | undefined;
  example: string | undefined;
  /** As typed; undefined where there is none. */
  default: string | undefined;
  /** The variable that overrides it. */
  variable: string | undefined;
  /** A group of keys: `slack`, `builds`. */
  isGroup: boolean;
}

/** Every key of `sluice.yaml` in the order of the schema, a group before its keys. */
export function describeSettings(schema: z.ZodType = Settings, path: readonly string[] = []): KeyRow[] {
  const rows: KeyRow[] = [];
  for (const [name, field] of Object.entries(shapeOf(schema) ?? {})) {
    const here = [...path, name];
    const row = rowOf(field, here);
    rows.push(row);
    const element = elementOf(field);
    if (row.isGroup) rows.push(...describeSettings(field, here));
    else if (element && shapeOf(element)) rows.push(...describeSettings(element, [...path, `${name}[]`]));
  }
  return rows;
}

function rowOf(field: z.ZodType, path: readonly string[]): KeyRow {
  const notes = notesOf(field);
  // What is typed in one line, as the place of a secret is, says what is expected of it as a whole.
  const isGroup = shapeOf(field) !== undefined && notes.expected === undefined;
  return {
    key: path.join('.'),
    description: notes.description ?? '',
    expected: notes.expected,
    example: notes.example,
    default:
      isGroup || notes.default === undefined
        ? undefined
        : typeof notes.default === 'string'
          ? notes.default
          : JSON.stringify(notes.default),
    variable: variables.find((v) => v.path?.join('.') === path.join('.'))?.name,
    isGroup,
  };
}
