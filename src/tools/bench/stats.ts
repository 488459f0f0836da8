/** A sample in the order of its size. */
function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** The value that this share of a sample (0 to 1) does not exceed, by nearest rank; NaN for an empty sample. */
export function percentile(values: readonly number[], share: number): number {
  const all = sorted(values);
  return all[Math.max(0, Math.ceil(share * all.length) - 1)] ?? Number.NaN;
}

/** The middle of a sample, of two middles their mean; NaN for an empty sample. */
export function median(values: readonly number[]): number {
  const all = sorted(values);
  const upper = all[Math.floor(all.length / 2)] ?? Number.NaN;
  return all.length % 2 === 1 ? upper : (upper + (all[all.length / 2 - 1] ?? Number.NaN)) / 2;
}

/** What each pair differs by, first minus second; what has no partner is left out. */
export function differences(first: readonly number[], second: readonly number[]): number[] {
  return first.slice(0, second.length).map((value, i) => value - (second[i] as number));
}

/** How much a sample that is taken at even distances grows from one to the next, by least squares; 0 for fewer than two. */
export function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return spread === 0 ? 0 : values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / spread;
}

/** Milliseconds for a table: `0.84 ms`, `12.3 ms`, `412 ms`, `3.91 s`. */
export function formatMs(ms: number): string {
  if (Number.isNaN(ms)) return '-';
  const size = Math.abs(ms);
  if (size < 9.995) return `${ms.toFixed(2)} ms`;
  if (size < 99.95) return `${ms.toFixed(1)} ms`;
  if (size < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(2)} s`;
}

/** A sample in milliseconds for a table: its median, and its smallest and largest value. */
export function formatSpread(values: readonly number[]): string {
  if (values.length === 0) return '-';
  return `${formatMs(median(values))} (${formatMs(Math.min(...values))} to ${formatMs(Math.max(...values))})`;
}
