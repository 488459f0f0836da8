import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { commitChange } from '../../../src/demo/git-server.ts';
import { does, etl, eventually, operationIdOf } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** Builds: canceled, done, and those that cannot be. */
export function building(so: Conversation): void {
  test('set makes the next version and shows the change', async () => {
    const answer = await so.w.emma.says('/flink set etl-orders checkpoint-interval=1s', etl);
    assert.match(answer.text, /v2 saved and current/);
    assert.match(answer.text, /checkpoint-interval\s+10s\s+1s/);
  });

  test('a build in progress is canceled, by who asked for it or by on-call, and binds nothing', async () => {
    const { w } = so;
    const asked = await w.emma.says('/flink build etl-orders', etl);
    const id = operationIdOf(asked);
    const building = await w.emma.sees((m) => !m.ephemeral && m.text.includes(id), { ...etl, since: 'start' });
    await w.emma.seesEdit(building, /▸ Compile|Compile/, { timeoutMs: 60_000 });
    assert.match((await w.otto.says('/flink cancel etl-orders', etl)).text, /You may not use cancel/);
    assert.match((await w.emma.says('/flink cancel etl-orders', etl)).text, /Canceling a build of etl-orders/);
    const ended = await w.emma.seesEdit(building, /Canceled/, { timeoutMs: 30_000 });
    assert.match(ended.text, /Canceled by @?emma/);
    assert.match((await w.emma.says('/flink versions etl-orders', etl)).text, /v2/);
    assert.doesNotMatch((await w.emma.says('/flink versions etl-orders', etl)).text, /v3/);
    assert.match((await w.emma.says('/flink start etl-orders', etl)).text, /has no build yet/);
    const again = await w.emma.says('/flink build etl-orders', etl);
    const second = await w.emma.sees((m) => !m.ephemeral && m.text.includes(operationIdOf(again)), { ...etl, since: 'start' });
    await w.omar.says('/flink cancel etl-orders', etl);
    assert.match((await w.emma.seesEdit(second, /Canceled/, { timeoutMs: 30_000 })).text, /Canceled by @?omar/);
  });

  test('build clones, compiles and binds a version, in one message that is edited', async () => {
    const { w } = so;
    const built = await does(w.emma, '/flink build etl-orders', /Built etl-orders: v3|was not built/, { timeoutMs: 240_000 });
    assert.match(built.text, /Built etl-orders: v3/);
    assert.match(built.text, /\b[0-9a-f]{64}\b/);
    for (const fact of [/SHA-256/, /Commit\s+[0-9a-f]{10} Orders and customers jobs/, /Branch\s+main/, /Artifact\s+\S+\.jar, [\d.]+ [KM]B/])
      assert.match(built.text, fact);
    assert.match(built.text, /Compiled in\s+\d/);
    assert.ok((await w.emma.edits(built)).length >= 3, 'at least three texts of one message');
    await eventually('the log tail stands in the thread', async () =>
      /BUILD SUCCESS/.test((await w.emma.thread(built)).map((m) => m.text).join('\n')),
    );
  });

  test('a branch that is not there, and a POM that is none, are told in a sentence', async () => {
    const { w } = so;
    await commitChange({
      dir: join(w.home, 'git'),
      branch: 'broken-pom',
      files: { 'pom.xml': '<project>\n  <modelVersion>4.0.0</modelVersion>\n  <artifactId>etl-jobs</artifactId\n' },
      message: 'Half a POM',
    });
    const failed = await does(w.emma, '/flink build etl-orders --branch broken-pom', /was not built|Built etl-orders/, {
      timeoutMs: 120_000,
    });
    assert.match(failed.text, /etl-orders was not built/);
    assert.match(failed.text, /pom\.xml/);
    assert.match(failed.text, /Correct it and push, then build again/);
    assert.doesNotMatch(failed.text, /^\s+at |Exception/m);
    const missing = await does(w.emma, '/flink build etl-orders --branch brokn-pom', /was not built/, { timeoutMs: 60_000 });
    assert.match(missing.text, /brokn-pom/);
    assert.match(missing.text, /broken-pom/, 'the near branch is named');
  });

  test('a wrong password, and none at all, are told in a sentence that keeps the secret', async () => {
    const { w } = so;
    const file = join(w.home, 'git-password');
    const right = await readFile(file, 'utf8');
    try {
      await writeFile(file, 'hunter2-is-wrong\n');
      const failed = await does(w.emma, '/flink build etl-orders', /was not built|Built etl-orders/, { timeoutMs: 60_000 });
      assert.match(failed.text, /refused the user name or password \(user sluice\)/);
      assert.doesNotMatch(failed.text, /hunter2|fatal:|^\s+at /m);
    } finally {
      await writeFile(file, right);
    }
    await w.apply([
      { kind: 'project', name: 'etl-open', team: 'data', url: w.demo.git.url },
      { kind: 'job', name: 'open-orders', team: 'data', project: 'etl-open', cluster: 'standalone', environment: 'development' },
    ]);
    const none = await does(w.emma, '/flink build open-orders', /was not built|Built open-orders/, { timeoutMs: 60_000 });
    assert.match(none.text, /needs a password/);
    assert.match(none.text, /Give the project a credential/);
  });
}
