import type { Part } from '../../core/message.ts';

/** A table of what differs, one parameter a row. */
export function diffTable(
  differences: readonly { key: string; before: string | undefined; after: string | undefined }[],
  before: string,
  after: string,
): Part {
  return {
    kind: 'table',
    columns: ['Parameter', before, after],
    rows: differences.map((d) => [d.key, d.before ?? '(not set)', d.after ?? '(not set)']),
  };
}
