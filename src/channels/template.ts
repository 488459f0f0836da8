import { placeholderPattern } from '../config/channels.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * A template with its placeholders replaced: parsed JSON in, JSON out, so that no value can break out of its text. A text that is one
 * placeholder becomes the value itself (a list, an object, null); inside a longer text a value is written out, JSON where it is no text.
 * Values are never looked into for placeholders, keys are left alone, unknown placeholders stay as they are.
 */
export function fillTemplate(template: Json, values: Readonly<Record<string, Json>>): Json {
  if (typeof template === 'string') return fillText(template, values);
  if (Array.isArray(template)) return template.map((item) => fillTemplate(item, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fillTemplate(value, values)]));
}

function fillText(text: string, values: Readonly<Record<string, Json>>): Json {
  const whole = /^\{\{\s*([\w.]+)\s*\}\}$/.exec(text)?.[1];
  if (whole !== undefined && Object.hasOwn(values, whole)) return values[whole] ?? null;
  return text.replace(placeholderPattern, (found, name: string) => (Object.hasOwn(values, name) ? written(values[name] ?? null) : found));
}
function written(value: Json): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
