import { createHash } from 'node:crypto';

/** The hash that an approval is bound to: of the facts that decide what would happen, with sorted keys, without ages and texts. */
export function planHash(facts: Record<string, unknown>): string {
  return createHash('sha256').update(stable(facts)).digest('hex').slice(0, 16);
}
function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`;
  if (value && typeof value === 'object')
    return `{${Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${stable((value as Record<string, unknown>)[key])}`)
      .join(',')}}`;
  return JSON.stringify(value) ?? 'null';
}
