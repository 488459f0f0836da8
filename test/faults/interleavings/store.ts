import type { RowShape } from '../../../src/operations/machine.ts';
import { Fenced } from './failures.ts';
import type { Rules } from './rules.ts';

export type Facts = Record<string, string | number | boolean | undefined>;
export interface StepRow extends RowShape {
  intent?: Facts;
  result?: Facts;
}
export interface Turn {
  into: 'failed' | 'canceled';
  step: string;
  unanswered: boolean;
  /** What failed. */
  kind: string;
}
/** The row of one operation. */
export interface OperationRow {
  state: 'queued' | 'running' | 'parked' | 'succeeded' | 'failed' | 'canceled';
  epoch: number;
  owner: string | undefined;
  leaseUntilMs: number | undefined;
  cancelRequested: boolean;
  turned: Turn | undefined;
  crashes: number;
}
export interface RunRow {
  id: string;
  ended: boolean;
}
/** What happened to the store, for the checks. */
export interface Written {
  atMs: number;
  what: string;
  /** Who wrote at which epoch, and of whom and of which epoch the row was at that moment. */
  owner: string;
  rowOwner: string | undefined;
  epoch: number;
  rowEpoch: number;
  turned: boolean;
  state: OperationRow['state'];
  step: string | undefined;
}
export interface Writer {
  owner: string;
  epoch: number;
  hostNowMs: number;
}
export interface Store {
  op: OperationRow;
  steps: Map<string, StepRow>;
  runs: Map<string, RunRow>;
  /** Paths of recorded restore points. */
  points: Set<string>;
  log: Written[];
  /** Given up by a person while it was parked. */
  givenUp: boolean;
  cancelAtMs: number | undefined;
  /** Cancels that were accepted, also before a parking. */
  cancels: number;
  claim(owner: string, hostNowMs: number): { op: OperationRow; crashed: boolean } | undefined;
  /** Runs writes only while the epoch is this one; renews the lease. @throws Fenced */
  guarded<T>(by: Writer, what: string, write: () => T, step?: string): T;
  renew(by: Writer): OperationRow | undefined;
  release(by: Writer): void;
  expireLeasesOf(owners: readonly string[]): void;
  requestCancel(): void;
  unpark(): void;
  giveUp(): void;
}

const leaseMs = 15_000;

/** The state store as operations.store.ts uses it; every function is one transaction, so it happens at one moment. */
export function createStore(rules: Rules, nowMs: () => number): Store {
  const op: OperationRow = {
    state: 'queued',
    epoch: 0,
    owner: undefined,
    leaseUntilMs: undefined,
    cancelRequested: false,
    turned: undefined,
    crashes: 0,
  };
  const leaseNow = (hostNowMs: number) => (rules.leaseClock === 'database' ? nowMs() : hostNowMs);
  const owns = (epoch: number) => !rules.epochInGuard || op.epoch === epoch;
  const note = (what: string, { owner, epoch }: Writer, step?: string) =>
    store.log.push({
      atMs: nowMs(),
      what,
      owner,
      rowOwner: op.owner,
      epoch,
      rowEpoch: op.epoch,
      turned: op.turned !== undefined,
      state: op.state,
      step,
    });
  const store: Store = {
    op,
    steps: new Map(),
    runs: new Map(),
    points: new Set(),
    log: [],
    givenUp: false,
    cancelAtMs: undefined,
    cancels: 0,
    claim(owner, hostNowMs) {
      const over = op.leaseUntilMs === undefined || op.leaseUntilMs < leaseNow(hostNowMs) || op.owner === owner;
      if (op.state !== 'queued' && !(op.state === 'running' && over)) return undefined;
      const previous = op.owner;
      op.epoch++;
      op.owner = owner;
      op.state = 'running';
      op.leaseUntilMs = leaseNow(hostNowMs) + leaseMs;
      return { op: { ...op }, crashed: previous !== undefined && previous !== owner };
    },
    guarded(by, what, write, step) {
      if (!owns(by.epoch)) throw new Fenced();
      note(what, by, step);
      op.leaseUntilMs = leaseNow(by.hostNowMs) + leaseMs;
      return write();
    },
    renew(by) {
      if (!owns(by.epoch)) return undefined;
      if (op.state !== 'running') return { ...op };
      note('renew', by);
      op.leaseUntilMs = leaseNow(by.hostNowMs) + leaseMs;
      return { ...op };
    },
    release(by) {
      if (!owns(by.epoch)) return;
      if (op.state === 'running') note('release', by);
      op.owner = undefined;
      op.leaseUntilMs = undefined;
    },
    expireLeasesOf(owners) {
      if (op.state === 'running' && op.owner !== undefined && owners.includes(op.owner)) op.leaseUntilMs = Number.NEGATIVE_INFINITY;
    },
    requestCancel() {
      if (op.cancelRequested || !['queued', 'running', 'parked'].includes(op.state)) return;
      op.cancelRequested = true;
      store.cancels++;
      store.cancelAtMs = nowMs();
      if (op.state === 'parked') store.giveUp();
    },
    unpark() {
      if (op.state !== 'parked') return;
      Object.assign(op, { state: 'queued', owner: undefined, leaseUntilMs: undefined, cancelRequested: false, crashes: 0 });
      store.cancelAtMs = undefined;
    },
    giveUp() {
      if (op.state !== 'parked') return;
      Object.assign(op, { state: 'canceled', owner: undefined, leaseUntilMs: undefined });
      store.givenUp = true;
    },
  };
  return store;
}

/** writeIntent */
export function writeIntent(store: Store, name: string, intent: Facts): void {
  store.steps.set(name, { name, state: 'running', intent });
}
/** writeStep: a finished step forgets the deaths before it. */
export function writeStep(store: Store, name: string, state: RowShape['state'], result?: Facts): void {
  store.steps.set(name, { ...store.steps.get(name), name, state, ...(result ? { result } : {}) });
  store.op.crashes = 0;
}
/** writeTurn */
export function writeTurn(store: Store, turn: Turn): void {
  store.op.turned = turn;
  store.op.crashes = 0;
  for (const row of store.steps.values()) if (row.state === 'running') row.state = 'failed';
}
/** finish */
export function finish(store: Store, state: OperationRow['state']): void {
  Object.assign(store.op, { state, owner: undefined, leaseUntilMs: undefined });
}
