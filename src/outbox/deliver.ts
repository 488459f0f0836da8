import { sleep } from '../core/time.ts';
import { type DeliverDeps, deliverOne } from './deliver-one.ts';
import { noteLater } from './outbox.store.ts';
import { type ClaimedRow, claimDue } from './turns.store.ts';

export interface DeliveryLoop {
  /** Look at once instead of at the next tick: something new is wanted. */
  wake(): void;
  /** Finishes what is being sent and stops; after 3 s it leaves to the next process what got no answer. */
  stop(): Promise<void>;
}
/** Channels that one look takes at most. */
const channelsPerLook = 16;
const drainMs = 3000;
/** What is new wakes the loop; this is for what comes due by time, or was left by another replica. */
const lookEveryMs = 1000;

/**
 * Makes desired messages visible: one sender per channel, in order, edits coalesced, Retry-After honoured, an ambiguous post is
 * looked for before it is repeated. At least once; twice only when the answer was lost and the look-up failed too.
 */
export function startDelivery(deps: DeliverDeps): DeliveryLoop {
  const abort = new AbortController();
  const giveUp = new AbortController();
  const underway = new Map<ClaimedRow, Promise<void>>();
  let wakeUp: () => void = () => {};
  let woken = false;
  const loop = (async () => {
    while (!abort.signal.aborted) {
      woken = false;
      try {
        for (const row of await claimDue(deps.db, deps.owner, channelsPerLook, deps.leaseMs, [...underway.keys()])) begin(row);
      } catch (error) {
        deps.log.warn({ error: String(error) }, 'outbox cannot be read');
      }
      if (!woken)
        await Promise.race([
          sleep(lookEveryMs, abort.signal).catch(() => {}),
          new Promise<void>((resolve) => {
            wakeUp = resolve;
          }),
        ]);
    }
  })();
  function wake() {
    woken = true;
    wakeUp();
  }
  function begin(row: ClaimedRow): void {
    const sending = send(row).finally(() => {
      underway.delete(row);
      wake();
    });
    underway.set(row, sending);
  }
  async function send(row: ClaimedRow): Promise<void> {
    try {
      await deliverOne({ ...deps, giveUp: giveUp.signal }, row);
    } catch (error) {
      deps.log.error({ error: String(error), outboxId: row.id }, 'delivery failed');
      // Put off, or it would be the first of its channel again at once, and hold the others up.
      await noteLater(deps.db, row, 30_000, `a fault of Sluice: ${String(error).slice(0, 200)}`, true).catch(() => {});
    }
    if (!abort.signal.aborted) await sleep(deps.paceMs ?? 1000, abort.signal).catch(() => {});
  }
  return {
    wake,
    async stop() {
      abort.abort(new Error('stopping'));
      wake();
      const patience = setTimeout(() => giveUp.abort(), drainMs);
      await loop;
      await Promise.all(underway.values());
      clearTimeout(patience);
    },
  };
}
