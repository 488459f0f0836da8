import { z } from 'zod';
import type { FieldNote } from './fields.ts';

/** What a schema says about itself: notes of the schema and of everything that it wraps. */
export interface SchemaNotes extends Partial<FieldNote> {
  description?: string;
  /** The value must never be shown. */
  secret?: boolean;
  /** As typed, before any transformation. */
  default?: unknown;
  optional: boolean;
}

/** The notes of a schema, the outermost word winning. */
export function notesOf(schema: z.ZodType): SchemaNotes {
  const inner = innerOf(schema);
  const below = inner === undefined ? { optional: false } : notesOf(inner);
  const notes: SchemaNotes = { ...below, ...(schema.meta() as Partial<SchemaNotes> | undefined) };
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault)
    return { ...notes, optional: true, default: schema.def.defaultValue };
  if (schema instanceof z.ZodOptional) return { ...notes, optional: true };
  return notes;
}

/** The keys of an object schema, also when it is optional or has a default; undefined if it is no object. */
export function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const base = unwrap(schema);
  if (base instanceof z.ZodObject) return base.shape as Record<string, z.ZodType>;
  // Of several kinds every key is one that may be meant.
  if (!(base instanceof z.ZodUnion)) return undefined;
  const shapes = base.options.map((option) => shapeOf(option as z.ZodType));
  return shapes.every((shape) => shape !== undefined) ? Object.assign({}, ...shapes) : undefined;
}

/** The schema of the elements of a list; undefined if it is no list. */
export function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const base = unwrap(schema);
  return base instanceof z.ZodArray ? (base.element as z.ZodType) : undefined;
}

/** The schema that describes the value at a path of keys and indexes; undefined if there is none. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const base = unwrap(schema);
  if (base instanceof z.ZodObject) return descend((base.shape as Record<string, z.ZodType>)[String(key)], rest);
  if (base instanceof z.ZodArray) return descend(base.element as z.ZodType, rest);
  if (base instanceof z.ZodRecord) return descend(base.valueType as z.ZodType, rest);
  if (base instanceof z.ZodUnion) {
    for (const option of base.options as z.ZodType[]) {
      const found = schemaAt(option, path);
      if (found) return found;
    }
  }
  return undefined;
}
function descend(schema: z.ZodType | undefined, rest: readonly PropertyKey[]): z.ZodType | undefined {
  return schema && schemaAt(schema, rest);
}

/** The schema without its defaults, its optionality and its transformations: what a person types. */
export function unwrap(schema: z.ZodType): z.ZodType {
  const inner = innerOf(schema);
  return inner === undefined ? schema : unwrap(inner);
}
function innerOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodPipe) return schema.def.in as z.ZodType;
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly
  ) {
    return schema.def.innerType as z.ZodType;
  }
  return undefined;
}
