import { isObject, type Json } from '../types.ts';

/** One thing wrong with a payload, as `blocks.validate` lists it. */
export interface Problem {
  code: string;
  message: string;
  /** JSON pointer, such as `/blocks/0/text/text`. */
  pointer: string;
  /** The limit that was crossed, when it is one. */
  constraint?: number;
}
/** Collects problems; the small checks below all add to one. */
export interface Check {
  problems: Problem[];
  surface: 'message' | 'modal' | 'home';
  blockIds: Set<string>;
  /** Characters of text seen so far, over all blocks. */
  characters: number;
  markdownCharacters: number;
}

/** A check with nothing found yet. */
export function newCheck(surface: Check['surface']): Check {
  return { problems: [], surface, blockIds: new Set(), characters: 0, markdownCharacters: 0 };
}

/** Adds one problem. */
export function bad(check: Check, pointer: string, code: string, message: string, constraint?: number): void {
  check.problems.push({ code, message, pointer, ...(constraint === undefined ? {} : { constraint }) });
}

/** Refuses keys that Slack does not know there, and missing ones. */
export function keys(check: Check, pointer: string, object: Json, required: readonly string[], optional: readonly string[]): void {
  for (const key of required) if (object[key] === undefined) bad(check, pointer, 'missing_field', `missing required field: ${key}`);
  for (const key of Object.keys(object))
    if (key !== 'type' && !required.includes(key) && !optional.includes(key))
      bad(check, pointer, 'invalid_property', `invalid additional property: ${key}`);
}

/** A string of `min` to `max` characters, when present. */
export function string(check: Check, pointer: string, value: unknown, max: number, min = 1): void {
  if (value === undefined) return;
  if (typeof value !== 'string') {
    bad(check, pointer, 'invalid_type', 'must be a string');
    return;
  }
  if (value.length < min) bad(check, pointer, 'too_short', `must be more than ${min - 1} characters`, min);
  if (value.length > max) bad(check, pointer, 'too_long', `must be less than ${max + 1} characters`, max);
}
export function boolean(check: Check, pointer: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') bad(check, pointer, 'invalid_type', 'must be a boolean');
}

/** A list of `min` to `max` objects, when present; returns those objects. */
export function objects(check: Check, pointer: string, value: unknown, min: number, max: number): Json[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    bad(check, pointer, 'invalid_type', 'must be an array');
    return [];
  }
  if (value.length < min) bad(check, pointer, 'too_few', `no fewer than ${min} items allowed`, min);
  if (value.length > max) bad(check, pointer, 'too_many', `no more than ${max} items allowed`, max);
  value.forEach((item, i) => {
    if (!isObject(item)) bad(check, `${pointer}/${i}`, 'invalid_type', 'must be an object');
  });
  return value.filter(isObject);
}

/** A text object (`plain_text` or `mrkdwn`) of at most `max` characters, when present. */
export function textObject(check: Check, pointer: string, value: unknown, max: number, plainOnly = false): void {
  if (value === undefined) return;
  if (!isObject(value)) {
    bad(check, pointer, 'invalid_type', 'must be a text object');
    return;
  }
  const type = value['type'];
  if (type !== 'plain_text' && (plainOnly || type !== 'mrkdwn')) {
    bad(check, `${pointer}/type`, 'unsupported_type', `unsupported type: ${String(type)}`);
    return;
  }
  keys(check, pointer, value, ['text'], type === 'plain_text' ? ['emoji'] : ['verbatim']);
  string(check, `${pointer}/text`, value['text'], max);
  if (typeof value['text'] === 'string') check.characters += value['text'].length;
}
