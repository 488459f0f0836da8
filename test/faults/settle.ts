import assert from 'node:assert/strict';
import { sleep } from '../../src/core/time.ts';
import { sql } from '../../src/db/query.ts';
import { findOperation } from '../../src/operations/operations.store.ts';
import type { Operation } from '../../src/operations/types.ts';
import { checkHistory } from './history/check.ts';
import type { Violation } from './history/history.ts';
import { type HistorySources, readHistory } from './history/read.ts';
import type { TcpProxy } from './tcp-proxy.ts';
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

/** How long watch may take to see what happened last: a slow cluster is polled more slowly. */
const watchSeesWithinMs = 30_000;

/** Everything that the invariants have to say about a world that has come to rest; what watch has not told yet is waited for. */
export async function violationsOf(
  w: FaultWorld,
  more: Partial<HistorySources> = {},
  withinMs: number = watchSeesWithinMs,
): Promise<Violation[]> {
  const until = performance.now() + withinMs;
  for (;;) {
    const history = await readHistory({
      db: w.database.db,
      truth: w.flink ? { standalone: w.flink.truth } : {},
      practice: w.client,
      homes: [w.home],
      people: w.people,
      ...lostAnswers(w),
      ...more,
    });
    const violations = checkHistory(history);
    if (violations.length === 0 || performance.now() > until) return violations;
    await sleep(1000);
  }
}
/** What comes late is awaited: a drip ends well within the time limit of a call to Slack or Flink. */
const losesNothing = ['latency', 'slow-drip'];
/** How many posts and uploads may have been made twice: those whose answer a fault has kept from the process that asked, or the process from the answer. */
function lostAnswers(w: FaultWorld): { ambiguousPosts: number; ambiguousUploads: number } {
  const fired = (proxy: TcpProxy) =>
    Object.entries(proxy.fired).reduce((sum, [name, n]) => (losesNothing.includes(name) ? sum : sum + n), 0);
  return {
    ambiguousPosts: w.fleet.deaths() + fired(w.proxies.slack) + w.lostPosts,
    ambiguousUploads: w.fleet.deaths() + fired(w.proxies.flink) + Math.max(0, w.jobs - 1),
  };
}
/** Fails with every violation, one a line. */
export function assertNone(violations: readonly Violation[], context = ''): void {
  assert.equal(violations.length, 0, `${violations.map((v) => `${v.invariant} ${v.what} [${v.ids.join(', ')}]`).join('\n')}\n${context}`);
}
