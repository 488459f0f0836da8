import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JobDefinition } from '../../src/db/schema/index.ts';
import type { Run } from '../../src/jobs/runs.store.ts';
import type { StartFacts, StartWish } from '../../src/operations/start-facts.ts';
import { decideStart, type StartPlan } from '../../src/operations/start-plan.ts';
import type { LastState } from '../../src/restore-points/last-state.ts';
import { facts as cluster, gone, seen, unknown } from '../helpers/fake-deployer.ts';

const at = new Date('2026-11-25T12:00:00Z');
const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
const plain: StartWish = { version: undefined, fresh: false, from: undefined, breakGlass: false };
const definition: JobDefinition = {
  cluster: 'standalone',
  environment: 'production',
  artifact: 'ab',
  args: [],
  parallelism: 4,
  flink: {},
  links: [],
};
const version = (number: number, change: Partial<JobDefinition> = {}) => ({
  job: 'etl-orders',
  number,
  definition: { ...definition, ...change },
  origin: 'form',
  note: null,
  createdBy: ann,
  createdAt: at,
});
const run = (change: Partial<Run> = {}): Run => ({
  id: 'run_1',
  job: 'etl-orders',
  version: 1,
  endTold: false,
  flinkName: 'orders',
  twin: null,
  cluster: 'standalone',
  application: null,
  silentSince: null,
  flinkJobId: 'f'.repeat(32),
  operationId: 'op_1',
  state: 'FINISHED',
  stateAt: new Date(at.getTime() - 60_000),
  endReason: 'stopped',
  ended: true,
  endedAt: at,
  startedBy: ann,
  startedAt: new Date(at.getTime() - 3_600_000),
  runningAt: new Date(at.getTime() - 3_590_000),
  flinkVersion: '2.3.0',
  beginning: 'fresh',
  restoredFrom: null,
  tasksRunning: 0,
  tasksTotal: 4,
  restarts: 0,
  lastCheckpoint: null,
  checkpointsReadAt: null,
  checkpointIntervalMs: 1000,
  checkpointRetention: 'RETAIN_ON_CANCELLATION',
  failedCheckpoints: 0,
  rootException: null,
  firstCheckpoint: 'seen',
  lostBy: null,
  lastWordsDue: false,
  changedIn: 1,
  ...change,
});
const found = (change: Partial<Extract<LastState, { is: 'found' }>['point']> = {}, note?: string): LastState => ({
  is: 'found',
  point: { id: 'rp_1', path: 's3://lake/savepoint-1', kind: 'savepoint', takenAt: at, size: 10, final: true, version: 1, ...change },
  checked: true,
  note,
});
function world(
  change: Partial<StartFacts> & { currentVersion?: number; project?: string | null; mode?: 'streaming' | 'batch' } = {},
): StartFacts {
  const { currentVersion = 1, project = null, mode = 'streaming', ...rest } = change;
  return {
    job: { name: 'etl-orders', team: 'etl', kind: 'jar', mode, project, currentVersion, createdAt: at, current: version(currentVersion) },
    version: version(1),
    run: undefined,
    ranLast: undefined,
    sight: undefined,
    lastState: undefined,
    cluster,
    clusterError: undefined,
    ranBefore: new Set(),
    ...rest,
  };
}
const ended = run();
const live = run({ ended: false, endReason: null, endedAt: null, state: 'RUNNING' });
const neverStarted = run({ id: 'run_2', runningAt: null, endReason: 'never-started', state: 'CANCELED' });

