import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unknownState } from '../../src/deploy/deployer.ts';
import type { Run } from '../../src/jobs/runs.store.ts';
import {
  firstCheckpointFact,
  hasStrangers,
  healthOf,
  type RunFact,
  restlessOf,
  runFact,
  wantsCheckpoints,
  wantsOverview,
} from '../../src/watch/cluster-poll.rule.ts';

const run = { flinkJobId: 'f1', state: 'RUNNING', tasksRunning: 4, tasksTotal: 4, runningAt: new Date(0) };
const at = new Date(1_000_000);
const ago = (ms: number) => new Date(at.getTime() - ms);

describe('what a poll says of a run', () => {
  const table: [name: string, state: string | undefined, tasks: [number, number] | 'absent' | 'not asked', fact: RunFact][] = [
    ['as before', 'RUNNING', [4, 4], { is: 'same' }],
    ['as before, without tasks', 'RUNNING', 'not asked', { is: 'same' }],
    ['as before, and the stale overview does not have it yet', 'RUNNING', 'absent', { is: 'same' }],
    ['a task less', 'RUNNING', [3, 4], { is: 'changed', state: 'RUNNING', tasksRunning: 3, tasksTotal: 4 }],
    ['rescaled', 'RUNNING', [8, 8], { is: 'changed', state: 'RUNNING', tasksRunning: 8, tasksTotal: 8 }],
    ['restarting', 'RESTARTING', 'not asked', { is: 'changed', state: 'RESTARTING', tasksRunning: 4, tasksTotal: 4 }],
    ['failing is not failed', 'FAILING', [0, 4], { is: 'changed', state: 'FAILING', tasksRunning: 0, tasksTotal: 4 }],
    ['cancelling is not canceled', 'CANCELLING', [1, 4], { is: 'changed', state: 'CANCELLING', tasksRunning: 1, tasksTotal: 4 }],
    ['suspended is not ended', 'SUSPENDED', [0, 4], { is: 'changed', state: 'SUSPENDED', tasksRunning: 0, tasksTotal: 4 }],
    ['failed', 'FAILED', [0, 4], { is: 'ended', state: 'FAILED' }],
    ['finished', 'FINISHED', 'not asked', { is: 'ended', state: 'FINISHED' }],
    ['canceled', 'CANCELED', 'not asked', { is: 'ended', state: 'CANCELED' }],
    ['gone', undefined, [4, 4], { is: 'gone' }],
    ['its part of the cluster does not answer', unknownState, [0, 4], { is: 'unknown' }],
  ];
  for (const [name, state, tasks, fact] of table)
    it(name, () => {
      const states = new Map(state === undefined ? [] : [['f1', state]]);
      const seen =
        tasks === 'not asked' ? undefined : new Map(tasks === 'absent' ? [] : [['f1', { tasksRunning: tasks[0], tasksTotal: tasks[1] }]]);
      assert.deepEqual(runFact(run, { states, tasks: seen }, at), fact);
    });
});

it('does not take fewer tasks from the overview just after a run came up: Flink answers it from a cache', () => {
  const seenNow = (tasksRunning: number, state = 'RUNNING') => ({
    states: new Map([['f1', state]]),
    tasks: new Map([['f1', { tasksRunning, tasksTotal: 4 }]]),
  });
  assert.deepEqual(runFact({ ...run, runningAt: ago(3900) }, seenNow(0), at), { is: 'same' });
  assert.deepEqual(runFact({ ...run, runningAt: ago(4000) }, seenNow(0), at), {
    is: 'changed',
    state: 'RUNNING',
    tasksRunning: 0,
    tasksTotal: 4,
  });
  assert.deepEqual(
    runFact({ ...run, tasksRunning: 1, runningAt: ago(100) }, seenNow(4), at),
    { is: 'changed', state: 'RUNNING', tasksRunning: 4, tasksTotal: 4 },
    'more tasks are news',
  );
  assert.equal(runFact({ ...run, runningAt: ago(100) }, seenNow(0, 'RESTARTING'), at).is, 'changed', 'the state is never stale');
});

it('calls a run healthy only when every task runs', () => {
  assert.equal(healthOf(run), 'healthy');
  assert.equal(healthOf({ ...run, tasksRunning: 3 }), 'troubled');
  assert.equal(healthOf({ ...run, tasksRunning: 0, tasksTotal: 0 }), 'troubled', 'no tasks known is not health');
  assert.equal(healthOf({ ...run, state: 'RESTARTING' }), 'troubled');
  assert.equal(healthOf({ ...run, state: 'RESTARTING', runningAt: null }), 'coming-up', 'nothing is wrong before it came up');
  assert.equal(healthOf({ ...run, state: 'CANCELLING', tasksRunning: 0 }), 'going-down', 'a job that is being canceled does not restart');
});

