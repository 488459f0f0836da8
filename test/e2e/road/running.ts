import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { does, etl, eventually, flinkJobIdOf, onlyJobIs, operationIdOf, pathOf, restoredCounter, restoredFrom } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** Start, status, savepoint, stop and resume; and that one run stays one run. */
export function running(so: Conversation): void {
  test('start runs it under an id chosen before; the same message later names the first checkpoint', async () => {
    const { w } = so;
    const started = await does(w.emma, '/flink start etl-orders', /etl-orders (started|was not started)/);
    assert.match(started.text, /etl-orders started: v3 running on 4\/4 tasks after \d/);
    so.flinkJobId = flinkJobIdOf(started);
    await onlyJobIs(w, so.flinkJobId);
    const job = await w.flink.job(so.flinkJobId);
    assert.equal(job.name, 'etl-orders');
    assert.ok(job.vertices.every((v) => v.status === 'RUNNING'));
    assert.equal(await restoredFrom(w, so.flinkJobId), undefined);
    assert.ok(
      started.links.some((link) => link.includes(so.flinkJobId)),
      "a link to Flink's page",
    );
    await w.emma.seesEdit(started, /Checkpoint \d+, [\d.]+ [KM]?B/, { timeoutMs: 30_000 });
  });

  test('started again it stays one run', async () => {
    const { w } = so;
    const again = await w.emma.says('/flink start etl-orders', etl);
    assert.match(again.text, /already running: v3/);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('status and list, only for the person, to be shared by a button', async () => {
    const { w } = so;
    const status = await w.emma.says('/flink status etl-orders', etl);
    assert.ok(status.ephemeral);
    assert.match(status.text, /running on 4\/4 tasks, last proven/);
    assert.match(status.text, /v3 runs/);
    await w.emma.clicks(status, 'Share in channel');
    await w.lars.sees((m) => !m.ephemeral && /etl-orders: running on 4\/4 tasks/.test(m.text), {
      ...etl,
      since: 'start',
      timeoutMs: 15_000,
    });
    assert.match((await w.emma.says('/flink status “etl-orders”', etl)).text, /etl-orders: running/);
    assert.match((await w.emma.says('/flink list', etl)).text, /etl-orders running on 4\/4 tasks/);
    assert.match((await w.emma.says('/flink list failed', etl)).text, /^0 jobs failed/m);
  });

  test('savepoint is recorded with path, size, duration and release', async () => {
    const { w } = so;
    const taken = await does(w.emma, '/flink savepoint etl-orders', /Savepoint of etl-orders taken|No savepoint/);
    so.savepoint = pathOf(taken);
    assert.ok((await readFile(join(so.savepoint, '_metadata'))).length > 0, 'the savepoint is really there');
    assert.match(taken.text, /Size\s+[\d.]+ [KM]?B/);
    assert.match(taken.text, /Duration\s+\d/);
    assert.match(taken.text, new RegExp(`Flink\\s+${so.version.replaceAll('.', '\\.')}`));
    await onlyJobIs(w, so.flinkJobId);
    const status = await w.emma.says('/flink status etl-orders', etl);
    for (const fact of [/Last checkpoint/i, /savepoint/i, /emma/]) assert.match(status.text, fact);
  });

  test('stop leaves a final savepoint, and start resumes from it: the counter goes on', async () => {
    const { w } = so;
    const stopped = await does(w.omar, '/flink stop etl-orders', /etl-orders (stopped|was not stopped)/);
    assert.match(stopped.text, /stopped with savepoint/);
    const final = pathOf(stopped);
    await eventually('the job is finished', async () => (await w.flink.jobStatus(so.flinkJobId)) === 'FINISHED');
    assert.deepEqual(await w.liveJobs(), []);
    for (const verb of ['stop', 'savepoint'])
      assert.match((await w.emma.says(`/flink ${verb} etl-orders`, etl)).text, /not running|does not run|is stopped/, verb);
    assert.match((await w.emma.says('/flink restore etl-orders', etl)).text, /final state of its run/);
    const resumed = await does(w.omar, '/flink start etl-orders', /etl-orders (resumed|was not started)/);
    assert.match(resumed.text, /resumed: v3/);
    assert.match(resumed.text, /from its final savepoint/);
    const id = flinkJobIdOf(resumed);
    assert.notEqual(id, so.flinkJobId, 'a new id for each attempt');
    assert.equal(await restoredFrom(w, id), final);
    assert.ok((await restoredCounter(w, id)) > 0, 'the job itself says that it restored its counter');
    so.flinkJobId = id;
    await onlyJobIs(w, id);
  });

  test('two people at once, and one request delivered three times: one run, the loser is told', async () => {
    const { w } = so;
    await does(w.emma, '/flink stop etl-orders', /stopped with savepoint/);
    await w.practice.control('faults', { deliverTimes: 3 });
    const answers = await Promise.all([w.emma.says('/flink start etl-orders', etl), w.omar.says('/flink start etl-orders', etl)]);
    await w.practice.control('faults', { deliverTimes: 1 });
    const accepted = answers.filter((a) => /^Accepted/.test(a.text));
    const refused = answers.filter((a) => /busy|already running/.test(a.text));
    assert.equal(accepted.length, 1, answers.map((a) => a.text).join('\n'));
    assert.equal(refused.length, 1);
    if (/busy/.test(refused[0]!.text)) assert.match(refused[0]!.text, /(emma|omar) asked for a start/);
    const resumed = await w.emma.sees((m) => /etl-orders resumed/.test(m.text) && m.text.includes(operationIdOf(accepted[0]!)), {
      ...etl,
      timeoutMs: 60_000,
    });
    so.flinkJobId = flinkJobIdOf(resumed);
    await onlyJobIs(w, so.flinkJobId);
  });
}
