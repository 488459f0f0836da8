/** Chances that come out the same for the same seed (mulberry32), so that a run can be made again. */
export interface Chance {
  seed: number;
  /** 0 <= n < 1 */
  next(): number;
  /** Whole number from `from` up to and including `to`. */
  whole(from: number, to: number): number;
  of<T>(items: readonly T[]): T;
  /** True once in `n` times. */
  once(n: number): boolean;
}
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    seed,
    next,
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    of(items) {
      return items[Math.floor(next() * items.length)] as (typeof items)[number];
    },
    once: (n) => next() < 1 / n,
  };
}
