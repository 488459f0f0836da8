import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { downloadEnvironment } from '../../src/config/places.ts';
import { http } from '../../src/core/http.ts';
import { connectPractice } from '../../src/practice/client.ts';
import { type Child, startChild } from '../helpers/child.ts';
import { processesNaming } from '../helpers/processes.ts';

const passedOn = ['JAVA_HOME', 'FLINK_HOME', 'SLUICE_FLINK_CACHE', 'XDG_CACHE_HOME', 'LANG'];
const env = { HOME: homedir(), ...downloadEnvironment(), ...Object.fromEntries(passedOn.map((name) => [name, process.env[name]])) };

async function demoHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
  t.after(async () => {
    for (const pid of (await processesNaming(home)).keys()) process.kill(pid, 'SIGKILL');
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  });
  return home;
}
function startDemo(t: TestContext, home: string, ...args: string[]): Child {
  const child = startChild('src/demo/main.ts', ['--no-open', '--home', home, '--port', '0', '--practice-port', '0', ...args], {
    cwd: home,
    env,
  });
  t.after(async () => {
    child.process.kill('SIGKILL');
    await child.ended;
  });
  return child;
}

describe('npm run demo', { timeout: 900_000 }, () => {
  test('starts everything, tells the two addresses in one line, and Ctrl-C ends everything', async (t) => {
    const home = await demoHome(t);
    const demo = startDemo(t, home);
    const [line] = await demo.says(/^.*\n/, { on: 'stdout', timeoutMs: 480_000 });
    const { sluice, practice, failFile, ...rest } = JSON.parse(line) as { sluice: string; practice: string; failFile: string };
    assert.deepEqual(rest, {});
    assert.ok(failFile.startsWith(home), 'the file that makes a job fail');
    for (const url of [sluice, practice]) assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    for (const step of [
      /Flink 1\.20\.5 session cluster …/,
      /Git repository …/,
      /Sluice with its embedded PostgreSQL …/,
      /Objects applied …/,
    ])
      assert.match(demo.stderr(), step);

    const health = await http(`${sluice}/healthz`);
    assert.deepEqual([health.status, JSON.parse(health.body).ok], [200, true]);
    const client = connectPractice(practice);
    t.after(() => client.close());
    const answer = await client.as('emma').says('/flink list', { channel: 'etl', timeoutMs: 30_000 });
    assert.match(answer.text, /^2 jobs/);
    for (const job of ['etl-orders', 'customers']) assert.ok(answer.text.includes(job), answer.text);
    const wanted = /JobManager|ClusterEntrypoint|TaskManagerRunner|postgres|watchdog/;
    const before = [...(await processesNaming(home)).values()].filter((command) => wanted.test(command));
    assert.ok(before.length >= 5, `JobManager, two TaskManagers, watchdog and PostgreSQL run:\n${before.join('\n')}`);

    const { code, signal } = await demo.end('SIGINT', 120_000);
    assert.deepEqual([code, signal], [0, null]);
    assert.deepEqual(await processesNaming(home), new Map());
    assert.equal(demo.stdout(), line, 'stdout has this one line only');
    await assert.rejects(http(`${practice}/`, { timeoutMs: 2000 }));
  });

  test('Ctrl-C during the start ends what there is so far', async (t) => {
    const home = await demoHome(t);
    const demo = startDemo(t, home);
    await demo.says(/Flink 1\.20\.5 …/);
    const { code, signal } = await demo.end('SIGINT', 240_000);
    assert.deepEqual([code, signal], [0, null], demo.stderr());
    assert.equal(demo.stdout(), '');
    assert.doesNotMatch(demo.stderr(), /Git repository|^ +at /m);
    assert.deepEqual(await processesNaming(home), new Map());
  });

  test('an option that it cannot use is told with the usage, and nothing is started', async (t) => {
    const home = await demoHome(t);
    const table: [string[], RegExp][] = [
      [['--prot', '1'], /option that it does not know/],
      [['--port', 'many'], /--port is a port from 0 to 65535, not many/],
      [['--practice-port', '70000'], /--practice-port is a port from 0 to 65535, not 70000/],
      [['--flink', '1.20'], /1\.20 is no Flink release/],
    ];
    await Promise.all(
      table.map(async ([args, why]) => {
        const demo = startDemo(t, home, ...args);
        assert.deepEqual(await demo.ended, { code: 1, signal: null });
        assert.match(demo.stderr(), why);
        assert.match(demo.stderr(), /npm run demo -- \[--flink/);
        assert.doesNotMatch(demo.stderr(), /^ +at /m);
        assert.equal(demo.stdout(), '');
      }),
    );
  });
});
