/** Cuts a list into pieces of at most `size`, in its order. Pure. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  const pieces: T[][] = [];
  for (let at = 0; at < items.length; at += size) pieces.push(items.slice(at, at + size));
  return pieces;
}

/**
 * Does the work for one item after the other, some at a time, and begins none once the time is over.
 * @returns how many were begun; all of those are done. @throws what the work throws, after the others that are under way have ended.
 */
export async function eachWithin<T>(
  items: readonly T[],
  limits: { atOnce: number; forMs: number },
  work: (item: T) => Promise<void>,
): Promise<number> {
  const until = performance.now() + limits.forMs;
  let next = 0;
  const worker = async () => {
    while (next < items.length && (next === 0 || performance.now() < until)) await work(items[next++] as T);
  };
  const done = await Promise.allSettled(Array.from({ length: Math.min(limits.atOnce, items.length) }, worker));
  const failed = done.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return next;
}
