import { errorToMessage } from '../core/errors.ts';
import { processStartTime, processTable, stillRuns } from '../core/process.ts';
import { sleep } from '../core/time.ts';
import { execute } from './execute.ts';
import { claim, expireLeasesOf, FencedError, release, renew, runningOwners } from './operations.store.ts';
import { stepNamesOf } from './points.ts';
import type { Execution } from './run-step.ts';
import type { OperationKind, Services } from './types.ts';

export interface EngineOptions {
  services: Services;
  kinds: readonly OperationKind[];
  /** How many operations run at once in this process, 32 by default: they mostly wait for a cluster. */
  concurrent?: number;
  /** How many of them on one cluster, 8 by default: one that is frozen must not hold up those of the others. */
  perCluster?: number;
  /** How long what runs may take to stop before it is given back all the same, 4,000 ms by default. */
  drainMs?: number;
  /** Called with unexpected errors and the reference that people were shown. */
  onUnexpected?(reference: string, where: string, error: unknown): void;
  /** Called when something new is to be told. */
  onPaint?(): void;
}
export interface Engine {
  /** Names this process in leases: `host/pid namespace/boot id:pid:process start time`. */
  owner: string;
  /** Look for work at once. */
  wake(): void;
  /** Stops claiming at once, gives back what runs, and waits for it, `drainMs` at most; nothing is undone. */
  stop(): Promise<void>;
  active(): string[];
}

const renewEveryMs = 5000;
/** Without a renewal for this long the process fences itself, well before the lease ends for others. */
const selfFenceMs = 10_000;

/** Read on two clocks: one does not count while the machine sleeps, the other may be set back. */
interface Moment {
  wall: number;
  monotonic: number;
}
const thisMoment = (): Moment => ({ wall: Date.now(), monotonic: performance.now() });
const elapsedSince = (moment: Moment) => Math.max(Date.now() - moment.wall, performance.now() - moment.monotonic);

/** Starts the loop that claims operations and runs them, step by step, under a lease. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { services } = options;
  const { log } = services;
  const { db } = services.database;
  const here = await processTable();
  const owner = `${here}:${process.pid}:${(await processStartTime(process.pid)) ?? '0'}`;
  const byName = new Map(options.kinds.map((kind) => [kind.kind, kind]));
  const stepNames = stepNamesOf(options.kinds);
  const running = new Map<string, { execution: Execution; cluster: string; done: Promise<void>; look(): void; letGo(): Promise<void> }>();
  let stopping = false;
  let wakeUp: () => void = () => {};
  let woken = false;
  const stopSignal = new AbortController();

  await takeOverDeadOwners().catch((error) => log.warn({ error: String(error) }, 'leases of dead processes could not be looked at'));

  async function takeOverDeadOwners(): Promise<void> {
    for (const other of await runningOwners(db)) {
      const [host, pid, started] = other.split(':');
      if (other === owner || host !== here || !pid) continue;
      // Same process table, but that process is gone (or its pid now belongs to another one): nobody will renew.
      if (!(await stillRuns(Number(pid), started ?? ''))) await expireLeasesOf(db, other);
    }
  }

  const busy = () => [...running.values()].filter(({ execution }) => !execution.queued);
  function fullClusters(): string[] {
    const counts = new Map<string, number>();
    for (const { cluster } of busy()) counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= (options.perCluster ?? 8)).map(([cluster]) => cluster);
  }
  async function claimAll(): Promise<void> {
    while (!stopping && busy().length < (options.concurrent ?? 32)) {
      const askedAt = thisMoment();
      const claimed = await claim(db, owner, [...byName.keys()], stepNames, [...running.keys()], fullClusters());
      if (!claimed) return;
      // A claim that was under way while Sluice began to stop is given back.
      if (stopping) return release(db, claimed.op);
      begin(claimed, askedAt);
    }
  }
  function begin(claimed: NonNullable<Awaited<ReturnType<typeof claim>>>, asked: Moment): void {
    const { op } = claimed;
    const kind = byName.get(op.kind) as OperationKind;
    const abort = new AbortController();
    // From before the claim was asked for: the answer may have been long under way, or this process frozen.
    let renewedAt = asked;
    const leaseIsFresh = () => elapsedSince(renewedAt) < selfFenceMs;
    const execution: Execution = { op, kind, abort, crashed: claimed.crashed, leaseIsFresh, onQueued: () => wake() };
    const look = async () => {
      const askedAt = thisMoment();
      const row = await renew(db, execution.op);
      if (!row) return abort.abort(new FencedError());
      renewedAt = askedAt;
      if (row.cancelRequestedAt && !execution.op.cancelRequestedAt) {
        execution.op = { ...execution.op, cancelRequestedAt: row.cancelRequestedAt, cancelRequestedBy: row.cancelRequestedBy };
        execution.onCancel?.();
      }
    };
    const lookOrLog = () => void look().catch((error) => log.warn({ error: String(error), operationId: op.id }, 'lease not renewed'));
    const renewal = setInterval(() => {
      if (leaseIsFresh()) lookOrLog();
      else abort.abort(new FencedError());
    }, renewEveryMs);
    const letGo = async () => {
      clearInterval(renewal);
      if (stopping) await release(db, op).catch(() => {});
      running.delete(op.id);
      wake();
    };
    const done = carryOut(execution, abort).then(letGo);
    running.set(op.id, { execution, cluster: claimed.cluster, done, look: lookOrLog, letGo });
  }
  /** Never rejects: what cannot be carried on now keeps its lease for a moment and is tried again. */
  async function carryOut(execution: Execution, abort: AbortController): Promise<void> {
    const { op } = execution;
    try {
      await execute(services, execution, options.onPaint ?? (() => {}));
    } catch (error) {
      if (error instanceof FencedError) return log.warn({ operationId: op.id }, 'operation was taken over by another process');
      if (abort.signal.aborted && stopping) return;
      const told = errorToMessage(error);
      log.error(
        { operationId: op.id, reference: told.reference, error: error instanceof Error ? error.stack : String(error) },
        'operation could not be carried on; it will be tried again',
      );
      if (told.reference) options.onUnexpected?.(told.reference, `operation ${op.id}`, error);
      await sleep(1000);
    }
  }
  const loop = (async () => {
    let rounds = 0;
    while (!stopping) {
      woken = false;
      try {
        if (rounds++ % 5 === 4) await takeOverDeadOwners();
        await claimAll();
      } catch (error) {
        log.warn({ error: String(error) }, 'operations cannot be claimed');
      }
      if (woken || stopping) continue;
      await Promise.race([
        sleep(1000, stopSignal.signal).catch(() => {}),
        new Promise<void>((resolve) => {
          wakeUp = resolve;
        }),
      ]);
    }
  })();
  function wake(): void {
    woken = true;
    wakeUp();
  }
  return {
    owner,
    wake() {
      // A cancel that was accepted in this process is seen at once, others at the next renewal.
      for (const { look } of running.values()) look();
      wake();
    },
    active: () => [...running.keys()],
    async stop() {
      stopping = true;
      stopSignal.abort();
      wake();
      for (const { execution } of running.values()) execution.abort.abort(new Error('Sluice is stopping'));
      const drained = new AbortController();
      const all = loop.then(() => Promise.all([...running.values()].map((entry) => entry.done)));
      await Promise.race([all, sleep(options.drainMs ?? 4000, drained.signal).catch(() => {})]);
      drained.abort();
      // What does not heed the signal is fenced, so that its last words change nothing; the next owner observes first, as after a death.
      await Promise.all([...running.values()].map((entry) => entry.letGo()));
    },
  };
}