describe('a plan', () => {
  const table: {
    name: string;
    facts: StartFacts;
    wish?: Partial<StartWish>;
    plan: { [K in keyof StartPlan]?: StartPlan[K] | undefined };
  }[] = [
    {
      name: 'the first start begins from nothing',
      facts: world(),
      plan: { beginning: 'fresh', version: 1, cluster: 'standalone', flinkVersion: '2.3.0' },
    },
    {
      name: 'a stopped job resumes from its final savepoint',
      facts: world({ run: ended, ranLast: ended, lastState: found() }),
      plan: {
        beginning: 'resume',
        restorePath: 's3://lake/savepoint-1',
        restoreKind: 'savepoint',
        restoreFinal: true,
        previousRun: 'run_1',
        previousVersion: 1,
      },
    },
    {
      name: 'another version is an upgrade, from the same state',
      facts: world({ run: ended, ranLast: ended, lastState: found(), version: version(2), currentVersion: 2 }),
      wish: { version: 2 },
      plan: { beginning: 'upgrade', version: 2, restorePath: 's3://lake/savepoint-1' },
    },
    {
      name: 'a newer version that never ran is named, not started',
      facts: world({ run: ended, ranLast: ended, lastState: found(), currentVersion: 3, ranBefore: new Set([1]) }),
      plan: { beginning: 'resume', version: 1, newerNeverRan: 3 },
    },
    {
      name: 'a newer version that ran before is not called new',
      facts: world({ run: ended, ranLast: ended, lastState: found(), currentVersion: 3, ranBefore: new Set([1, 3]) }),
      plan: { version: 1, newerNeverRan: undefined },
    },
    {
      name: 'a version asked for is not nagged about',
      facts: world({ run: ended, ranLast: ended, lastState: found(), currentVersion: 3, ranBefore: new Set([1]) }),
      wish: { version: 1 },
      plan: { version: 1, newerNeverRan: undefined },
    },
    {
      name: 'fresh, said aloud, drops the state',
      facts: world({ run: ended, ranLast: ended, lastState: found() }),
      wish: { fresh: true },
      plan: { beginning: 'fresh', restorePath: undefined, previousRun: 'run_1' },
    },
    {
      name: 'a typed savepoint path is a restore',
      facts: world({ run: ended, ranLast: ended, lastState: found() }),
      wish: { from: 's3://lake/savepoint-old' },
      plan: { beginning: 'restore', restorePath: 's3://lake/savepoint-old', restoreKind: 'savepoint' },
    },
    {
      name: 'a typed checkpoint path is a restore from a checkpoint',
      facts: world({ run: ended, ranLast: ended, lastState: { is: 'broken', path: 'x', why: 'y' } }),
      wish: { from: 's3://lake/cp/abc/chk-12/' },
      plan: { beginning: 'restore', restoreKind: 'checkpoint' },
    },
    {
      name: 'after a crash the last checkpoint is resumed, with what is not certain about it',
      facts: world({
        run: run({ endReason: 'failed' }),
        ranLast: ended,
        lastState: found({ kind: 'checkpoint', path: 's3://x/chk-9' }, 'cannot be read'),
      }),
      plan: { beginning: 'resume', restoreKind: 'checkpoint', notes: ['cannot be read'] },
    },
    {
      name: 'a finished batch job begins anew',
      facts: world({ mode: 'batch', run: run({ endReason: 'finished' }), ranLast: ended, lastState: { is: 'none', why: 'batch' } }),
      plan: { beginning: 'fresh' },
    },
    {
      name: 'a job that never came up begins from nothing again',
      facts: world({ run: neverStarted, lastState: { is: 'none', why: 'x' } }),
      plan: { beginning: 'fresh' },
    },
    {
      name: 'a start that did not come up goes on from where it was to begin',
      facts: world({
        run: { ...neverStarted, restoredFrom: 's3://a' },
        ranLast: ended,
        lastState: found({ path: 's3://a', final: false }, 'as before'),
      }),
      plan: { beginning: 'resume', restorePath: 's3://a' },
    },
  ];
  for (const row of table)
    it(row.name, () => {
      const decision = decideStart(row.facts, { ...plain, ...row.wish }, at);
      assert.equal(decision.is, 'plan', JSON.stringify(decision));
      const { plan } = decision as { plan: StartPlan };
      for (const [key, value] of Object.entries(row.plan)) assert.deepEqual(plan[key as keyof StartPlan], value, key);
    });
});

