import assert from 'node:assert/strict';
import { test } from 'node:test';
import { does, etl, eventually, flinkJobIdOf, onlyJobIs, operationIdOf, pathOf, restoredFrom } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** The development job beside the production one: built and started in one go, other versions, restores that nobody approves. */
export function development(so: Conversation): void {
  test('start --build, canceled before it runs, leaves no run', async () => {
    const { w } = so;
    const asked = await w.emma.says('/flink start customers --build', etl);
    const starting = await w.emma.sees((m) => !m.ephemeral && m.text.includes(operationIdOf(asked)), { ...etl, since: 'start' });
    await w.emma.seesEdit(starting, /Compile/, { timeoutMs: 60_000 });
    assert.match((await w.otto.says('/flink cancel customers', etl)).text, /You may not use cancel/);
    await w.erik.clicks(starting, 'Cancel');
    const ended = await w.emma.seesEdit(starting, /Canceled/, { timeoutMs: 30_000 });
    assert.match(ended.text, /Canceled by @?erik/);
    assert.match((await w.emma.says('/flink status customers', etl)).text, /customers: has never run/);
    const all = await w.flink.jobs();
    assert.equal(all.filter((job) => job.name === 'customers').length, 0, 'Flink never saw it');
    await onlyJobIs(w, so.flinkJobId);
  });

  test('start --build clones, compiles and starts in one message', async () => {
    const { w } = so;
    const started = await does(w.emma, '/flink start customers --build', /customers (started|was not started)/, { timeoutMs: 240_000 });
    assert.match(started.text, /customers started: v2 running on \d\/\d tasks/);
    assert.match(started.text, /SHA-256/);
    assert.ok((await w.emma.edits(started)).length >= 3, 'at least three texts of one message');
    await bothRun(so, flinkJobIdOf(started));
  });

  test('start resumes what ran and names a newer version; --version upgrades to it, with the state', async () => {
    const { w } = so;
    await w.emma.says('/flink set customers args="--rate 10"', etl);
    assert.match((await w.emma.says('/flink start customers --version v3', etl)).text, /already running: v2/);
    await does(w.emma, '/flink stop customers', /customers stopped with savepoint/);
    await onlyJobIs(w, so.flinkJobId);
    assert.match((await w.emma.says('/flink start customers --version v9', etl)).text, /customers has no version v9/);
    assert.match((await w.omar.says('/flink start customers --version v3', etl)).text, /You may not start customers as v3/);
    const resumed = await does(w.emma, '/flink start customers', /customers (resumed|was not started)/);
    assert.match(resumed.text, /customers resumed: v2/);
    assert.match(resumed.text, /v3 is current and has never run; it was not started/);
    await bothRun(so, flinkJobIdOf(resumed));
    const final = pathOf(await does(w.emma, '/flink stop customers', /customers stopped with savepoint/));
    const upgraded = await does(w.emma, '/flink start customers --version v3', /customers (upgraded|was not started)/);
    assert.match(upgraded.text, /customers upgraded: v3/);
    assert.equal(await restoredFrom(w, flinkJobIdOf(upgraded)), final);
    await bothRun(so, flinkJobIdOf(upgraded));
  });

  test('a restore of the development job needs nobody', async () => {
    const { w } = so;
    const savepoint = pathOf(await does(w.emma, '/flink savepoint customers', /Savepoint of customers taken/));
    assert.match((await w.emma.says(`/flink restore customers --from ${savepoint}`, etl)).text, /Restoring customers needs a reason/);
    const line = `/flink restore customers --from ${savepoint} --reason "try it"`;
    assert.match((await w.otto.says(line, etl)).text, /You may not/);
    const restored = await does(w.omar, line, /customers (restored|was not restored|is down)/);
    assert.match(restored.text, /customers restored: v3/);
    assert.equal(await restoredFrom(w, flinkJobIdOf(restored)), savepoint);
    await bothRun(so, flinkJobIdOf(restored));
    await does(w.emma, '/flink stop customers --no-savepoint', /customers stopped without a savepoint/);
    await onlyJobIs(w, so.flinkJobId);
  });
}

/** Flink has these two and no others. */
export async function bothRun(so: Conversation, customers: string): Promise<void> {
  await eventually('customers runs beside etl-orders', async () => {
    assert.deepEqual(new Set(await so.w.liveJobs()), new Set([so.flinkJobId, customers]));
    return (await so.w.flink.jobStatus(customers)) === 'RUNNING';
  });
}
