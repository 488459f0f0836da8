import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { sleep } from '../../src/core/time.ts';
import { operationKinds } from '../../src/operations/kinds/index.ts';
import { activeOperations, listOperations, parkedOperations } from '../../src/operations/operations.store.ts';
import { listPoints } from '../../src/operations/points.ts';
import { listRestorePoints } from '../../src/restore-points/restore-points.store.ts';
import { type Fault, faults } from './random-faults.ts';
import { type Chance, chanceOf } from './seeded.ts';
import { assertNone, settles, violationsOf } from './settle.ts';
import { staleWrites } from './stale-writes.ts';
import type { TruthEvent } from './truth.ts';
import { channel, type FaultWorld, startFaultWorld, type WorldOptions } from './world.ts';

export interface RandomOptions {
  seed: number;
  /** Stops after so many rounds, or so long. */
  rounds: number;
  forMs: number;
  world?: WorldOptions;
  /** Which faults may happen; all by default. */
  faults?: readonly Fault[];
  /** How many lines are typed for each job, 2 to 5 by default. */
  lines?: readonly [number, number];
  /** How many faults may be made at the same time, 1 by default. */
  breakers?: number;
  /** What truly happened, where it is not the stand-in that knows. */
  truth?: readonly TruthEvent[];
}
/** A process that is started while the state store does not answer says so and ends; whoever supervises it starts it again. */
const foundNoStore = /UnreachableError: The state store does not answer; nothing was started\.[\s\S]*at async createApp/;

export interface RandomResult {
  rounds: number;
  operations: number;
  /** How often each fault was made. */
  fired: Record<string, number>;
}

/**
 * Rounds of a few jobs that people work on at the same time while things break; then everything is healed, comes to rest, and every invariant is checked
 * over all that has happened so far. A round depends on its own seed alone: `seed + round`.
 */
export async function playRandom(t: TestContext, options: RandomOptions): Promise<RandomResult> {
  const w = await startFaultWorld(t, { replicas: 2, ...options.world });
  const until = performance.now() + options.forMs;
  const fired: Record<string, number> = {};
  const points = listPoints(operationKinds);
  let rounds = 0;
  for (; rounds < options.rounds && performance.now() < until; rounds++) {
    const seed = options.seed + rounds;
    await playRound(w, chanceOf(seed), `r${seed}`, options, points, fired).catch((error: unknown) => {
      throw new Error(`round with seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    const context = `round with seed ${seed}; faults so far ${JSON.stringify(fired)}`;
    // Several worlds share the machine: a JobManager that comes back empty takes a busy replica a while to tell job by job.
    assertNone(await violationsOf(w, options.truth ? { truth: { standalone: options.truth } } : {}, 120_000), context);
    assert.deepEqual(await staleWrites(w.database), [], context);
    assert.deepEqual(
      w.fleet.surprises.filter((one) => !foundNoStore.test(one)),
      [],
      context,
    );
    assert.deepEqual(w.flink?.refusedCalls ?? [], [], context);
    if (process.env['FAULTS_TRACE']) console.log(`${context}`);
  }
  const operations = (await listOperations(w.database.db, undefined, 1_000_000)).length;
  for (const one of w.fleet.fired) fired[`point ${one.mode}`] = (fired[`point ${one.mode}`] ?? 0) + 1;
  return { rounds, operations, fired };
}

async function playRound(
  w: FaultWorld,
  chance: Chance,
  name: string,
  { faults: kinds = faults, lines = [2, 5], breakers = 1 }: RandomOptions,
  points: readonly string[],
  fired: Record<string, number>,
): Promise<void> {
  const jobs = Array.from({ length: chance.whole(1, 3) }, (_, n) => `${name}-${n + 1}`);
  for (const job of jobs)
    await w.addJob(job, {
      environment: chance.once(3) ? 'production' : 'development',
      ...(chance.once(8) ? { args: ['--throw-main', 'boom'] } : {}),
    });
  let working = jobs.length;
  const people = jobs.map((job) => work(w, chanceOf(chance.whole(1, 2 ** 31)), job, lines).finally(() => working--));
  const breaking = Array.from({ length: breakers }, async () => {
    const own = chanceOf(chance.whole(1, 2 ** 31));
    await sleep(own.whole(0, 800));
    while (working > 0) {
      // A dozen points at once: an operation passes only those of its kind.
      if (own.once(3))
        w.fleet.arm(Object.fromEntries(Array.from({ length: 12 }, () => [own.of(points), own.of(['kill', 'kill', 'throw'] as const)])));
      else {
        const fault = own.of(kinds);
        fired[fault.name] = (fired[fault.name] ?? 0) + 1;
        await fault.make(w, own);
      }
      await sleep(own.whole(100, 2500));
    }
  });
  await Promise.all([...people, ...breaking]);
  await heal(w);
  await settles(w);
  // What waits for people gets its decision, and comes to rest too.
  for (const op of await parkedOperations(w.database.db))
    await says(w, 'omar', chance.once(2) ? `retry ${op.id}` : `cancel ${op.job} --operation ${op.id}`);
  for (const op of (await activeOperations(w.database.db)).filter((one) => one.state === 'waiting'))
    await says(w, 'lena', `approve ${op.id}`);
  await settles(w);
}

/** What people do with one job: any line, whatever the answer. */
async function work(w: FaultWorld, chance: Chance, job: string, [fewest, most]: readonly [number, number]): Promise<void> {
  const lines = [
    'start',
    'start --build',
    'savepoint',
    'stop',
    'stop --no-savepoint --reason "r"',
    'restart',
    'restart --build',
    'restore',
    'cancel',
    'build',
  ];
  await says(w, 'emma', `start ${job}`);
  for (let n = chance.whole(fewest, most); n > 0; n--) {
    await sleep(chance.whole(0, 3000));
    const [verb = '', ...rest] = chance.of(lines).split(' ');
    const who = chance.of(['emma', 'erik', 'omar', 'lena']);
    const point = verb === 'restore' ? chance.of(await listRestorePoints(w.database.db, job)) : undefined;
    if (verb === 'restore' && !point) continue;
    await says(w, who, [verb, job, ...rest, ...(point ? ['--from', point.path, '--reason', '"r"'] : [])].join(' '));
    const waiting = (await activeOperations(w.database.db)).find((op) => op.job === job && op.state === 'waiting');
    if (waiting) await says(w, chance.of(['lena', 'lars', 'erik']), `${chance.once(5) ? 'reject' : 'approve'} ${waiting.id}`);
  }
}
/** A person types and takes what comes: an answer, a refusal, or silence. */
async function says(w: FaultWorld, who: string, line: string): Promise<void> {
  await w.client
    .as(who)
    .types(`/flink ${line}`, { channel, timeoutMs: 4000 })
    .catch(() => {});
}
async function heal(w: FaultWorld): Promise<void> {
  w.fleet.arm({});
  await Promise.all([w.proxies.postgres.set(), w.proxies.flink.set(), w.proxies.slack.set()]);
  w.practice.faults({ deliverTimes: 1, outage: false, slowAnswerMs: 0, serverErrorNext: 0, rateLimitNext: 0, dropAfterAcceptNext: 0 });
  w.flink?.thaw();
  w.flink?.set({
    savepointFails: false,
    savepointDelayMs: 0,
    stopFailsWithSavepoint: false,
    jobFailsWhileStopping: false,
    failAfterStartMs: undefined,
    submitDelayMs: 0,
    submitAnswerDelayMs: 0,
    noSlots: false,
  });
  for (const replica of w.fleet.replicas) if (replica.frozen) replica.thaw();
}
