import { isObject, type Json } from '../types.ts';
import { argumentError, SlackError } from './slack-error.ts';

/** Fields that are JSON inside a form; every other field stays the text that was sent, also when it begins with a brace. */
const jsonFields: Record<string, string> = {
  blocks: 'invalid_blocks_format',
  attachments: 'invalid_attachments',
  metadata: 'invalid_metadata_format',
  view: 'invalid_arguments',
  unfurls: 'invalid_arguments',
};

/** The fields of a form, multipart or JSON body; an empty object for none. */
export async function readBody(body: Buffer | undefined, contentType: string): Promise<Json> {
  if (!body || body.length === 0) return {};
  if (contentType.startsWith('application/json')) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(body.toString('utf8'));
    } catch {
      throw new SlackError('invalid_json');
    }
    if (!isObject(parsed)) throw new SlackError('json_not_object');
    return parsed;
  }
  if (!/^(application\/x-www-form-urlencoded|multipart\/form-data)/.test(contentType)) throw new SlackError('invalid_post_type');
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
    return Object.fromEntries([...form.entries()].map(([key, value]) => [key, typeof value === 'string' ? value : value.name]));
  } catch {
    throw new SlackError('invalid_form_data');
  }
}

/** Decodes the JSON-valued fields of a form. */
export function decodeFields(raw: Json): Json {
  const out: Json = { ...raw };
  for (const [field, error] of Object.entries(jsonFields)) {
    const value = raw[field];
    if (typeof value !== 'string') continue;
    try {
      out[field] = JSON.parse(value);
    } catch {
      throw new SlackError(error);
    }
  }
  return out;
}

/** A text argument; numbers and booleans of JSON bodies count as text. */
export function textArg(args: Json, key: string): string | undefined {
  const value = args[key];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'object') throw argumentError(`must be a string [json-pointer:/${key}]`);
  return String(value);
}
export function requiredArg(args: Json, key: string): string {
  const value = textArg(args, key);
  if (value === undefined) throw argumentError(`missing required field: ${key}`);
  return value;
}
export function flagArg(args: Json, key: string): boolean {
  return ['true', '1'].includes(textArg(args, key) ?? '');
}
export function numberArg(args: Json, key: string, fallback: number, max: number): number {
  const value = textArg(args, key);
  if (value === undefined) return fallback;
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1 || n > max) throw new SlackError('invalid_limit');
  return n;
}
