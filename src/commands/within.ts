import { sleep } from '../core/time.ts';
import { storeUnreachable } from '../db/failures.ts';

/** The result if it is there within the time, else undefined; the work goes on. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([work, sleep(ms, timer.signal).then(() => undefined)]);
  } finally {
    timer.abort();
  }
}

/** How long the first look into the state store may take. Nothing is begun before it, so giving up loses nothing. */
const firstLookMs = 2000;

/**
 * What a first look into the state store finds. @throws UnreachableError within 2 s when the store does not answer: Slack waits 3 s, and a
 * frozen server would be waited for longer than that.
 */
export async function firstLook<T>(work: Promise<T>): Promise<T> {
  const found = await within(
    work.then((value) => ({ value })),
    firstLookMs,
  );
  if (found) return found.value;
  throw storeUnreachable(new Error(`no answer within ${firstLookMs} ms`), 'nothing');
}
