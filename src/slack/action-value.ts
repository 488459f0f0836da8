import { z } from 'zod';
import { clean } from '../core/clean.ts';
import type { Action } from '../core/message.ts';
import { truncate } from '../core/text.ts';

/**
 * What a button's value carries: the command line and, for actions that ask something first, the form. Short keys, because Slack allows
 * 2,000 characters and the button must work after a restart, so nothing of it is kept elsewhere.
 */
export interface ActionValue {
  /** Command line with `{input}` and `{choice}` still in it. */
  c: string;
  /** Typed value: title, label, placeholder, optional, multiline. */
  i?: { t: string; l: string; p?: string; o?: 1; m?: 1 };
  /** Choice: title, label, what all values begin with, options as [label, rest of the value, description], how many are left out. */
  o?: { t: string; l: string; p: string; v: ([string, string] | [string, string, string])[]; x?: number };
}
const flag = z.literal(1).optional();
const option = z.union([z.tuple([z.string(), z.string()]), z.tuple([z.string(), z.string(), z.string()])]);
const valueSchema = z.object({
  c: z.string(),
  i: z.object({ t: z.string(), l: z.string(), p: z.string().optional(), o: flag, m: flag }).optional(),
  o: z.object({ t: z.string(), l: z.string(), p: z.string(), v: z.array(option), x: z.number().optional() }).optional(),
});

/** Slack's limit of a button's value. */
const valueLimit = 2000;
/** Slack's limit of a select's options. */
const optionLimit = 100;

/**
 * The value of a command's button, undefined if it cannot be one: it does not fit, or it holds a secret, which must not travel through
 * Slack. Of a choice that is too long the descriptions go first, then options from the end (counted in `x`).
 */
export function encodeAction(action: Action): string | undefined {
  const { command, input, choice } = action;
  if (command === undefined || clean(command) !== command) return undefined;
  const value: ActionValue = { c: command };
  if (input) {
    value.i = { t: short(input.title, 60), l: short(input.label, 150) };
    if (input.placeholder) value.i.p = short(input.placeholder, 100);
    if (input.optional) value.i.o = 1;
    if (input.multiline) value.i.m = 1;
  }
  if (!choice) return fitting(value);
  const options = choice.options.filter((o) => clean(o.value) === o.value);
  const prefix = commonPrefix(options.map((o) => o.value));
  const full = options.slice(0, optionLimit).map((o): [string, string, string] => {
    return [short(o.label, 75) || '–', o.value.slice(prefix.length), short(o.description ?? '', 75)];
  });
  for (const describe of [true, false]) {
    for (let kept = full.length; kept > 0; kept = describe ? 0 : kept - 1) {
      const v = full.slice(0, kept).map(([l, s, d]): [string, string] | [string, string, string] => (describe && d ? [l, s, d] : [l, s]));
      const left = choice.options.length - kept;
      const o = { t: short(choice.title, 60), l: short(choice.label, 150), p: prefix, v, ...(left > 0 ? { x: left } : {}) };
      const json = fitting({ ...value, o });
      if (json !== undefined) return json;
    }
  }
  return undefined;
}
function fitting(value: ActionValue): string | undefined {
  const json = JSON.stringify(value);
  return json.length <= valueLimit ? json : undefined;
}
function short(value: string, limit: number): string {
  return truncate(clean(value.slice(0, 1000)), limit);
}
function commonPrefix(values: string[]): string {
  let prefix = values[0] ?? '';
  for (const value of values) while (!value.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}

/** Reads a button's value; undefined if it was not made here. */
export function decodeAction(value: string): ActionValue | undefined {
  try {
    const parsed = valueSchema.safeParse(JSON.parse(value));
    return parsed.success ? (parsed.data as ActionValue) : undefined;
  } catch {
    return undefined;
  }
}
