import assert from 'node:assert/strict';
import { sleep } from '../../src/core/time.ts';
import { sql } from '../../src/db/query.ts';
import { findOperation } from '../../src/operations/operations.store.ts';
import type { Operation } from '../../src/operations/types.ts';
import { checkHistory } from './history/check.ts';
import type { Violation } from './history/history.ts';
import { type HistorySources, readHistory } from './history/read.ts';
import type { FaultWorld } from './world.ts';

const over = ['succeeded', 'failed', 'canceled', 'parked', 'waiting'];

/** Waits until an operation is over, parked or waits for an approval; what it is then. */
export async function operationEnds(w: FaultWorld, id: string, timeoutMs = 120_000): Promise<Operation> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const op = await findOperation(w.database.db, id);
    if (op && over.includes(op.state)) return op;
    if (performance.now() > until)
      assert.fail(
        `${id} (${op?.kind}) is still ${op?.state} at ${op?.step} after ${timeoutMs} ms\n${w.fleet.replicas.map((r) => r.log().slice(-3000)).join('\n')}`,
      );
    await sleep(50);
  }
}

/** Waits until nothing is under way any more: no operation runs, every message is sent, every process is up. */
export async function settles(w: FaultWorld, timeoutMs = 90_000): Promise<void> {
  const until = performance.now() + timeoutMs;
  await w.fleet.ready();
  for (let calm = 0; calm < 4; ) {
    const { rows } = await w.database.db.execute<{ busy: number; unsent: number; what: string | null }>(sql`
      select (select count(*)::int from operations where state in ('queued', 'running')) as busy,
        (select count(*)::int from outbox_messages where state = 'pending') as unsent,
        (select string_agg(kind || ' ' || job || ' ' || state || ' ' || coalesce(step, ''), '; ') from operations where state in ('queued', 'running')) as what`);
    const { busy = 1, unsent = 1, what } = rows[0] ?? {};
    calm = busy + unsent === 0 && w.fleet.replicas.every((replica) => replica.url && !replica.frozen) ? calm + 1 : 0;
    if (performance.now() > until)
      assert.fail(
        `not calm after ${timeoutMs} ms: ${busy} operations (${what}), ${unsent} messages\n${w.fleet.replicas.map((r) => r.log().slice(-3000)).join('\n')}`,
      );
    await sleep(300);
  }
}

/** Everything that the invariants have to say about a world that has come to rest. */
export async function violationsOf(w: FaultWorld, more: Partial<HistorySources> = {}): Promise<Violation[]> {
  const history = await readHistory({
    db: w.database.db,
    truth: w.flink ? { standalone: w.flink.truth } : {},
    practice: w.client,
    homes: [w.home],
    people: w.people,
    ...more,
  });
  return checkHistory(history);
}
/** Fails with every violation, one a line. */
export function assertNone(violations: readonly Violation[], context = ''): void {
  assert.equal(violations.length, 0, `${violations.map((v) => `${v.invariant} ${v.what} [${v.ids.join(', ')}]`).join('\n')}\n${context}`);
}
