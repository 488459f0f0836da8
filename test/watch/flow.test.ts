import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { moveClock, now } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { findClusterView } from '../../src/deploy/cluster-views.store.ts';
import type { FlowVertex, VertexFlow } from '../../src/deploy/deployer.ts';
import { listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { endRun, updateRun } from '../../src/jobs/runs.store.ts';
import { figures } from '../../src/watch/figures.store.ts';
import type { KnownVertices } from '../../src/watch/flow.fetch.ts';
import { type FlowDeps, followFlows } from '../../src/watch/flow.ts';
import { forgetOld } from '../../src/watch/housekeeping.ts';
import { clustersPage } from '../../views/clusters.ts';
import { noAnswer } from '../helpers/fake-deployer.ts';
import { ann, flinkId, type Rig, rig } from './rig.ts';

const minute = 60_000;
const vertices: FlowVertex[] = [
  { id: 's', name: 'Source: orders', running: true, inputs: [], counters: ['Source__orders.numRecordsOut'] },
  { id: 't', name: 'totals', running: true, inputs: ['s'], counters: [] },
];
const flow = (n: number, pressed = 0): VertexFlow => ({ in: n, out: n, watermark: undefined, backPressured: pressed });

interface FlowRig extends Rig {
  /** One look a minute later, with so many records so far by job. */
  look(records: Record<string, number>, pressed?: number): Promise<void>;
  /** Long enough that records are its habit. */
  warm(jobs?: string[]): Promise<void>;
  budget: FlowDeps['flow']['budget'];
}
async function flowRig(t: TestContext): Promise<FlowRig> {
  const r = await rig(t);
  r.deployer.always('vertices', vertices);
  const known: KnownVertices = new Map();
  const [lease] = (
    await r.database.db.execute<{ epoch: number }>(sql`select epoch::int as epoch from cluster_views where cluster = 'standalone'`)
  ).rows.map(({ epoch }) => ({ cluster: 'standalone', owner: 'me', epoch }));
  const budget = { requests: 100, ms: 3000 };
  const made: FlowRig = {
    ...r,
    budget,
    async look(records, pressed = 0) {
      await moveClock(r.database.db, minute);
      await r.database.db.execute(
        sql`update cluster_views set lease_until = sluice_now() + interval '1 minute', last_ok_at = sluice_now()`,
      );
      r.deployer.always('flow', (id: string, vertex: FlowVertex) => {
        const job = Object.keys(records).find((name) => flinkId(name) === id);
        return flow(records[job ?? ''] ?? 0, vertex.id === 's' ? pressed : 0);
      });
      const limits = { noDataMs: 4 * minute, watermarkMs: 4 * minute, backpressureMs: 6 * minute };
      await followFlows({ ...r.deps, flow: { limits, everyMs: minute, budget } }, lease as never, known);
    },
    async warm(jobs = ['orders']) {
      for (let n = 1; n <= 6; n++) await made.look(Object.fromEntries(jobs.map((job) => [job, n])));
    },
  };
  return made;
}
const open = async (r: Rig) => (await openIncidents(r.database.db)).map((one) => one.key);

describe('watch looks at the data of running jobs', () => {
  it('tells once that they stopped, where and since when, and closes with the records', async (t) => {
    const r = await flowRig(t);
    await r.run();
    await r.warm();
    for (let i = 0; i < 3; i++) await r.look({ orders: 6 });
    assert.deepEqual(await open(r), []);
    const news = r.news();
    for (let i = 0; i < 2; i++) await r.look({ orders: 6 });
    assert.equal(r.news(), news + 1);
    const [told] = await openIncidents(r.database.db);
    assert.deepEqual([told?.key, told?.occurrences], ['job:orders:no-data', 1]);
    const text = await r.text(told!.messageId);
    assert.match(text, /orders: no data although it runs/);
    assert.match(
      text,
      /Source: orders reads no records, since \d{4}-\d\d-\d\d \d\d:\d\d UTC\. All its tasks run\. Before that, records came all the time\./,
    );
    assert.match(text, /Where: Source: orders/);
    assert.doesNotMatch(text, /\[Resume\]/);
    await r.look({ orders: 7 });
    await r.look({ orders: 8 });
    assert.deepEqual(
      (await listIncidents(r.database.db)).map((one) => [one.state, one.resolution]),
      [['resolved', 'Records flow again.']],
    );
    const [requests] = (await figures(r.database.db)).filter((one) => one.name === 'sluice_flow_requests');
    assert.ok((requests?.values[0]?.value ?? 0) > 20, 'the cost is counted');
  });

  it('tells of lasting backpressure, and what does not keep up', async (t) => {
    const r = await flowRig(t);
    await r.run();
    for (let n = 1; n <= 8; n++) await r.look({ orders: n }, 0.9);
    const [told] = await openIncidents(r.database.db);
    assert.match(await r.text(told!.messageId), /orders: it does not keep up[\s\S]*held back 90 % of the time: totals does not keep up/);
    await r.look({ orders: 9 }, 0.1);
    assert.deepEqual(await open(r), []);
  });

  it('leaves alone what an operation holds, what restarts, and a cluster that does not answer', async (t) => {
    const r = await flowRig(t);
    await r.run();
    await r.warm();
    await updateRun(r.database.db, 'run_orders', { state: 'RESTARTING' });
    const before = r.deployer.count('flow');
    for (let i = 0; i < 6; i++) await r.look({ orders: 6 });
    assert.equal(r.deployer.count('flow'), before);
    await updateRun(r.database.db, 'run_orders', { state: 'RUNNING', tasksRunning: 3 });
    await r.look({ orders: 6 });
    await updateRun(r.database.db, 'run_orders', { tasksRunning: 4 });
    await r.database.db.execute(sql`update cluster_views set failures = 2`);
    await r.look({ orders: 6 });
    await r.database.db.execute(sql`update cluster_views set failures = 0`);
    await r.database.db.execute(sql`insert into operations (id, kind, job, state, holds, input, idem_key, actor, origin, message_id, created_at)
      values ('op_1', 'restart', 'orders', 'running', true, '{}', 'k', '{}', '{}', 'm', sluice_now())`);
    await r.look({ orders: 6 });
    assert.equal(r.deployer.count('flow'), before);
    assert.deepEqual(await open(r), []);
  });

  it('a cluster that stops answering in between says nothing of its jobs', async (t) => {
    const r = await flowRig(t);
    await r.run();
    await r.warm();
    r.deployer.always('vertices', noAnswer());
    for (let i = 0; i < 6; i++) await r.look({ orders: 6 });
    assert.deepEqual(await open(r), []);
  });

  it('a job turns it off, or asks for its own; what was told is over then', async (t) => {
    const r = await flowRig(t);
    await r.run('orders');
    await r.run('clicks');
    const set = async (name: string, change: object) => {
      const job = await findJob(r.database.db, name);
      await r.database.transaction((tx) =>
        addVersion(tx, name, { definition: { ...job!.current.definition, ...change }, origin: 'set', createdBy: ann } as never),
      );
    };
    await set('clicks', { noDataAfter: '2 min' });
    await r.warm(['orders', 'clicks']);
    for (let i = 0; i < 3; i++) await r.look({ orders: 6, clicks: 6 });
    assert.deepEqual(await open(r), ['job:clicks:no-data']);
    await set('clicks', { noDataAfter: 'off' });
    await set('orders', { noDataAfter: 'off' });
    for (let i = 0; i < 6; i++) await r.look({ orders: 6, clicks: 6 });
    assert.deepEqual(await open(r), []);
    await set('orders', { noDataAfter: 'off', watermarkAfter: 'off', backpressureAfter: 'off' });
    await set('clicks', { noDataAfter: 'off', watermarkAfter: 'off', backpressureAfter: 'off' });
    const before = r.deployer.calls.length;
    await r.look({ orders: 6, clicks: 6 });
    assert.equal(r.deployer.calls.length, before, 'who wants to hear nothing is not asked');
  });

  it('is over when the run is, or when it was started anew; then its memory goes', async (t) => {
    const r = await flowRig(t);
    await r.run('orders');
    await r.warm();
    for (let i = 0; i < 6; i++) await r.look({ orders: 6 });
    assert.deepEqual(await open(r), ['job:orders:no-data']);
    await endRun(r.database.db, 'run_orders', { state: 'FINISHED', reason: 'stopped' });
    await r.look({});
    const [told] = await listIncidents(r.database.db);
    assert.deepEqual([told?.state, told?.resolution], ['resolved', 'It does not run any more.']);
    await forgetOld(r.database.db, { incidentsMs: 86_400_000 });
    assert.equal((await r.database.db.execute(sql`select 1 from flows`)).rows.length, 0);
  });

  it('spends no more than its budget, one request after the other; what is left over comes first in the next round', async (t) => {
    const r = await flowRig(t);
    for (const job of ['orders', 'clicks', 'views']) await r.run(job, { startedAt: now });
    let underway = 0;
    let most = 0;
    r.deployer.always('vertices', async () => {
      most = Math.max(most, ++underway);
      await new Promise(setImmediate);
      underway--;
      return vertices;
    });
    r.budget.requests = 3;
    const asked = () => r.deployer.calls.filter((call) => call.method === 'flow').map((call) => call.args[0]);
    for (let i = 0; i < 3; i++) await r.look({ orders: i, clicks: i, views: i });
    assert.deepEqual(new Set(asked().slice(0, 6)).size, 3, 'each of the three was looked at once in three rounds');
    assert.equal(most, 1);
  });

  it('counts those that it looks at too rarely to judge them, until it can; who wants to be told of nothing does not count', async (t) => {
    const r = await flowRig(t);
    for (const job of ['orders', 'clicks', 'views']) await r.run(job);
    const late = async () => {
      const one = (await figures(r.database.db)).find((figure) => figure.name === 'sluice_flow_runs_not_judged');
      return one?.values[0]?.value;
    };
    const job = await findJob(r.database.db, 'views');
    const off = { noDataAfter: 'off', watermarkAfter: 'off', backpressureAfter: 'off' };
    const definition = { ...job!.current.definition, ...off };
    await r.database.transaction((tx) => addVersion(tx, 'views', { definition, origin: 'set', createdBy: ann } as never));
    r.budget.requests = 1;
    for (let i = 0; i < 9; i++) await r.look({ orders: i, clicks: i, views: i });
    assert.equal(await late(), 0, 'every second round is often enough');
    r.budget.requests = 0;
    for (let i = 0; i < 4; i++) await r.look({ orders: i, clicks: i, views: i });
    await r.look({});
    assert.equal(await late(), 2);
    const view = await findClusterView(r.database.db, 'standalone');
    const { cluster } = await r.deps.deployers.of('standalone');
    const page = String(clustersPage([{ cluster, view, unreachable: false, jobs: [] }], new Date()));
    assert.match(page, /standalone<\/strong>: the data of 2 of 3 running jobs are looked at too rarely[\s\S]*watch\.flowEvery/);
    r.budget.requests = 100;
    await r.look({});
    assert.equal(await late(), 2, 'between this look and the one before nothing is known');
    await r.look({});
    assert.equal(await late(), 0);
  });

  it('gives each JobManager a budget of its own', async (t) => {
    const r = await flowRig(t);
    for (const job of ['orders', 'clicks', 'views'])
      await r.run(job, { application: job === 'views' ? 'application_1_2' : 'application_1_1' });
    r.budget.requests = 3;
    await r.look({});
    const asked = new Set(r.deployer.calls.filter((call) => call.method === 'flow').map((call) => call.args[0]));
    assert.deepEqual([asked.size, asked.has(flinkId('views'))], [2, true]);
  });
});
