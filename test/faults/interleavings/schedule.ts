import fc from 'fast-check';
import type { CallFault, StoreFault } from './outside.ts';
import type { Facts } from './store.ts';

/** What an operation is asked for: its kind, its input, and whether the job runs before. */
export interface Variant {
  kind: string;
  input: Facts;
  runs: boolean;
}
export const variants: readonly Variant[] = [
  { kind: 'start', input: {}, runs: false },
  { kind: 'start', input: { from: 'a savepoint' }, runs: false },
  { kind: 'start', input: { build: true }, runs: false },
  { kind: 'stop', input: {}, runs: true },
  { kind: 'stop', input: { noSavepoint: true }, runs: true },
  { kind: 'savepoint', input: {}, runs: true },
  { kind: 'restart', input: {}, runs: true },
  { kind: 'restart', input: { build: true }, runs: true },
  { kind: 'restart', input: {}, runs: false },
  { kind: 'restart', input: { noSavepoint: true }, runs: true },
  { kind: 'restore', input: { from: 'a savepoint' }, runs: true },
  { kind: 'restore', input: { from: 'own' }, runs: true },
  { kind: 'build', input: { build: true }, runs: false },
];

/** `at`: the n-th time that this replica goes on after a wait, or the n-th event of all. */
export type Fault =
  | { is: 'die'; replica: number; at: number; backAfterMs: number }
  | { is: 'freeze'; replica: number; at: number; ms: number }
  | { is: 'drain'; replica: number; at: number; backAfterMs: number }
  | { is: 'cancel'; at: number }
  | { is: 'store'; at: number; fault: StoreFault }
  | { is: 'call'; at: number; fault: CallFault }
  | { is: 'cluster restarts'; at: number; keepsJobs: boolean; downMs: number }
  | { is: 'cluster freezes'; at: number; ms: number }
  | { is: 'job fails'; at: number }
  | { is: 'submission is refused'; at: number }
  | { is: 'faults of Sluice'; at: number; times: number };
/** Everything that is not decided by the programs themselves. */
export interface Schedule {
  variant: number;
  replicas: number;
  /** Delays of 0 to 9, in turn: who comes first. Empty: all the same. */
  pace: number[];
  /** How far the wall clock of each replica is off. */
  skewsMs: number[];
  pathsReadable: boolean;
  faults: Fault[];
  /** What a person does each time that it is parked. */
  parked: ('retry' | 'give up')[];
}

const replica = fc.nat(2);
const move = fc.nat(90);
const event = fc.nat(350);
const backAfterMs = fc.constantFrom(500, 3000, 20_000);
const storeFault: fc.Arbitrary<StoreFault> = fc.oneof(
  fc.constantFrom<StoreFault>({ is: 'nothing' }, { is: 'written' }),
  fc.record({ is: fc.constantFrom('later' as const, 'slow' as const), ms: fc.nat(2500) }),
);
const callFault: fc.Arbitrary<CallFault> = fc.oneof(
  fc.record({ is: fc.constantFrom('lost' as const, 'acted' as const), silent: fc.boolean() }),
  fc.record({ is: fc.constant('late' as const), ms: fc.nat(9000), silent: fc.boolean(), answered: fc.boolean() }),
  fc.constant<CallFault>({ is: 'unknown' }),
);
/** Each kind of fault with its weight. */
const faultArbitraries: { [K in Fault['is']]: { weight: number; arbitrary: fc.Arbitrary<Extract<Fault, { is: K }>> } } = {
  die: { weight: 4, arbitrary: fc.record({ is: fc.constant('die'), replica, at: move, backAfterMs }) },
  freeze: { weight: 6, arbitrary: fc.record({ is: fc.constant('freeze'), replica, at: move, ms: fc.nat(40_000) }) },
  drain: { weight: 1, arbitrary: fc.record({ is: fc.constant('drain'), replica, at: event, backAfterMs }) },
  cancel: { weight: 4, arbitrary: fc.record({ is: fc.constant('cancel'), at: event }) },
  store: { weight: 4, arbitrary: fc.record({ is: fc.constant('store'), at: fc.nat(80), fault: storeFault }) },
  call: { weight: 6, arbitrary: fc.record({ is: fc.constant('call'), at: fc.nat(40), fault: callFault }) },
  'cluster restarts': {
    weight: 2,
    arbitrary: fc.record({ is: fc.constant('cluster restarts'), at: event, keepsJobs: fc.boolean(), downMs: fc.nat(60_000) }),
  },
  'cluster freezes': { weight: 2, arbitrary: fc.record({ is: fc.constant('cluster freezes'), at: event, ms: fc.nat(40_000) }) },
  'job fails': { weight: 1, arbitrary: fc.record({ is: fc.constant('job fails'), at: event }) },
  'submission is refused': { weight: 1, arbitrary: fc.record({ is: fc.constant('submission is refused'), at: event }) },
  'faults of Sluice': {
    weight: 1,
    arbitrary: fc.record({ is: fc.constant('faults of Sluice'), at: event, times: fc.integer({ min: 1, max: 4 }) }),
  },
};
const faultNames = Object.keys(faultArbitraries) as Fault['is'][];

/** Where to look for a fault that few schedules meet: these kinds of operations under these kinds of faults. */
export interface Focus {
  kinds?: readonly string[];
  faults?: readonly Fault['is'][];
}
/** Schedules of two or three replicas with up to eight faults; they shrink to few faults and even delays. */
export function schedulesOf(focus: Focus = {}): fc.Arbitrary<Schedule> {
  const wanted = variants.flatMap((variant, index) => (focus.kinds?.includes(variant.kind) === false ? [] : [index]));
  const fault = fc.oneof(
    ...(focus.faults ?? faultNames).map((is) => faultArbitraries[is] as { weight: number; arbitrary: fc.Arbitrary<Fault> }),
  );
  return fc.record({
    variant: fc.constantFrom(...wanted),
    replicas: fc.integer({ min: 2, max: 3 }),
    pace: fc.array(fc.nat(9), { maxLength: 24 }),
    skewsMs: fc.array(fc.integer({ min: -30_000, max: 30_000 }), { minLength: 3, maxLength: 3 }),
    pathsReadable: fc.boolean(),
    faults: fc.array(fault, { maxLength: 8, size: 'max' }),
    parked: fc.array(fc.constantFrom('retry' as const, 'give up' as const), { maxLength: 3 }),
  });
}
