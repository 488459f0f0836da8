import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etl } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** Help, slips of the pen, and people who may not; nothing has been built yet. */
export function words(so: Conversation): void {
  test('/flink, /flink help and /flink help start say what this person may do', async () => {
    const { w } = so;
    const bare = await w.emma.says('/flink', etl);
    assert.ok(bare.ephemeral);
    assert.match(bare.text, /build · start · stop/);
    assert.match((await w.omar.says('/flink help', etl)).text, /start · stop/);
    assert.doesNotMatch((await w.otto.says('/flink help', etl)).text, /start ·/);
    const start = await w.emma.says('/flink help start', etl);
    assert.match(start.text, /\/flink start <job> \[--build\]/);
    assert.match(start.text, /\/flink start etl-orders --version v6/);
    assert.match((await w.emma.says('/flink help strat', etl)).text, /start/);
  });

  test('a typo is answered with "did you mean" as a button, and never run', async () => {
    const { w } = so;
    const verb = await w.emma.says('/flink strat etl-orders', etl);
    assert.match(verb.text, /Did you mean start\?/);
    assert.deepEqual(
      verb.buttons.map((b) => b.text),
      ['start etl-orders'],
    );
    const job = await w.emma.says('/flink start etl-order', etl);
    assert.match(job.text, /Did you mean etl-orders\?/);
    assert.deepEqual(await w.liveJobs(), []);
    const clicked = await w.emma.clicksFor(job, 'start etl-orders');
    assert.match(clicked.text, /has no build yet/);
    const strange = await w.emma.says('/flink juggle etl-orders', etl);
    assert.match(strange.text, /juggle/);
    assert.deepEqual(
      strange.buttons.map((b) => b.text),
      ['Help'],
      'nothing is near it',
    );
    assert.match((await w.emma.says('/flink start payments', etl)).text, /There is no job (called )?payments/);
  });

  test('who may not is refused in a sentence with the next step, whatever the verb', async () => {
    const { w } = so;
    const lines = [
      'list',
      'status etl-orders',
      'build etl-orders',
      'start etl-orders',
      'stop etl-orders',
      'restart etl-orders',
      'savepoint etl-orders',
      'restore etl-orders',
      'logs etl-orders',
      'cancel etl-orders',
      'set etl-orders parallelism=1',
      'use etl-orders v1',
      'versions etl-orders',
      'diff etl-orders v1',
      'history etl-orders',
      'digest',
      'web',
      'approve op_0123456789ab',
    ];
    for (const line of lines) {
      const answer = await w.otto.says(`/flink ${line}`, etl);
      const told = /^⏳/.test(answer.text)
        ? await w.otto.sees((m) => m.ephemeral && /You may not/.test(m.text), { ...etl, timeoutMs: 10_000 })
        : answer;
      assert.match(told.text, /You may not|Nothing waits for approval/, line);
    }
    assert.match((await w.otto.says('/flink build etl-orders', etl)).text, /role/);
    for (const line of ['build etl-orders', 'set etl-orders parallelism=1', 'use etl-orders v1', 'start customers --build'])
      assert.match((await w.omar.says(`/flink ${line}`, etl)).text, /You may not/, `on-call: ${line}`);
    assert.deepEqual(await w.liveJobs(), []);
  });

  test('bad input gets one clear sentence', async () => {
    const { w } = so;
    const table: [string, RegExp][] = [
      ['/flink start etl orders', /Job names have no spaces/],
      ['/flink start etl-orders --versoin v3', /Did you mean --version/],
      ['/flink start etl-orders --build --version v3', /--build makes a new version, so --version has no meaning beside it/],
      ['/flink start etl-orders --version newest', /version/],
      ['/flink set etl-orders args="--rate 50', /The quote " does not close/],
      ['/flink status “etl-orders”', /etl-orders: has never run/],
      [`/flink status ${'x'.repeat(4000)}`, /characters long|There is no job/],
      ['/flink set etl-orders parallelism=many', /whole number/],
      ['/flink set etl-orders paralelism=4', /Did you mean parallelism/],
      ['/flink stop etl-orders', /etl-orders has never run/],
      ['/flink savepoint etl-orders', /etl-orders has never run/],
      ['/flink restore etl-orders --from savepoint-1 --reason x', /neither a restore point of etl-orders nor a path/],
    ];
    for (const [said, expected] of table) {
      const { text } = await w.emma.says(said, etl);
      assert.match(text, expected, said);
      assert.doesNotMatch(text, /^\s+at |Error:|undefined/m, said);
    }
    assert.deepEqual(await w.liveJobs(), []);
  });

  test('a command that names no job asks for one, with the jobs that the person may use it on', async () => {
    const { w } = so;
    await w.emma.types('/flink start', etl);
    const form = await w.emma.seesModal(/The same as \/flink start <job>/);
    const offered = JSON.stringify(await w.emma.options({ viewId: form.id }, 'sluice_job', 'ETL'));
    assert.match(offered, /"etl-orders".*production · has never run/);
    await w.emma.closesModal();
    await w.otto.types('/flink start', etl);
    await w.otto.seesModal(/You may not use start/);
    await w.otto.closesModal();
  });
}