describe('a refusal', () => {
  const table: { name: string; facts: StartFacts; wish?: Partial<StartWish>; says: RegExp; hint: RegExp; code: string }[] = [
    {
      name: 'what runs is not started twice',
      facts: world({ run: live, sight: seen() }),
      says: /already running: v1 on standalone, started 60 min ago/,
      hint: /flink restart etl-orders/,
      code: 'conflict',
    },
    {
      name: 'what may still run is not started',
      facts: world({ run: live, sight: unknown }),
      says: /cannot be told whether etl-orders still runs: standalone does not answer/,
      hint: /Last proven: RUNNING, 60 s ago.*When standalone answers again, start it\.$/,
      code: 'conflict',
    },
    {
      name: 'nor what nobody asked about',
      facts: world({ run: live, sight: undefined }),
      says: /standalone has not confirmed it/,
      hint: /cannot run twice/,
      code: 'conflict',
    },
    {
      name: 'not even from a path',
      facts: world({ run: live, sight: unknown }),
      wish: { from: 's3://x' },
      says: /cannot be told/,
      hint: /twice/,
      code: 'conflict',
    },
    {
      name: 'not even fresh',
      facts: world({ run: live, sight: seen() }),
      wish: { fresh: true },
      says: /already running/,
      hint: /restart/,
      code: 'conflict',
    },
    {
      name: 'a version that does not exist',
      facts: world({ version: undefined }),
      wish: { version: 9 },
      says: /has no version v9/,
      hint: /current version is v1.*\/flink versions etl-orders/,
      code: 'not_found',
    },
    {
      name: 'no artifact, with a project',
      facts: world({ project: 'p', version: { ...version(1), definition: (({ artifact: _, ...d }) => d)(definition) } }),
      says: /v1 has no build yet/,
      hint: /start etl-orders --build/,
      code: 'bad_input',
    },
    {
      name: 'no artifact, without a project',
      facts: world({ version: { ...version(1), definition: (({ artifact: _, ...d }) => d)(definition) } }),
      says: /has no build yet/,
      hint: /Upload a jar/,
      code: 'bad_input',
    },
    {
      name: 'a cluster that does not answer',
      facts: world({ cluster: undefined, clusterError: 'It refused.' }),
      says: /standalone does not answer, so nothing was started/,
      hint: /It refused\. An admin/,
      code: 'unreachable',
    },
    {
      name: 'more parallelism than slots',
      facts: world({ cluster: { ...cluster, slotsTotal: 3, slotsAvailable: 3 } }),
      says: /wants parallelism 4, but standalone has 3 slots in all/,
      hint: /parallelism=3/,
      code: 'bad_input',
    },
    {
      name: 'no slots at all',
      facts: world({ cluster: { ...cluster, slotsTotal: 0, slotsAvailable: 0 } }),
      says: /standalone has no TaskManager at the moment/,
      hint: /Wait until its TaskManagers are back/,
      code: 'conflict',
    },
    {
      name: 'not enough free slots',
      facts: world({ cluster: { ...cluster, slotsAvailable: 3 } }),
      says: /needs 4 free slots, but standalone has 3 of 8 free/,
      hint: /Stop something/,
      code: 'conflict',
    },
    {
      name: 'the newest restore point is broken',
      facts: world({ run: ended, ranLast: ended, lastState: { is: 'broken', path: 's3://x/chk-9', why: 'it has no _metadata file' } }),
      says: /not usable: it has no _metadata file \(s3:\/\/x\/chk-9\)/,
      hint: /an older one would rewind it.*\/flink restore etl-orders/,
      code: 'conflict',
    },
    {
      name: 'a run without any state',
      facts: world({ run: ended, ranLast: ended, lastState: { is: 'none', why: 'its checkpointing was off' } }),
      says: /has no restore point: its checkpointing was off/,
      hint: /--fresh.*--from <path>/,
      code: 'conflict',
    },
    {
      name: 'a fresh start that never came up does not drop the state of the run before',
      facts: world({ run: neverStarted, ranLast: ended, lastState: { is: 'none', why: 'gone' } }),
      says: /has no restore point/,
      hint: /--fresh/,
      code: 'conflict',
    },
    {
      name: 'a streaming job that finished does not silently begin anew',
      facts: world({ run: run({ endReason: 'finished' }), ranLast: ended, lastState: { is: 'none', why: 'it finished' } }),
      says: /no restore point: it finished/,
      hint: /--fresh/,
      code: 'conflict',
    },
  ];
  for (const row of table)
    it(row.name, () => {
      const decision = decideStart(row.facts, { ...plain, ...row.wish }, at);
      assert.ok(decision.is === 'refused', JSON.stringify(decision));
      assert.equal(decision.error.code, row.code);
      assert.match(decision.error.message, row.says);
      assert.match(decision.error.hint ?? '', row.hint);
    });
});

