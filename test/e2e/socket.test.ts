import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  does,
  etl,
  eventually,
  flinkJobIdOf,
  onlyJobIs,
  operationIdOf,
  pathOf,
  planOf,
  restoredFrom,
  startWorld,
  type World,
} from './world.ts';

describe('over Socket Mode, with no HTTP from Slack', { timeout: 600_000 }, () => {
  let w: World;
  before(async () => {
    w = await startWorld('1.20.5', 'socket');
  });
  after(() => w?.stop());

  test('two connections are open', () => {
    assert.equal(w.demo.practice.sockets(), 2);
  });

  test('build, start and an approved restore', async () => {
    const built = await does(w.emma, '/flink build etl-orders', /Built etl-orders: v2|was not built/, { timeoutMs: 240_000 });
    assert.match(built.text, /Built etl-orders: v2/);
    const started = await does(w.emma, '/flink start etl-orders', /etl-orders (started|was not started)/);
    await onlyJobIs(w, flinkJobIdOf(started));
    const savepoint = pathOf(await does(w.emma, '/flink savepoint etl-orders', /Savepoint of etl-orders taken/));
    const asked = await w.emma.says(`/flink restore etl-orders --from ${savepoint} --reason "over the socket"`, etl);
    const plan = await planOf(w.lena, asked);
    assert.match((await w.emma.clicksFor(plan, 'Approve')).text, /You asked for this yourself/);
    await w.lena.clicks(plan, 'Approve');
    const done = await w.lena.seesEdit(plan, /etl-orders (restored|was not restored|is down)/, { timeoutMs: 90_000 });
    assert.match(done.text, /etl-orders restored/);
    // Who asked hears of the decision without looking for it.
    await w.emma.sees(/Your restore of etl-orders was approved by lena/, { channel: 'dm', since: 'start' });
    assert.equal(await restoredFrom(w, flinkJobIdOf(done)), savepoint);
    await onlyJobIs(w, flinkJobIdOf(done));
  });

  test('sockets that drop come back, and a command delivered three times starts one run', async () => {
    await does(w.emma, '/flink stop etl-orders', /stopped with savepoint/);
    const opened = () => w.demo.practice.journal().filter((entry) => JSON.stringify(entry).includes('apps.connections.open')).length;
    const before = opened();
    w.demo.practice.dropSockets();
    await eventually('both connections were opened anew', async () => opened() >= before + 2 && w.demo.practice.sockets() === 2);
    await w.practice.control('faults', { deliverTimes: 3 });
    const answer = await w.emma.says('/flink start etl-orders', { ...etl, timeoutMs: 30_000 });
    await w.practice.control('faults', { deliverTimes: 1 });
    const resumed = await w.emma.sees((m) => /etl-orders resumed/.test(m.text) && m.text.includes(operationIdOf(answer)), {
      ...etl,
      timeoutMs: 60_000,
    });
    await onlyJobIs(w, flinkJobIdOf(resumed));
  });
});
