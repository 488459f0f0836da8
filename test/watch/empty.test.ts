import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { endRun } from '../../src/jobs/runs.store.ts';
import { followFlows } from '../../src/watch/flow.ts';
import { checkpoint, noCheckpoints } from '../helpers/fake-deployer.ts';
import { type Rig, rig } from './rig.ts';

const hour = 3_600_000;
/** A run that others started, over since, which had come to checkpoint 41. */
async function after(
  t: TestContext,
  lastCheckpoint: object | null = { id: 41, path: 's3://lake/chk-41', size: 1, durationMs: 1 },
): Promise<Rig> {
  const r = await rig(t);
  await r.run('orders', {
    id: 'run_before',
    flinkJobId: 'b'.repeat(32),
    operationId: '',
    startedAt: new Date(Date.now() - 5 * hour),
    ended: true,
    endTold: true,
    state: 'CANCELED',
    endReason: 'canceled',
    lastCheckpoint: lastCheckpoint && ({ at: new Date(Date.now() - hour).toISOString(), ...lastCheckpoint } as never),
  });
  r.shows({ orders: ['RUNNING', 4] });
  return r;
}
const restored = { path: 's3://lake/chk-41', at: Date.now() };
const begins = (r: Rig, change: Parameters<Rig['run']>[1] = {}) => r.run('orders', { operationId: '', checkpointsReadAt: null, ...change });

describe('a run that others started', () => {
  it('from nothing, although there was state, is told once with what it left lying', async (t) => {
    const r = await after(t);
    await begins(r);
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(1)] });
    await r.poll();
    await r.poll();
    const [told, ...more] = await openIncidents(r.database.db);
    assert.deepEqual([told?.key, told?.occurrences, more.length], ['job:orders:began-empty', 1, 0]);
    const text = await r.text(told!.messageId);
    assert.match(text, /^orders began from nothing, although it had state\n/);
    assert.match(text, /The last checkpoint of the run before: s3:\/\/lake\/chk-41\./);
    assert.doesNotMatch(text, /\[Resume\]/, 'it runs');
    await moveClock(r.database.db, 25 * hour);
    await r.poll();
    const over = (await listIncidents(r.database.db)).find((one) => one.key === told?.key);
    assert.equal(over?.resolution, 'It has gone on from there for a day.');
  });

  it('from nothing: told no longer when that run is over and nothing follows', async (t) => {
    const r = await after(t);
    await begins(r);
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(1)] });
    await r.poll();
    assert.equal((await openIncidents(r.database.db)).length, 1);
    const { rows } = await r.database.db.execute<{ epoch: number }>(
      sql`update cluster_views set lease_until = sluice_now() + interval '1 hour', last_ok_at = sluice_now() where cluster = 'standalone' returning epoch::int as epoch`,
    );
    const lease = { cluster: 'standalone', owner: 'me', epoch: rows[0]?.epoch } as never;
    const flow = {
      limits: { noDataMs: hour, watermarkMs: hour, backpressureMs: hour },
      everyMs: 60_000,
      budget: { requests: 9, ms: 9000 },
    };
    const look = () => followFlows({ ...r.deps, flow }, lease, new Map());
    r.deployer.always('vertices', []);
    await look();
    assert.equal((await openIncidents(r.database.db)).length, 1, 'it runs');
    await endRun(r.database.db, 'run_orders', { state: 'CANCELED', reason: 'canceled' });
    await look();
    const over = (await listIncidents(r.database.db)).find((one) => one.cause === 'began-empty');
    assert.deepEqual([over?.state, over?.resolution], ['resolved', 'It does not run any more.']);
  });

  it('from a state, or for the first time, or after a run that kept none, is well', async (t) => {
    const r = await after(t);
    await begins(r);
    r.deployer.always('checkpoints', { ...noCheckpoints, restored });
    await r.poll();
    assert.deepEqual(await openIncidents(r.database.db), []);
    const none = await after(t, null);
    await begins(none);
    none.deployer.always('checkpoints', noCheckpoints);
    await none.poll();
    assert.deepEqual(await openIncidents(none.database.db), []);
  });

  it('through Sluice says itself what it began from', async (t) => {
    const r = await after(t);
    await begins(r, { operationId: 'op_start' });
    r.deployer.always('checkpoints', noCheckpoints);
    await r.poll();
    assert.deepEqual(await openIncidents(r.database.db), []);
  });
});