describe('whatever is true', () => {
  const runs = fc.record({
    ended: fc.boolean(),
    endReason: fc.constantFrom('stopped', 'canceled', 'finished', 'failed', 'lost', 'never-started'),
    runningAt: fc.option(fc.constant(at)),
    restoredFrom: fc.option(fc.constant('s3://before')),
    version: fc.integer({ min: 1, max: 3 }),
  });
  const states = fc.option(
    fc.oneof(
      fc.constant(found()),
      fc.constant(found({ kind: 'checkpoint', path: 's3://x/chk-3', final: false }, 'note')),
      fc.constant<LastState>({ is: 'broken', path: 'p', why: 'w' }),
      fc.constant<LastState>({ is: 'none', why: 'w' }),
    ),
    { nil: undefined },
  );
  const worlds = fc
    .record({
      run: fc.option(runs, { nil: undefined }),
      ranBefore: fc.boolean(),
      mode: fc.constantFrom('streaming' as const, 'batch' as const),
      sight: fc.constantFrom(undefined, gone, unknown, seen(), seen({ state: 'FAILED' })),
      lastState: states,
      versionNumber: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      currentVersion: fc.integer({ min: 1, max: 3 }),
      slots: fc.integer({ min: 0, max: 8 }),
      answers: fc.boolean(),
    })
    .map(({ run: r, ...w }) => {
      const latest = r && run(r);
      const ranLast = latest?.runningAt ? latest : w.ranBefore && latest ? run({ id: 'run_0' }) : undefined;
      return world({
        run: latest,
        ranLast,
        mode: w.mode,
        sight: w.sight,
        lastState: w.lastState,
        version: w.versionNumber === undefined ? undefined : version(w.versionNumber),
        currentVersion: w.currentVersion,
        cluster: w.answers ? { ...cluster, slotsAvailable: w.slots } : undefined,
      });
    });
  const wishes: fc.Arbitrary<StartWish> = fc.record({
    version: fc.constantFrom(undefined, 'current' as const, 1, 2, 3),
    fresh: fc.boolean(),
    from: fc.option(fc.constant('s3://typed'), { nil: undefined }),
    breakGlass: fc.boolean(),
  });

  it('nothing is started while a run is not ended', () => {
    fc.assert(
      fc.property(worlds, wishes, (facts, wish) => {
        const decision = decideStart(facts, wish, at);
        if (!facts.run || facts.run.ended || decision.is === 'refused') return;
        // Only a person who says so by break-glass, of a run that nobody can see; and the plan says it.
        assert.ok(wish.breakGlass && facts.sight?.is === 'unknown');
        assert.equal(decision.plan.assumedGone, facts.run.id);
      }),
      { numRuns: 3000 },
    );
  });
  it('nothing with state begins from nothing, unless that was said', () => {
    fc.assert(
      fc.property(worlds, wishes, (facts, wish) => {
        const decision = decideStart(facts, wish, at);
        if (decision.is !== 'plan' || decision.plan.beginning !== 'fresh' || wish.fresh) return;
        const again = facts.job.mode === 'batch' && facts.run?.endReason === 'finished';
        assert.ok(!facts.run || again || (!facts.ranLast && facts.lastState?.is !== 'found' && facts.lastState?.is !== 'broken'));
      }),
      { numRuns: 3000 },
    );
  });
  it('a plan has a path exactly when it does not begin from nothing, and only the typed or the newest one', () => {
    fc.assert(
      fc.property(worlds, wishes, (facts, wish) => {
        const decision = decideStart(facts, wish, at);
        if (decision.is === 'refused') return;
        const { plan } = decision;
        assert.equal(plan.restorePath === undefined, plan.beginning === 'fresh');
        if (plan.beginning === 'restore') assert.equal(plan.restorePath, wish.from);
        if (plan.beginning === 'resume' || plan.beginning === 'upgrade')
          assert.equal(plan.restorePath, facts.lastState?.is === 'found' ? facts.lastState.point.path : 'none');
        assert.equal(plan.version, facts.version?.number);
      }),
      { numRuns: 3000 },
    );
  });
});
