import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { does, etl, eventually, flinkJobIdOf, onlyJobIs, operationIdOf, planOf, restoredFrom } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** What breaks by itself: the job, a TaskManager, the JobManager. */
export function troubles(so: Conversation): void {
  test('the job fails: an incident at once, resumed by on-call from its button, and the same message says that it is over', async () => {
    const { w } = so;
    const { failFile } = w.demo.clusters[0]!.demo;
    await w.emma.says(`/flink set etl-orders savepoint-dir= args="--rate 50 --fail-file ${failFile}" restart-strategy=none`, etl);
    // The savepoint directory of the running version is broken, so it is restarted from its checkpoint.
    const asked = await w.emma.says(
      '/flink restart etl-orders --version current --no-savepoint --reason "broken savepoint directory"',
      etl,
    );
    const plan = await planOf(w.lena, asked);
    await w.lena.clicks(plan, 'Approve');
    const up = await w.lena.seesEdit(plan, /restarted: v\d+ running|not restarted|is down/, { timeoutMs: 60_000 });
    await w.emma.seesEdit(up, /Checkpoint \d+/, { timeoutMs: 30_000 });
    await writeFile(failFile, '');
    const incident = await w.omar.sees(/etl-orders failed/, { channel: 'flink-alerts', timeoutMs: 60_000 });
    await rm(failFile);
    assert.match(incident.text, /Since/);
    assert.match(incident.text, /Last checkpoint\s+\d+/);
    assert.match(incident.text, /\w+Exception: /);
    assert.deepEqual(
      incident.buttons.map((b) => b.text),
      ['Resume', 'Restore', 'Logs', 'Acknowledge', 'Silence 1 h'],
    );

    const cause = /IllegalStateException: Cannot write order \d+: the target database refused the connection/;
    const failed = await w.emma.says('/flink list failed', etl);
    assert.match(failed.text, /1 job failed\n/);
    assert.match(failed.text, /✗ etl-orders failed/);
    assert.match(failed.text, cause);
    assert.doesNotMatch(failed.text, /customers/);
    const list = await w.emma.says('/flink list', etl);
    assert.match(list.text, /1 job of 3 needs a look\n/);
    assert.ok(list.text.indexOf('✗ etl-orders') < list.text.indexOf('customers'), 'what is wrong comes first');
    const status = await w.emma.says('/flink status etl-orders', etl);
    assert.match(status.text, /etl-orders: failed/);
    assert.ok(status.text.search(cause) < status.text.indexOf('Restore points'), 'what is wrong comes first');
    await w.emma.says('/flink logs etl-orders', etl);
    const logs = await w.emma.sees((m) => m.ephemeral && /Root exception/.test(m.text), { ...etl, timeoutMs: 20_000 });
    assert.match(logs.text, cause);
    assert.ok(logs.text.indexOf('Root exception') < logs.text.indexOf('JobManager'), 'the root exception comes first');

    assert.match((await w.otto.clicksFor(incident, 'Resume')).text, /You may not/);
    await w.omar.clicks(incident, 'Acknowledge');
    await w.omar.seesEdit(incident, /Acknowledged by/, { timeoutMs: 20_000 });
    const failedId = flinkJobIdOf(up);
    await w.omar.clicks(incident, 'Resume');
    const resumed = await w.omar.sees(/etl-orders resumed/, { channel: 'flink-alerts', timeoutMs: 60_000 });
    so.flinkJobId = flinkJobIdOf(resumed);
    assert.match((await restoredFrom(w, so.flinkJobId)) ?? '', new RegExp(`${failedId}/chk-\\d+$`));
    await w.omar.seesEdit(incident, /Resolved/, { timeoutMs: 30_000 });
    await onlyJobIs(w, so.flinkJobId);
    assert.match((await w.emma.says('/flink list failed', etl)).text, /^0 jobs failed/m);
  });

  test('a TaskManager dies: an incident, and the same message says when it has recovered', async () => {
    const { w } = so;
    await w.emma.says('/flink set etl-orders restart-strategy="fixed-delay(100, 1s)"', etl);
    const up = await does(w.emma, '/flink restart etl-orders --version current', /restarted: v\d+ running/);
    so.flinkJobId = flinkJobIdOf(up);
    await eventually('it has a checkpoint of its own', async () => (await w.flink.checkpoints(so.flinkJobId)).counts.completed > 0);
    const { cluster } = w.demo.clusters[0]!;
    await Promise.all([cluster.kill('taskmanager', 0, 'SIGKILL'), cluster.kill('taskmanager', 1, 'SIGKILL')]);
    const incident = await w.omar.sees(/etl-orders is restarting/, { channel: 'flink-alerts', timeoutMs: 60_000 });
    const over = await w.omar.seesEdit(incident, /Resolved/, { timeoutMs: 120_000 });
    assert.match(over.text, /Over:\*? /);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('the JobManager dies: one incident for the cluster; commands say so; the job is gone, and resumes from its last checkpoint', async () => {
    const { w } = so;
    const { cluster } = w.demo.clusters[0]!;
    const before = so.flinkJobId;
    await cluster.kill('jobmanager', 0, 'SIGKILL');
    const unreachable = await w.omar.sees(/standalone does not answer/, { channel: 'flink-alerts', timeoutMs: 60_000 });
    const status = await w.emma.says('/flink status etl-orders', etl);
    assert.match(status.text, /unknown: standalone does not answer; \w+ last proven/);
    const refused = await w.emma.says('/flink start etl-orders', etl);
    assert.match(refused.text, /cannot be told whether etl-orders still runs|does not answer/);
    assert.match((await w.emma.says('/flink list', etl)).text, /etl-orders unknown: standalone does not answer/);
    await w.emma.says('/flink logs etl-orders', etl);
    await w.emma.sees((m) => m.ephemeral && /logs cannot be read now/.test(m.text), { ...etl, since: 'start', timeoutMs: 30_000 });
    const failed = await w.emma.says('/flink savepoint etl-orders', etl);
    const told = /^Accepted/.test(failed.text)
      ? await w.emma.sees((m) => m.text.includes(operationIdOf(failed)) && /does not answer|No savepoint/.test(m.text), {
          ...etl,
          timeoutMs: 60_000,
        })
      : failed;
    assert.match(told.text, /does not answer/);
    await w.omar.seesEdit(unreachable, /Resolved/, { timeoutMs: 120_000 });
    const gone = await w.omar.sees(/etl-orders is gone/, { channel: 'flink-alerts', since: 'start', timeoutMs: 60_000 });
    await cluster.waitReady(120_000);
    await w.omar.clicks(gone, 'Resume');
    const resumed = await w.omar.sees(/etl-orders (resumed|was not started)/, { channel: 'flink-alerts', timeoutMs: 90_000 });
    so.flinkJobId = flinkJobIdOf(resumed);
    assert.match((await restoredFrom(w, so.flinkJobId)) ?? '', new RegExp(`${before}/chk-\\d+$`));
    await w.omar.seesEdit(gone, /Resolved/, { timeoutMs: 30_000 });
    await onlyJobIs(w, so.flinkJobId);
  });
}
