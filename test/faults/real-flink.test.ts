import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sleep } from '../../src/core/time.ts';
import type { LocalCluster } from '../../src/flink/local-cluster.ts';
import { flinkVersionsForTests, startTestCluster } from '../helpers/flink.ts';
import { compileJob, ordersJob } from '../helpers/flink-job.ts';
import { pointsOf } from './crash-points.ts';
import { playRandom } from './random.ts';
import { type Fault, faults } from './random-faults.ts';
import { type RealTruth, watchRealFlink } from './real-truth.ts';
import { ask, scenes } from './scenes.ts';
import { faultSettings } from './settings.ts';
import { assertNone, operationEnds, settles, violationsOf } from './settle.ts';
import { staleWrites } from './stale-writes.ts';
import { startFaultWorld, type WorldOptions } from './world.ts';

const { seed, realRounds } = faultSettings();
/** A cluster is left after so many rounds: their jobs run on. */
const roundsPerCluster = 5;

/** Longer than on the stand-in: operations take seconds here. */
const lines = [3, 6] as const;
const breakers = 2;

/** What breaks on the way to anything, and a real cluster's own processes (twice: they are few among the others). */
function realFaults(cluster: LocalCluster): Fault[] {
  const onTheWay = faults.filter(
    (fault) => !fault.name.startsWith('flink: ') || /^flink: (cut|refuse|blackhole|latency|reset|slow drip|half)/.test(fault.name),
  );
  let turn = Promise.resolve();
  /** One at a time: a process that is just being started again cannot be stopped well. */
  const alone =
    (make: Fault['make']): Fault['make'] =>
    (w, chance) => {
      const mine = turn.then(() => make(w, chance));
      turn = mine.catch(() => {});
      return mine;
    };
  const own: Fault[] = [
    {
      name: 'flink: JobManager frozen',
      async make(_w, chance) {
        await cluster.kill('jobmanager', 0, 'SIGSTOP');
        await sleep(chance.whole(500, 8000));
        await cluster.kill('jobmanager', 0, 'SIGCONT');
      },
    },
    {
      name: 'flink: JobManager killed',
      async make(_w, chance) {
        await cluster.kill('jobmanager');
        await sleep(chance.whole(0, 2000));
        await cluster.restart('jobmanager');
        await cluster.waitReady();
      },
    },
    {
      name: 'flink: TaskManager killed',
      async make(_w, chance) {
        await cluster.kill('taskmanager');
        await sleep(chance.whole(0, 2000));
        await cluster.restart('taskmanager');
        await cluster.waitReady();
      },
    },
  ];
  const ownAlone = own.map((fault) => ({ ...fault, make: alone(fault.make) }));
  return [...onTheWay, ...ownAlone, ...ownAlone];
}

interface Real {
  cluster: LocalCluster;
  truth: RealTruth;
  world: NonNullable<WorldOptions['cluster']>;
}
/** A cluster of its own whose truth is watched; it ends with the test. */
async function startReal(t: TestContext, version: string): Promise<Real> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-real-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }));
  const started = await startTestCluster(version, {
    dir: join(dir, 'flink'),
    slots: 20,
    conf: {
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': '5',
      'restart-strategy.fixed-delay.delay': '500 ms',
      // What Flink does on its own: answers up to three seconds old.
      'web.refresh-interval': '3000',
    },
  });
  t.after(() => started.stop());
  const { cluster, home } = started;
  const path = await compileJob({ home, outDir: join(dir, 'job'), mainClass: ordersJob, jarName: 'orders.jar' });
  const truth = await watchRealFlink(cluster);
  t.after(() => truth.close());
  const { checkpointDir, savepointDir } = cluster;
  return {
    cluster,
    truth,
    world: { url: truth.url, checkpointDir, savepointDir, artifact: { path, name: 'orders.jar', mainClass: ordersJob } },
  };
}

const batches = Array.from({ length: Math.ceil(realRounds / roundsPerCluster) }, (_, n) => ({
  version: flinkVersionsForTests[n % flinkVersionsForTests.length] as string,
  firstSeed: seed + n * roundsPerCluster,
  rounds: Math.min(roundsPerCluster, realRounds - n * roundsPerCluster),
}));
for (const { version, firstSeed, rounds } of batches)
  test(`people at work while everything breaks, on Flink ${version}, seed ${firstSeed}`, { timeout: rounds * 300_000 }, async (t) => {
    const { cluster, truth, world } = await startReal(t, version);
    const result = await playRandom(t, {
      seed: firstSeed,
      rounds,
      forMs: Number.POSITIVE_INFINITY,
      world: { cluster: world },
      faults: realFaults(cluster),
      lines,
      breakers,
      truth: truth.events,
    });
    assert.deepEqual(truth.contradictions(), []);
    t.diagnostic(
      `Flink ${version}, seed ${firstSeed}: ${result.rounds} rounds, ${result.operations} operations, ${truth.compared()} runs counted their orders, 0 violations`,
    );
    t.diagnostic(`faults: ${JSON.stringify(result.fired)}`);
    assert.ok(result.rounds === rounds && result.operations > 0);
  });

const sample = ['a resume', 'a stop', 'a restart with a build'];
const moments = ['after-intent', 'after-effect'] as const;
/** The steps that talk to the cluster; the others meet the same on the stand-in. */
const steps = ['place', 'submit', 'running', 'prove', 'stop-savepoint', 'stop-ended'];
// One release a run, in turn by the seed.
const version = flinkVersionsForTests[seed % flinkVersionsForTests.length] as string;

test(`SIGKILL at every step of ${sample.join(', ')}, on Flink ${version}`, { timeout: 600_000 }, async (t) => {
  const { truth, world } = await startReal(t, version);
  const w = await startFaultWorld(t, { cluster: world });
  const problems: string[] = [];
  let n = 0;
  for (const scene of scenes.filter((one) => sample.includes(one.name))) {
    const line = await scene.prepare(w, `job-${++n}`);
    await settles(w);
    // A step that died before its effect is done again, and dies after it.
    const points = pointsOf(moments).filter((point) => steps.some((step) => point.startsWith(`${scene.kind}/${step}/`)));
    w.fleet.arm(Object.fromEntries(points.map((point) => [point, 'kill'])));
    const op = await operationEnds(w, await ask(w, line));
    await w.fleet.ready();
    w.fleet.arm({});
    if (process.env['FAULTS_TRACE']) console.log(`${scene.name}: ${op.state}, ${w.fleet.fired.length} fired`);
    if (op.state !== scene.ends) problems.push(`${scene.name}, killed at each step: ${op.state}, ${JSON.stringify(op.outcome)}`);
  }
  await settles(w);
  assert.deepEqual(problems, []);
  assert.deepEqual(w.fleet.surprises, []);
  assertNone(await violationsOf(w, { truth: { standalone: truth.events } }));
  assert.deepEqual(await staleWrites(w.database), []);
  assert.deepEqual(truth.contradictions(), []);
  for (const point of steps.flatMap((step) => moments.map((moment) => `${step}/${moment}`)))
    assert.ok(
      w.fleet.fired.some((one) => one.point.endsWith(`/${point}`)),
      `${point} fired`,
    );
  t.diagnostic(
    `Flink ${version}: ${n} operations, ${w.fleet.fired.length} × kill, ${truth.compared()} runs counted their orders, 0 violations`,
  );
});
