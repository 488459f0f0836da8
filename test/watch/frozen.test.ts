import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { moveClock } from '../../src/db/clock.ts';
import { findClusterView, leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { findRun } from '../../src/jobs/runs.store.ts';
import { pollCluster } from '../../src/watch/cluster-poll.ts';
import { LeaseLostError } from '../../src/watch/fenced.ts';
import { gone, seen } from '../helpers/fake-deployer.ts';
import { flinkId, type Rig, rig } from './rig.ts';

/** Begins a poll that freezes in one request to the cluster, lets another replica take the cluster over, and goes on. */
async function freezeIn(r: Rig, method: 'listRuns' | 'look', answer: unknown, meanwhile: () => Promise<void>): Promise<unknown> {
  const arrived = Promise.withResolvers<void>();
  const thaw = Promise.withResolvers<void>();
  r.deployer.always(method, async () => {
    arrived.resolve();
    await thaw.promise;
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const frozen = r.poll().then(
    () => undefined,
    (error: unknown) => error,
  );
  await arrived.promise;
  await moveClock(r.database.db, 16_000);
  const [lease] = await leaseClusters(r.database.db, 'other', ['standalone']);
  assert.ok(lease);
  r.shows({ orders: ['RUNNING', 4] });
  await pollCluster(r.deps, lease, { overviewMs: 5000 });
  await meanwhile();
  thaw.resolve();
  return frozen;
}

describe('a poller that froze and lost its cluster to another replica', () => {
  const start = async (t: TestContext) => {
    const r = await rig(t);
    await r.run();
    return r;
  };
  it('writes nothing of what it saw before: not that a run restarts', async (t) => {
    const r = await start(t);
    const before = async () => [await findRun(r.database.db, 'run_orders'), await findClusterView(r.database.db, 'standalone')];
    let then: unknown;
    const error = await freezeIn(r, 'listRuns', new Map([[flinkId('orders'), 'RESTARTING']]), async () => {
      then = await before();
    });
    assert.ok(error instanceof LeaseLostError, String(error));
    assert.deepEqual(await before(), then);
    assert.deepEqual(await openIncidents(r.database.db), []);
  });
  it('does not pass its old look for the last one, though all was as before', async (t) => {
    const r = await start(t);
    r.shows({ orders: ['RUNNING', 4] });
    await r.poll(true);
    let then: unknown;
    const view = () => findClusterView(r.database.db, 'standalone');
    const error = await freezeIn(r, 'listRuns', new Map([[flinkId('orders'), 'RUNNING']]), async () => {
      then = await view();
    });
    assert.ok(error instanceof LeaseLostError, String(error));
    assert.deepEqual(await view(), then);
  });
  it('does not count a failure', async (t) => {
    const r = await start(t);
    const error = await freezeIn(r, 'listRuns', new UnreachableError('connect ECONNREFUSED'), async () => {});
    assert.ok(error instanceof LeaseLostError, String(error));
    assert.equal((await findClusterView(r.database.db, 'standalone'))?.failures, 0);
  });
  for (const [what, sight] of [
    ['is gone', gone],
    ['failed', seen({ state: 'FAILED' })],
    ['restarts', seen({ state: 'RESTARTING', tasksRunning: 0 })],
  ] as const)
    it(`does not write that a run ${what}`, async (t) => {
      const r = await start(t);
      r.shows({ orders: ['RESTARTING', 0] });
      r.deployer.always('rootCause', undefined);
      const error = await freezeIn(r, 'look', sight, async () => {});
      assert.ok(error instanceof LeaseLostError, String(error));
      const run = await findRun(r.database.db, 'run_orders');
      assert.deepEqual([run?.ended, run?.state, run?.tasksRunning], [false, 'RUNNING', 4]);
      assert.deepEqual(await openIncidents(r.database.db), []);
    });
});
