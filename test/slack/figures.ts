/** How many cases a figure is measured on and with which seed: from the environment, else as given; both are printed with the result. */
export function figure(name: string, fallback: number): { count: number; seed: number } {
  const count = Number(process.env[name] ?? fallback);
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) throw new TypeError(`${name} and SEED must be whole numbers`);
  return { count, seed };
}

/** A small generator of random numbers that a seed repeats (mulberry32). */
export function randomOf(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return { whole, pick: <T>(list: readonly T[]): T => list[whole(0, list.length - 1)] as T };
}
export type Random = ReturnType<typeof randomOf>;
