/** One request of an open loop: it is sent at its time, whether earlier ones were answered or not. */
export interface Arrival {
  /** Milliseconds after the begin. */
  atMs: number;
  /** Which of the interleaved sides it goes to. */
  side: number;
  /** Counts the slices of one side from 0; -1 while warming up. */
  slice: number;
}
export interface ArrivalPlan {
  ratePerS: number;
  /** Seconds for each side. */
  seconds: number;
  /** Seconds that one side has without a break. */
  sliceSeconds: number;
  warmUpSeconds: number;
  sides: number;
}

/** A fixed rate to one side at a time, in slices A B A B, after a warm-up of each side that does not count. */
export function planArrivals(plan: ArrivalPlan): Arrival[] {
  const { ratePerS, seconds, sides } = plan;
  const everyMs = 1000 / ratePerS;
  const arrivals: Arrival[] = [];
  let count = 0;
  const add = (side: number, slice: number, n: number) => {
    for (let i = 0; i < n; i++) arrivals.push({ atMs: everyMs * count++, side, slice });
  };
  for (let side = 0; side < sides; side++) add(side, -1, ratePerS * plan.warmUpSeconds);
  for (let done = 0, slice = 0; done < seconds; slice++) {
    const length = Math.min(plan.sliceSeconds, seconds - done);
    for (let side = 0; side < sides; side++) add(side, slice, ratePerS * length);
    done += length;
  }
  return arrivals;
}
