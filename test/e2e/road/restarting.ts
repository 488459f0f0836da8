import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { commitChange, demoProjectDir } from '../../../src/demo/git-server.ts';
import { does, etl, flinkJobIdOf, onlyJobIs, operationIdOf, pathOf, restoredCounter, restoredFrom } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** Restarts: with a new build, and those that cannot come up. */
export function restarting(so: Conversation): void {
  test('restart --build makes the new version first, then goes over with the state', async () => {
    const { w } = so;
    const before = so.flinkJobId;
    const file = 'src/main/java/com/example/etl/OrdersJob.java';
    const source = await readFile(join(demoProjectDir, file), 'utf8');
    await commitChange({
      dir: join(w.home, 'git'),
      files: { [file]: `${source}\n// touched\n`, 'CHANGES.md': 'One more line.\n' },
      message: 'Touch the orders job',
    });
    const restarted = await does(w.emma, '/flink restart etl-orders --build', /etl-orders (restarted|was not restarted|is down)/, {
      timeoutMs: 240_000,
    });
    assert.match(restarted.text, /restarted: v\d+ running on 4\/4 tasks/);
    assert.match(restarted.text, /Touch the orders job/);
    so.flinkJobId = flinkJobIdOf(restarted);
    assert.notEqual(so.flinkJobId, before);
    assert.ok((await restoredFrom(w, so.flinkJobId))?.includes('savepoint-'));
    assert.ok((await restoredCounter(w, so.flinkJobId)) > 0);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('a project that does not compile fails with its line, and the running job is not touched', async () => {
    const { w } = so;
    await commitChange({
      dir: join(w.home, 'git'),
      branch: 'broken',
      files: { 'src/main/java/com/example/etl/Broken.java': 'package com.example.etl;\nclass Broken { int x = "no"; }\n' },
      message: 'Broken',
    });
    const failed = await does(w.emma, '/flink restart etl-orders --build --branch broken', /not restarted|restarted:/, {
      timeoutMs: 240_000,
    });
    assert.match(failed.text, /was not restarted; what ran before was not touched/);
    assert.match(failed.text, /Broken\.java/);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('a version that does not come up offers the way back, which works', async () => {
    const { w } = so;
    await w.emma.says('/flink set etl-orders args="--rate 50 --throw-main boom"', etl);
    const answer = await w.emma.says('/flink versions etl-orders', etl);
    const bad = /v(\d+)/.exec(answer.text)![1];
    const failed = await does(w.emma, `/flink restart etl-orders --version v${bad}`, /etl-orders (restarted|was not restarted|is down)/);
    assert.match(failed.text, /is down: the old run was stopped, and the new one did not come up/);
    assert.match(failed.text, /boom/);
    assert.doesNotMatch(failed.text, /^\s+at /m);
    so.failedOperation = operationIdOf(failed);
    assert.deepEqual(await w.liveJobs(), []);
    const safe = pathOf(failed);
    const back = failed.buttons.find((b) => b.text.startsWith('Go back to'));
    assert.ok(back);
    await w.emma.clicks(failed, back.text);
    const again = await w.emma.sees(/etl-orders resumed/, { ...etl, timeoutMs: 60_000 });
    so.flinkJobId = flinkJobIdOf(again);
    assert.equal(await restoredFrom(w, so.flinkJobId), safe);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('a main class that is not there, and a parallelism above the slots, stop nothing', async () => {
    const { w } = so;
    await w.emma.says('/flink set etl-orders args="--rate 50" main-class=com.example.etl.OrderJob', etl);
    const failed = await does(w.emma, '/flink restart etl-orders --version current', /not restarted|restarted:/);
    assert.match(failed.text, /no class com\.example\.etl\.OrderJob/);
    assert.match(failed.text, /OrdersJob/);
    await w.emma.says('/flink set etl-orders main-class=com.example.etl.OrdersJob parallelism=40', etl);
    const wide = await does(w.emma, '/flink restart etl-orders --version current', /not restarted|restarted:/);
    assert.match(wide.text, /wants parallelism 40, but standalone has 6 slots/);
    await w.emma.says('/flink set etl-orders parallelism=2', etl);
    await onlyJobIs(w, so.flinkJobId);
  });
}
