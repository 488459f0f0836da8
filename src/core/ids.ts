import { randomBytes } from 'node:crypto';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** A prefixed random id such as `op_4k2m9x7qw3tz` (60 bits, no look-alike letters). */
export function newId(prefix: string): string {
  const bytes = randomBytes(12);
  let id = '';
  for (const byte of bytes) id += alphabet[byte % 32];
  return `${prefix}_${id}`;
}

/** 32 lower-case hex digits: the form of Flink's job ids and trigger ids, chosen by us before any request. */
export function newFlinkId(): string {
  return randomBytes(16).toString('hex');
}

/** An opaque secret of 256 bits, URL-safe. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
