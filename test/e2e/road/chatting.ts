import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etl, onlyJobIs } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** What is read and changed between two runs: logs, threads, versions. */
export function chatting(so: Conversation): void {
  test('logs: the tails of JobManager and TaskManagers, filtered, only for the person; long ones are a link to the page', async () => {
    const { w } = so;
    await w.emma.says('/flink logs etl-orders', etl);
    const logs = await w.emma.sees((m) => m.ephemeral && /JobManager/.test(m.text), { ...etl, since: 'start', timeoutMs: 20_000 });
    assert.match(logs.text, /TaskManager/);
    assert.ok(logs.links.some((l) => l.includes('/jobs/etl-orders/logs')));
    assert.ok(logs.text.length < 20_000, 'an end of the log, never all of it');
    await w.emma.says('/flink logs etl-orders --grep checkpoint', etl);
    const some = await w.emma.sees((m) => m.ephemeral && m.links.some((l) => l.endsWith('/jobs/etl-orders/logs?grep=checkpoint')), {
      ...etl,
      since: 'start',
      timeoutMs: 20_000,
    });
    assert.match(some.text, /checkpoint/i);
    await w.emma.says('/flink logs etl-orders --grep "no such words at all"', etl);
    await w.emma.sees((m) => m.ephemeral && /no line contains/.test(m.text), { ...etl, since: 'start', timeoutMs: 20_000 });
  });

  test('cancel with nothing in progress offers to stop', async () => {
    const answer = await so.w.emma.says('/flink cancel etl-orders', etl);
    assert.match(answer.text, /Nothing is in progress on etl-orders\. To stop the job with a savepoint:/);
    assert.deepEqual(
      answer.buttons.map((b) => b.text),
      ['Stop'],
    );
  });

  test('in the thread of a message, @sluice implies its job: status and logs', async () => {
    const { w } = so;
    const root = (await w.emma.history('etl')).findLast((m) => !m.ephemeral && /etl-orders resumed/.test(m.text));
    assert.ok(root);
    const thread = { channel: 'etl', thread: root.ts };
    await w.emma.types('<@U0SLUICE> status', thread);
    const status = await w.emma.sees((m) => /etl-orders: running/.test(m.text) && m.threadTs === root.ts, { ...etl, timeoutMs: 20_000 });
    assert.match(status.text, /running on 4\/4 tasks/);
    await w.emma.types('<@U0SLUICE> logs', thread);
    const logs = await w.emma.sees((m) => /Logs of etl-orders/.test(m.text) && m.threadTs === root.ts, { ...etl, timeoutMs: 20_000 });
    assert.match(logs.text, /JobManager/);
    await w.emma.types('<@U0SLUICE> logs --grep "no such words at all"', thread);
    await w.emma.sees((m) => /no line contains/.test(m.text) && m.threadTs === root.ts, { ...etl, timeoutMs: 20_000 });
  });

  test('in the thread of anything else it asks which job, and an outsider is refused', async () => {
    const { w } = so;
    const { message: root } = await w.lars.types('Anyone looked at the orders?', etl);
    assert.ok(root);
    await w.emma.types('<@U0SLUICE> status', { channel: 'etl', thread: root.ts });
    await w.emma.sees((m) => /needs the name of a job/.test(m.text) && m.threadTs === root.ts, { ...etl, timeoutMs: 20_000 });
    await w.otto.types('<@U0SLUICE> logs etl-orders', { channel: 'etl', thread: root.ts });
    await w.otto.sees((m) => /You may not/.test(m.text) && m.threadTs === root.ts, { ...etl, timeoutMs: 20_000 });
  });

  test('set, versions, diff and use: the change is shown, and what runs stays until a restart', async () => {
    const { w } = so;
    const current = /v(\d+) saved and current/;
    const set = await w.emma.says('/flink set etl-orders parallelism=4', etl);
    assert.match(set.text, current);
    assert.match(set.text, /parallelism\s+2\s+4/);
    const number = Number(current.exec(set.text)![1]);
    const versions = await w.emma.says('/flink versions etl-orders', etl);
    assert.match(versions.text, new RegExp(`v${number}[\\s\\S]*current`));
    assert.match((await w.emma.says('/flink diff etl-orders v1 v3', etl)).text, /checkpoint-interval/);
    assert.match((await w.emma.says(`/flink diff etl-orders v${number - 1} v${number}`, etl)).text, /parallelism/);
    assert.match((await w.emma.says('/flink diff etl-orders v1 v99', etl)).text, /has no version v99/);
    assert.match((await w.emma.says('/flink use etl-orders v3', etl)).text, /v3 is current/);
    assert.match((await w.emma.says('/flink use etl-orders v99', etl)).text, /has no version v99/);
    assert.match((await w.emma.says('/flink history etl-orders', etl)).text, /restore/);
    await onlyJobIs(w, so.flinkJobId);
    assert.equal((await w.flink.job(so.flinkJobId)).vertices[0]?.parallelism, 2);
  });
}
