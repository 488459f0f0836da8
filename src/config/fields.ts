import { z } from 'zod';
import { formatBytes, formatDuration, parseDuration } from '../core/time.ts';
import { parseBytes } from './bytes.ts';

/** What docs and error messages say about a key besides its description. */
export interface FieldNote {
  /** What a value looks like, for people: "a duration". */
  expected: string;
  /** A value that would be accepted, as it is typed in YAML. */
  example: string;
}

const typed = z.union([z.string(), z.number()]);

/** A duration typed as `30 min` or `5s` (a bare number is milliseconds); the output is milliseconds. */
export function duration(example: string, limits: { minMs?: number; maxMs?: number } = {}) {
  const { minMs = 1, maxMs = 366 * 86_400_000 } = limits;
  return typed
    .transform((value, ctx) => {
      const ms = parseDuration(String(value));
      if (ms === undefined) ctx.addIssue({ code: 'custom', message: 'is not a duration' });
      else if (ms < minMs) ctx.addIssue({ code: 'custom', message: `is less than ${formatDuration(minMs)}` });
      else if (ms > maxMs) ctx.addIssue({ code: 'custom', message: `is more than ${formatDuration(maxMs)}` });
      return ms ?? 0;
    })
    .meta({ expected: 'a duration: a number with ms, s, min, h or d', example });
}

/** A size typed as `2 GB` or `512MiB` (a bare number is bytes); the output is bytes. */
export function size(example: string, limits: { minBytes?: number } = {}) {
  return typed
    .transform((value, ctx) => {
      const bytes = parseBytes(String(value));
      if (bytes === undefined) ctx.addIssue({ code: 'custom', message: 'is not a size' });
      else if (bytes < (limits.minBytes ?? 0))
        ctx.addIssue({ code: 'custom', message: `is less than ${formatBytes(limits.minBytes ?? 0)}` });
      return bytes ?? 0;
    })
    .meta({ expected: 'a size: a number with B, KB, MB, GB or TB', example });
}

/** Text that must not be empty and must pass `isValid` where one is given. */
export function textField(note: FieldNote, isValid: (value: string) => boolean = () => true) {
  return z
    .string()
    .refine((value) => value.trim() !== '' && isValid(value), { message: `is not ${note.expected}` })
    .meta({ ...note });
}

/** An address with http or https; a trailing slash is added or removed as asked, so that paths can be joined. */
export function httpUrl(example: string, ending: 'slash' | 'no slash') {
  return textField({ expected: 'an address that begins with http:// or https://', example }, isHttpUrl).transform((value) => {
    const bare = value.replace(/\/+$/, '');
    return ending === 'slash' ? `${bare}/` : bare;
  });
}
function isHttpUrl(value: string): boolean {
  const url = URL.parse(value);
  return (
    url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  );
}

/** A whole number within limits. */
export function whole(example: number, limits: { min: number; max: number }) {
  const { min, max } = limits;
  return z
    .number()
    .refine((value) => Number.isInteger(value) && value >= min && value <= max, { message: `is not between ${min} and ${max}` })
    .meta({ expected: `a whole number from ${min} to ${max}`, example: String(example) });
}
