import type { OperationKind } from '../../../src/operations/types.ts';
import { type Clock, type Host, type Program, type Task, waitFor } from './clock.ts';
import type { Cluster, Request } from './cluster.ts';
import { execute } from './execute.ts';
import { Fenced, Stopping, StoreLoss } from './failures.ts';
import type { Outside } from './outside.ts';
import type { Rules } from './rules.ts';
import type { Facts, OperationRow, Store, Writer } from './store.ts';

export interface World {
  clock: Clock;
  store: Store;
  cluster: Cluster;
  outside: Outside;
  rules: Rules;
  kind: OperationKind;
  input: Facts;
  /** Acts of a step that throw a fault of Sluice itself: how many of the next. */
  bugs: number;
  /** Requests that change something, with what was true in the store when they left. */
  sent: Sent[];
  /** When the cluster answered what it knows of an id of ours. */
  answeredAtMs: Map<string, number[]>;
  newId(prefix: string): string;
  /** Savepoint files can be read from here. */
  pathsReadable: boolean;
}
export interface Sent {
  request: Request;
  atMs: number;
  /** Who sends, and whose the row is at that moment. */
  owner: string;
  rowOwner: string | undefined;
  turned: boolean;
  /** The connection was refused. */
  nothingSent: boolean;
}
export interface Replica {
  host: Host;
  owner: string;
  /** Names under which its dead forerunners on this machine held leases. */
  before: readonly string[];
  /** How far its wall clock is off. */
  skewMs: number;
  stopping: boolean;
  running: Execution | undefined;
}
/** engine.ts and run-step.ts `Execution`. */
export interface Execution {
  world: World;
  replica: Replica;
  op: OperationRow;
  crashed: boolean;
  lastRenewalMs: number;
  aborted: Error | undefined;
  /** The running step's own abort and its time limit. */
  step: { aborted: Error | undefined; tooLate: boolean } | undefined;
  onCancel: (() => void) | undefined;
  task: Task | undefined;
  results: Record<string, Facts>;
  intents: Record<string, Facts>;
  over: boolean;
}

const renewEveryMs = 5000;
const selfFenceMs = 10_000;

/** execute.ts `fence`: looked at right before a request that changes something, and in the same breath, as there is no await between the two. */
export function fence(x: Execution): void {
  if (x.aborted) throw x.aborted;
  if (x.world.rules.fence && !leaseIsFresh(x)) throw new Fenced();
}
function leaseIsFresh(x: Execution): boolean {
  return x.world.clock.nowMs() - x.lastRenewalMs < selfFenceMs;
}
/** operations.store.ts `guarded` as one transaction. */
export function guarded<T>(x: Execution, what: string, write: () => T, step?: string): Program<T> {
  const by = writer(x);
  return x.world.outside.transaction(x.replica.host, () => x.world.store.guarded(by, what, write, step));
}
function writer({ world, replica, op }: Execution): Writer {
  return { owner: replica.owner, epoch: op.epoch, hostNowMs: world.clock.nowMs() + replica.skewMs };
}
/** A read, or a write that names no epoch. */
export function query<T>(x: Execution, run: () => T): Program<T> {
  return x.world.outside.transaction(x.replica.host, run);
}
/** Aborts the execution: what waits by signal is cut off. */
export function abort(x: Execution, error: Error): void {
  x.aborted ??= error;
  x.task?.interrupt(x.aborted);
}
/** A pause in the replica, not in an execution. */
function pause(world: World, host: Host, ms: number): Program<void> {
  return waitFor({ bySignal: false, begin: (settle) => world.clock.afterOn(host, ms, () => settle({ value: undefined })) });
}

/** engine.ts `loop`: takes what waits or whose owner is gone, one operation in this world. */
export function* loop(world: World, replica: Replica): Program<void> {
  const { store, outside } = world;
  const { host } = replica;
  const takeOver = () => outside.transaction(host, () => store.expireLeasesOf(replica.before));
  yield* safely(takeOver());
  for (let rounds = 0; ; rounds++) {
    if (replica.stopping) return;
    if (rounds % 5 === 4) yield* safely(takeOver());
    if (!replica.running) {
      const askedAtMs = world.clock.nowMs();
      const claimed = yield* safely(outside.transaction(host, () => store.claim(replica.owner, world.clock.nowMs() + replica.skewMs)));
      if (claimed) begin(world, replica, claimed, askedAtMs);
    }
    yield* pause(world, host, 1000);
  }
}
function* safely<T>(program: Program<T>): Program<T | undefined> {
  try {
    return yield* program;
  } catch (error) {
    if (error instanceof StoreLoss) return undefined;
    throw error;
  }
}
/** engine.ts `begin` */
function begin(world: World, replica: Replica, claimed: { op: OperationRow; crashed: boolean }, askedAtMs: number): void {
  const x: Execution = {
    world,
    replica,
    op: claimed.op,
    crashed: claimed.crashed,
    lastRenewalMs: world.rules.freshFrom === 'asked' ? askedAtMs : world.clock.nowMs(),
    aborted: undefined,
    step: undefined,
    onCancel: undefined,
    task: undefined,
    results: {},
    intents: {},
    over: false,
  };
  replica.running = x;
  world.clock.spawn(replica.host, renewals(x));
  x.task = world.clock.spawn(replica.host, carryOut(x));
}
/** engine.ts `renewal`: every 5 s; what could not be renewed for 10 s is given up. */
function* renewals(x: Execution): Program<void> {
  for (;;) {
    yield* pause(x.world, x.replica.host, renewEveryMs);
    if (x.over) return;
    if (leaseIsFresh(x)) x.world.clock.spawn(x.replica.host, look(x));
    else if (x.world.rules.selfFence) abort(x, new Fenced());
  }
}
/** engine.ts `look` */
function* look(x: Execution): Program<void> {
  const askedAtMs = x.world.clock.nowMs();
  const by = writer(x);
  try {
    const row = yield* query(x, () => x.world.store.renew(by));
    if (!row) return abort(x, new Fenced());
    x.lastRenewalMs = Math.max(x.lastRenewalMs, askedAtMs);
    if (row.cancelRequested && !x.op.cancelRequested) {
      x.op = { ...x.op, cancelRequested: true };
      x.onCancel?.();
    }
  } catch (error) {
    if (!(error instanceof StoreLoss)) throw error;
  }
}
/** engine.ts `carryOut`: what cannot be carried on now keeps its lease for a moment and is tried again. */
function* carryOut(x: Execution): Program<void> {
  try {
    yield* execute(x);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!(error instanceof Fenced || error instanceof Stopping)) yield* pause(x.world, x.replica.host, 1000);
  }
  x.over = true;
  x.replica.running = undefined;
}
/** engine.ts `stop`: gives back what runs (SIGTERM); the process ends when that is done. */
export function* drain(world: World, replica: Replica): Program<void> {
  const x = replica.running;
  replica.stopping = true;
  if (x) {
    const by = writer(x);
    abort(x, new Stopping());
    while (!x.over) yield* pause(world, replica.host, 10);
    yield* safely(query(x, () => world.store.release(by)));
  }
  replica.host.dead = true;
}
