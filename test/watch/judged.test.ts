import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Run } from '../../src/jobs/runs.store.ts';
import { judge } from '../../src/watch/judged.ts';

const run = (state: string) =>
  ({ id: 'r1', flinkJobId: 'f1', state, tasksRunning: 2, tasksTotal: 2, runningAt: new Date(), silentSince: null }) as unknown as Run;
const running = new Map([['f1', 'RUNNING']]);

it('judges anew as soon as either list is another one', () => {
  const runs = [run('RUNNING')];
  const first = judge(runs, running);
  assert.deepEqual(first.restless, []);
  assert.equal(judge(runs, running), first, 'nothing changed');
  const failed = judge(runs, new Map([['f1', 'FAILED']]));
  assert.equal(failed.restless[0]?.fact.is, 'ended');
  assert.deepEqual(judge(runs, running).restless, [], 'back again');
  assert.equal(judge([run('RESTARTING')], running).restless[0]?.fact.is, 'changed');
});

it('knows strangers by the runs that there are', () => {
  const states = new Map([...running, ['f2', 'RUNNING']]);
  const runs = [run('RUNNING')];
  assert.equal(judge(runs, states).strangers(), true);
  assert.equal(judge([...runs, { ...run('RUNNING'), flinkJobId: 'f2' }], states).strangers(), false);
});