it('asks for the overview when its time has come, something changed, or a run is not well', () => {
  const wants = (one: typeof run, states: [string, string][], sinceMs = 0) =>
    wantsOverview(restlessOf([{ ...one, silentSince: null }], { states: new Map(states), tasks: undefined }, at), sinceMs, 5000);
  assert.equal(wants(run, [['f1', 'RUNNING']], 1000), false);
  assert.equal(wants(run, [['f1', 'RUNNING']], 5000), true);
  assert.equal(wants(run, [['f1', 'RESTARTING']]), true);
  assert.equal(wants(run, []), false, 'what is gone is in no overview');
  assert.equal(wants(run, [['f1', 'FAILED']]), false);
  assert.equal(wants({ ...run, tasksRunning: 1 }, [['f1', 'RUNNING']]), true);
  assert.equal(wantsOverview([], 0, 5000), false);
  assert.equal(wants(run, [['f1', unknownState]]), false, 'nobody would answer');
  assert.equal(hasStrangers(new Map([['f2', unknownState]]), [run]), false);
  assert.equal(hasStrangers(new Map([['f2', 'RUNNING']]), [run]), true);
});

it('leaves out only what is well, as before and heard of', () => {
  const seen = (state: string, running = 4) => ({
    states: new Map([['f1', state]]),
    tasks: new Map([['f1', { tasksRunning: running, tasksTotal: 4 }]]),
  });
  const facts = (one: object, state = 'RUNNING', running = 4) =>
    restlessOf([{ ...run, silentSince: null, ...one }], seen(state, running), at).map(({ fact }) => fact.is);
  assert.deepEqual(facts({}), []);
  assert.deepEqual(facts({ silentSince: at }), ['same'], 'that it is heard of again is to be written');
  assert.deepEqual(facts({ runningAt: null }), ['same'], 'that it came up is to be noted');
  assert.deepEqual(facts({ tasksRunning: 3 }, 'RUNNING', 3), ['same'], 'trouble may not have been told');
  assert.deepEqual(facts({}, 'RUNNING', 3), ['changed']);
  assert.deepEqual(facts({}, 'FAILED'), ['ended']);
  assert.deepEqual(facts({}, unknownState), ['unknown']);
});

describe('checkpoints are read', () => {
  const table: [
    name: string,
    change: Partial<Pick<Run, 'checkpointsReadAt' | 'firstCheckpoint' | 'checkpointIntervalMs'>>,
    wants: boolean,
  ][] = [
    ['the first time', { checkpointsReadAt: null }, true],
    ['while the interval is not known', { checkpointIntervalMs: null }, true],
    ['every second while the first is awaited', { firstCheckpoint: 'waiting', checkpointsReadAt: ago(1000) }, true],
    ['not more often than that', { firstCheckpoint: 'waiting', checkpointsReadAt: ago(900) }, false],
    ['at least every minute', { checkpointsReadAt: ago(60_000) }, true],
    ['not before', { checkpointsReadAt: ago(59_000) }, false],
    ['within 8 short intervals, since Flink keeps 10', { checkpointIntervalMs: 1000, checkpointsReadAt: ago(8000) }, true],
    ['not within 7', { checkpointIntervalMs: 1000, checkpointsReadAt: ago(7000) }, false],
    ['seldom when checkpointing is off', { checkpointIntervalMs: 0, firstCheckpoint: 'off', checkpointsReadAt: ago(599_000) }, false],
    ['but now and then', { checkpointIntervalMs: 0, firstCheckpoint: 'off', checkpointsReadAt: ago(600_000) }, true],
  ];
  for (const [name, change, wants] of table)
    it(name, () => {
      const facts = { checkpointsReadAt: ago(10_000), firstCheckpoint: 'seen' as const, checkpointIntervalMs: 10_000, ...change };
      assert.equal(wantsCheckpoints(facts, at, 60_000), wants);
    });
});

it('knows the first checkpoint of a run from an older one', () => {
  const started = { startedAt: ago(100_000), runningAt: ago(90_000), checkpointIntervalMs: 10_000 };
  assert.equal(firstCheckpointFact(started, { at: ago(1000) }, at, 120_000), 'seen');
  assert.equal(firstCheckpointFact(started, undefined, at, 120_000), 'waiting');
  assert.equal(firstCheckpointFact(started, { at: ago(200_000) }, at, 120_000), 'seen', "whatever Flink's clock says");
  assert.equal(firstCheckpointFact(started, undefined, at, 80_000), 'overdue');
  assert.equal(
    firstCheckpointFact({ ...started, checkpointIntervalMs: 60_000 }, undefined, at, 80_000),
    'waiting',
    'three intervals at least',
  );
  assert.equal(firstCheckpointFact({ ...started, checkpointIntervalMs: 0 }, undefined, at, 1), 'off');
  assert.equal(
    firstCheckpointFact({ ...started, runningAt: null }, undefined, at, 99_000),
    'overdue',
    'counted from the start when it never came up',
  );
});
