import { sleep } from '../../../core/time.ts';
import { sql } from '../../../db/query.ts';
import { memoryOf } from '../processes.ts';
import type { Side } from './side.ts';

export interface Storm {
  /** Milliseconds from the first failure. */
  firstMessageMs: number;
  allStoredMs: number;
  causesReadMs: number | undefined;
  posts: number;
  edits: number;
  /** Bytes more than before, at the highest. */
  growth: number;
}

/** Every job of a fleet fails within a second, all of one cause; one minute is looked at. */
export async function measureStorm(side: Side, size: number): Promise<Storm> {
  const before = (await memoryOf([side.sluicePid()])).resident;
  let peak = before;
  const startedAt = Date.now();
  const first = side.slack.people
    .as('emma')
    .sees((m) => /the storage does not answer|jobs failed/.test(m.text), { channel: 'flink-alerts', timeoutMs: 120_000, since: 'start' })
    .then(() => Date.now() - startedAt);
  const batches = 10;
  for (let batch = 0; batch < batches; batch++) {
    const from = Math.round((batch * size) / batches);
    const to = Math.round(((batch + 1) * size) / batches);
    side.fleet.fail(
      Array.from({ length: to - from }, (_, n) => from + n),
      'java.io.IOException: the storage does not answer',
    );
    await sleep(Math.max(0, startedAt + (batch + 1) * 100 - Date.now()));
  }
  let allStoredMs: number | undefined;
  let causesReadMs: number | undefined;
  while (Date.now() - startedAt < 60_000) {
    peak = Math.max(peak, (await memoryOf([side.sluicePid()])).resident);
    if (allStoredMs === undefined && (await countOf(side, sql`select count(*) as n from incidents where state = 'firing'`)) >= size)
      allStoredMs = Date.now() - startedAt;
    if (
      allStoredMs !== undefined &&
      causesReadMs === undefined &&
      (await countOf(side, sql`select count(*) as n from runs where last_words_due`)) === 0
    )
      causesReadMs = Date.now() - startedAt;
    await sleep(250);
  }
  const calls = side.slack.practice.journal().filter((entry) => entry.direction === 'in' && entry.at >= startedAt);
  return {
    firstMessageMs: await first,
    allStoredMs: allStoredMs ?? Number.NaN,
    causesReadMs,
    posts: calls.filter((entry) => entry.what === 'chat.postMessage').length,
    edits: calls.filter((entry) => entry.what === 'chat.update').length,
    growth: peak - before,
  };
}
async function countOf(side: Side, query: ReturnType<typeof sql>): Promise<number> {
  const { rows } = await side.database.db.execute<{ n: string }>(query);
  return Number(rows[0]?.n ?? 0);
}
