import { setTimeout as wait } from 'node:timers/promises';
import type { Faults } from '../faults.ts';
import type { Ack } from '../types.ts';

/** How long a delivery is held back when nothing overtakes it. */
const holdMs = 2000;

/** Deliveries in the wrong order and late acknowledgements, as the faults `reorderNext` and `slowAckMs` say. */
export interface Disorder {
  /** Delivers now, or after the next delivery has been made. */
  inTurn(deliver: () => Promise<Ack>): Promise<Ack>;
  /** The acknowledgement as it arrives after its slow way; a timeout when that takes it past the window. */
  slowed(ack: Ack): Promise<Ack>;
}
export function createDisorder(faults: Faults, ackTimeoutMs: number): Disorder {
  let release: (() => void) | undefined;
  return {
    async inTurn(deliver) {
      if (faults.reorderNext > 0 && release === undefined) {
        faults.reorderNext--;
        await new Promise<void>((resolve) => {
          const done = () => {
            clearTimeout(timer);
            release = undefined;
            resolve();
          };
          const timer = setTimeout(done, holdMs);
          release = done;
        });
        return deliver();
      }
      const held = release;
      try {
        return await deliver();
      } finally {
        held?.();
      }
    },
    async slowed(ack) {
      if (faults.slowAckMs <= 0 || ack.error === 'operation_timeout') return ack;
      const durationMs = ack.durationMs + faults.slowAckMs;
      await wait(Math.max(0, Math.min(durationMs, ackTimeoutMs) - ack.durationMs));
      if (durationMs < ackTimeoutMs) return { ...ack, durationMs };
      return { ok: false, error: 'operation_timeout', durationMs: ackTimeoutMs };
    },
  };
}
