import assert from 'node:assert/strict';
import { test } from 'node:test';
import { does, etl, flinkJobIdOf, onlyJobIs, planOf, restoredCounter, restoredFrom } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** What drops state on production: a lead is asked. And a savepoint that cannot be written. */
export function doubting(so: Conversation): void {
  test('stop --no-savepoint asks a lead on production: rejected, then approved', async () => {
    const { w } = so;
    assert.match((await w.emma.says('/flink stop etl-orders --no-savepoint', etl)).text, /lead has to approve/i);
    const asked = await w.emma.says('/flink stop etl-orders --no-savepoint --reason "storage is full"', etl);
    const plan = await planOf(w.lena, asked);
    assert.match((await w.erik.clicksFor(plan, 'Approve')).text, /You may not approve/);
    await w.lena.clicks(plan, 'Reject');
    await w.lena.seesModal(/Reject/);
    await w.lena.fills({ 'Why not? The requester reads this.': 'clean it up first' });
    const rejected = await w.lena.seesEdit(plan, /Rejected/, { timeoutMs: 20_000 });
    assert.match(rejected.text, /clean it up first/);
    await onlyJobIs(w, so.flinkJobId);
    const again = await w.emma.says('/flink stop etl-orders --no-savepoint --reason "storage is full"', etl);
    const second = await planOf(w.lena, again);
    await w.lena.clicks(second, 'Approve');
    await w.lena.seesEdit(second, /stopped without a savepoint/, { timeoutMs: 60_000 });
    assert.equal(await w.flink.jobStatus(so.flinkJobId), 'CANCELED');
  });

  test('start after that resumes from the last completed checkpoint; --fresh asks a lead and begins from nothing', async () => {
    const { w } = so;
    const resumed = await does(w.emma, '/flink start etl-orders', /etl-orders (resumed|was not started)/);
    assert.match(resumed.text, /from its last completed checkpoint chk-\d+/);
    const id = flinkJobIdOf(resumed);
    assert.match((await restoredFrom(w, id)) ?? '', new RegExp(`${so.flinkJobId}/chk-\\d+$`));
    await does(w.emma, '/flink stop etl-orders', /stopped with savepoint/);
    assert.match((await w.emma.says('/flink start etl-orders --fresh', etl)).text, /lead has to approve/i);
    const asked = await w.emma.says('/flink start etl-orders --fresh --reason "new topic"', etl);
    const plan = await planOf(w.lars, asked);
    await w.lars.clicks(plan, 'Approve');
    const fresh = await w.lars.seesEdit(plan, /etl-orders (started|was not started)/, { timeoutMs: 60_000 });
    assert.match(fresh.text, /from nothing, as asked/);
    so.flinkJobId = flinkJobIdOf(fresh);
    assert.equal(await restoredFrom(w, so.flinkJobId), undefined);
    assert.equal(await restoredCounter(w, so.flinkJobId), 0);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('a savepoint that cannot be written stops nothing, and gives the choices', async () => {
    const { w } = so;
    await w.emma.says('/flink set etl-orders savepoint-dir=file:///proc/nowhere', etl);
    await does(w.emma, '/flink restart etl-orders --version current', /restarted: v\d+ running/);
    const taken = await does(w.emma, '/flink savepoint etl-orders', /Savepoint of etl-orders taken|No savepoint/);
    assert.match(taken.text, /No savepoint/);
    const failed = await does(w.emma, '/flink stop etl-orders', /stopped with savepoint|was not stopped/);
    assert.match(failed.text, /was not stopped: its savepoint failed\. It runs on/);
    assert.deepEqual(
      failed.buttons.map((b) => b.text),
      ['Try again', 'Stop without savepoint', 'Leave it running'],
    );
    const [live] = await w.liveJobs();
    so.flinkJobId = live!;
    await onlyJobIs(w, so.flinkJobId);
  });
}
