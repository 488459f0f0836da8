import { operationKinds } from '../../../src/operations/kinds/index.ts';
import { createClock, type Host } from './clock.ts';
import { createCluster } from './cluster.ts';
import { createOutside } from './outside.ts';
import { drain, loop, type Replica, type World } from './replica.ts';
import type { Rules } from './rules.ts';
import { type Fault, type Schedule, variants } from './schedule.ts';
import { createStore } from './store.ts';

/** What is left when nothing moves any more. */
export interface End {
  world: World;
  schedule: Schedule;
  /** False: after a quarter of an hour it was neither over nor parked. */
  quiet: boolean;
  atMs: number;
  /** Faults that were met. */
  fired: number;
}

const longestMs = 15 * 60_000;
/** An operation that goes round in circles is not waited for until then. */
const mostEvents = 30_000;
/** After the end: longer than any request is late, so that what comes after it is seen. */
const restMs = 12_000;
const personAfterMs = 2000;

/** Runs one operation under one schedule, from its acceptance until it is over (or parked, and nobody sends it on). */
export function simulate(schedule: Schedule, rules: Rules): End {
  const variant = variants[schedule.variant]!;
  const clock = createClock();
  const cluster = createCluster(clock, variant.runs ? 'old' : undefined);
  const store = createStore(rules, clock.nowMs);
  let fired = 0;
  let delays = 0;
  const paced = () => schedule.pace[delays++ % schedule.pace.length] ?? 0;
  const outside = createOutside(clock, cluster, faultsOutside(schedule.faults), () => (schedule.pace.length === 0 ? 0 : paced()));
  let ids = 0;
  const world: World = {
    clock,
    store,
    cluster,
    outside,
    rules,
    kind: operationKinds.find((kind) => kind.kind === variant.kind)!,
    input: variant.input,
    bugs: 0,
    sent: [],
    answeredAtMs: new Map(),
    newId: (prefix) => `${prefix}-${++ids}`,
    pathsReadable: schedule.pathsReadable,
  };
  if (variant.runs) store.runs.set('old', { id: 'old', ended: false });
  const replicas: Replica[] = [];
  for (let i = 0; i < schedule.replicas; i++) boot(i, [], 0);

  function boot(index: number, before: readonly string[], moves: number): void {
    const host: Host = {
      name: `replica ${index}`,
      dead: false,
      frozenUntilMs: 0,
      moves,
      onMove(at) {
        for (const fault of schedule.faults) {
          if ((fault.is !== 'die' && fault.is !== 'freeze') || fault.replica !== index || fault.at !== at) continue;
          fired++;
          if (fault.is === 'freeze') host.frozenUntilMs = clock.nowMs() + fault.ms;
          else {
            host.dead = true;
            comeBack(fault.backAfterMs);
          }
        }
      },
    };
    const owner = `${index}:${before.length}`;
    const replica: Replica = { host, owner, before, skewMs: schedule.skewsMs[index] ?? 0, stopping: false, running: undefined };
    // Once only, also when it is killed while it drains.
    const comeBack = (ms: number) =>
      clock.after(ms, () => {
        if (replicas[index] === replica) boot(index, [...before, owner], host.moves + 1);
      });
    replicas[index] = replica;
    clock.spawn(host, loop(world, replica));
  }
  function happen(fault: Fault): void {
    fired++;
    if (fault.is === 'cancel') store.requestCancel();
    else if (fault.is === 'cluster restarts') cluster.restart(fault.keepsJobs, fault.downMs);
    else if (fault.is === 'cluster freezes') cluster.host.frozenUntilMs = Math.max(cluster.host.frozenUntilMs, clock.nowMs() + fault.ms);
    else if (fault.is === 'job fails') cluster.failJob();
    else if (fault.is === 'submission is refused') cluster.refusesNext = true;
    else if (fault.is === 'faults of Sluice') world.bugs += fault.times;
    else if (fault.is === 'drain') {
      const replica = replicas[fault.replica];
      if (!replica || replica.host.dead || replica.stopping) return;
      clock.spawn(replica.host, drain(world, replica));
      const follow = () => {
        if (replicas[fault.replica] !== replica) return;
        if (replica.host.dead) boot(fault.replica, [...replica.before, replica.owner], replica.host.moves + 1);
        else clock.after(500, follow);
      };
      clock.after(fault.backAfterMs, follow);
    }
  }
  const timed = new Map<number, Fault[]>();
  for (const fault of schedule.faults)
    if (!['die', 'freeze', 'store', 'call'].includes(fault.is)) timed.set(fault.at, [...(timed.get(fault.at) ?? []), fault]);
  let parkings = 0;
  let personComes = false;
  let restSinceMs: number | undefined;
  const over = () => store.op.state !== 'queued' && store.op.state !== 'running';
  const quiet = clock.run(
    () => {
      if (clock.events() > mostEvents) return true;
      if (!over() || personComes) {
        restSinceMs = undefined;
        return false;
      }
      if (store.op.state === 'parked' && schedule.parked[parkings]) {
        const does = schedule.parked[parkings++];
        personComes = true;
        clock.after(personAfterMs, () => {
          personComes = false;
          if (does === 'retry') store.unpark();
          else store.giveUp();
        });
        return false;
      }
      restSinceMs ??= clock.nowMs();
      let sinceMs = Math.max(restSinceMs, cluster.host.frozenUntilMs);
      for (const { host } of replicas) if (!host.dead) sinceMs = Math.max(sinceMs, host.frozenUntilMs);
      return clock.nowMs() > sinceMs + restMs && outside.underWay() === 0;
    },
    longestMs,
    (event) => {
      for (const fault of timed.get(event) ?? []) happen(fault);
    },
  );
  return { world, schedule, quiet: quiet && clock.events() <= mostEvents, atMs: clock.nowMs(), fired };
}

function faultsOutside(faults: readonly Fault[]): Parameters<typeof createOutside>[2] {
  return {
    store: new Map(faults.flatMap((fault) => (fault.is === 'store' ? [[fault.at, fault.fault] as const] : []))),
    calls: new Map(faults.flatMap((fault) => (fault.is === 'call' ? [[fault.at, fault.fault] as const] : []))),
  };
}
