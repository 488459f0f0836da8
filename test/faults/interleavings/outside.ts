import { type Clock, type Host, type Program, type Settled, waitFor } from './clock.ts';
import type { Cluster, Request } from './cluster.ts';
import { Doubtful, NoAnswer, StoreLoss } from './failures.ts';

/** What goes wrong with the n-th transaction. `nothing`: not written; `written`: the answer of the COMMIT is lost; `later`: it is written after the loss. */
export type StoreFault = { is: 'nothing' | 'written' } | { is: 'later' | 'slow'; ms: number };
/**
 * What goes wrong with the n-th request. `lost`: never arrives; `acted`: arrives, its answer does not; `late`: arrives that much later, `answered` or not.
 * `silent`: the caller learns it by its own time limit, else at once (a reset). `unknown`: a proxy answers that it could not reach the cluster.
 */
export type CallFault =
  | { is: 'lost' | 'acted'; silent: boolean }
  | { is: 'late'; ms: number; silent: boolean; answered: boolean }
  | { is: 'unknown' };

export interface Outside {
  /** One transaction, happening as a whole at one moment. @throws StoreLoss, what `run` throws */
  transaction<T>(host: Host, run: () => T): Program<T>;
  /** @throws NoAnswer, NothingSent, Refused */
  call<T>(host: Host, request: Request): Program<T>;
  /** Requests and transactions whose effect is still to come. */
  underWay(): number;
}

/** How long a caller waits for an answer. */
export const callTimeoutMs = 8000;

/**
 * The ways to the store and to the cluster, with their delays and faults.
 * @param delay 0 to 9, the next of the schedule.
 */
export function createOutside(
  clock: Clock,
  cluster: Cluster,
  faults: { store: ReadonlyMap<number, StoreFault>; calls: ReadonlyMap<number, CallFault> },
  delay: () => number,
): Outside {
  let transactions = 0;
  let calls = 0;
  let under = 0;
  function arrive(ms: number, run: () => void): void {
    under++;
    clock.after(ms, () => {
      under--;
      run();
    });
  }
  return {
    underWay: () => under + cluster.busy(),
    transaction<T>(_host: Host, run: () => T): Program<T> {
      const fault = faults.store.get(transactions++);
      const there = 1 + delay() * 3;
      const back = 1 + delay() * 3;
      return waitFor<T>({
        bySignal: false,
        begin(settle) {
          const loss = () => ({ error: new StoreLoss() });
          const tried = () => {
            try {
              return { value: run() };
            } catch (error) {
              return { error };
            }
          };
          if (fault?.is === 'nothing') return clock.after(there, () => settle(loss()));
          if (fault?.is === 'later') {
            arrive(there + fault.ms, tried);
            return clock.after(there + back, () => settle(loss()));
          }
          arrive(there + (fault?.is === 'slow' ? fault.ms : 0), () => {
            const settled = tried();
            clock.after(back, () => settle(fault?.is === 'written' ? loss() : settled));
          });
        },
      });
    },
    call<T>(host: Host, request: Request): Program<T> {
      const fault = faults.calls.get(calls++);
      const there = 2 + delay() * 8;
      const back = 2 + delay() * 8;
      return waitFor<T>({
        bySignal: true,
        begin(settled) {
          let over = false;
          const settle = (how: Settled) => {
            over = true;
            settled(how);
          };
          // Errors are dear to make by the million.
          const silence = () => {
            if (!over) settle({ error: new NoAnswer('no answer') });
          };
          // The caller's own limit: it runs in the caller's process.
          clock.afterOn(host, callTimeoutMs, silence);
          if (fault?.is === 'unknown') return clock.after(there + back, () => settle({ error: new NoAnswer('503') }));
          // Half of those that the caller hears of at once are Flink's own words for not knowing.
          const doubtful = fault?.is === 'acted' || (fault?.is === 'late' && fault.ms % 2 === 1);
          const reset = () => {
            if (!over) settle({ error: doubtful ? new Doubtful('timed out inside') : new NoAnswer('no answer') });
          };
          const answered = !fault || (fault.is === 'late' && fault.answered);
          if (!answered && !(fault as { silent: boolean }).silent) clock.after(there + back, reset);
          if (fault?.is === 'lost') return;
          arrive(there + (fault?.is === 'late' ? fault.ms : 0), () =>
            cluster.handle(request, (settled) => {
              if (answered) clock.after(back, () => settle(settled));
            }),
          );
        },
      });
    },
  };
}
