import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { UpstreamError } from '../../src/core/errors.ts';
import { baseEnv, processStartTime, processTable, run, runBinary, startDaemon, stillRuns } from '../../src/core/process.ts';
import { sleep } from '../../src/core/time.ts';

const shell = (script: string, options?: Parameters<typeof run>[2]) => run('bash', ['-c', script], options);
/** A grandchild deaf to SIGTERM that tells its parent's pid and its own when it is ready. */
const grandchild = (redirect: string) => `(trap "" TERM; echo "pids $$ $BASHPID"; exec sleep 300 ${redirect}) & wait`;
/** Deaf itself too; the grandchild holds no pipe when it is told so. */
const deaf = (redirect = '') => `trap "" TERM; ${grandchild(redirect)}; sleep 300`;
/** Ends on SIGTERM, its grandchild does not. */
const deafGrandchild = (redirect = '') => grandchild(redirect);

function pidsIn(line: string): number[] {
  return line.startsWith('pids ') ? line.slice(5).split(' ').map(Number) : [];
}
async function gone(pid: number): Promise<boolean> {
  const startTime = await processStartTime(pid);
  return startTime === undefined || !(await stillRuns(pid, startTime));
}
async function allGone(pids: readonly number[]): Promise<void> {
  const until = performance.now() + 20_000;
  for (;;) {
    const left: number[] = [];
    for (const pid of pids) if (!(await gone(pid))) left.push(pid);
    if (left.length === 0) return;
    assert.ok(performance.now() < until, `${left} of ${pids} still run`);
    await sleep(50);
  }
}
/** Kills what a broken run() would have left. */
function sweep(t: TestContext, pids: readonly number[]): void {
  t.after(() => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // as it should be
      }
    }
  });
}

describe('a program that is run', () => {
  test('gives code, output and the lines of both streams, without a shell in between', async () => {
    const lines: string[] = [];
    const result = await shell('echo out; echo err >&2; exit 3', { onLine: (line) => lines.push(line) });
    assert.deepEqual([result.code, result.signal, result.stdout, result.timedOut], [3, null, 'out\n', false]);
    assert.deepEqual(lines.sort(), ['err', 'out']);
    assert.deepEqual([...result.tail].sort(), ['err', 'out']);
    assert.ok(result.durationMs > 0);
    assert.equal((await run('echo', ['$HOME; `id` && *'])).stdout, '$HOME; `id` && *\n');
    assert.equal((await run('pwd', [], { cwd: '/' })).stdout, '/\n');
  });

  test('that is not there is an error with a next step, not a crash', async () => {
    const error = await run('no-such-program-here', []).catch((e: unknown) => e);
    assert.ok(error instanceof UpstreamError);
    assert.match(`${error.message} ${error.hint}`, /no-such-program-here cannot be started.*Install no-such-program-here/);
  });

  test('reads its input, also when it does not care for it', async () => {
    assert.equal((await run('cat', [], { input: 'hello ünïcödé' })).stdout, 'hello ünïcödé');
    assert.equal((await run('true', [], { input: 'x'.repeat(1_000_000) })).code, 0);
  });

  test('knows nothing of the environment of Sluice but what it needs and what it is given', async (t) => {
    process.env['SLUICE_TEST_ONLY'] = 'inherited';
    t.after(() => {
      delete process.env['SLUICE_TEST_ONLY'];
    });
    const { stdout } = await run('env', [], { env: { GIVEN: 'yes', LEFT_OUT: undefined, LANG: 'C' } });
    const seen = stdout.trim().split('\n').sort();
    assert.ok(seen.includes('GIVEN=yes') && seen.includes('LANG=C') && seen.includes(`PATH=${process.env['PATH']}`));
    assert.doesNotMatch(stdout, /SLUICE_TEST_ONLY|LEFT_OUT|inherited/);
    const names = seen.map((line) => line.split('=')[0]);
    assert.deepEqual(names, Object.keys(baseEnv({ GIVEN: 'yes', LANG: 'C' })).sort());
  });

  test('prints colours that nobody sees, and secrets that nobody sees either', async () => {
    const result = await shell(String.raw`printf '\033[1;31mERROR\033[0m at \033[2Kline\n'; echo password=hunter2 >&2`);
    assert.deepEqual([...result.tail].sort(), ['ERROR at line', 'password=***']);
  });

  test('lines end in every way there is, the last without an end counts, and 200 are kept', async () => {
    const lines: string[] = [];
    await shell(String.raw`printf 'a\r\nb\rc\n\nlast'`, { onLine: (line) => lines.push(line) });
    assert.deepEqual(lines, ['a', 'b', 'c', '', 'last']);
    const { tail } = await shell('seq 1 1000');
    assert.deepEqual([tail.length, tail[0], tail.at(-1)], [200, '801', '1000']);
  });

  test('that prints megabytes without ever ending a line fills no memory', async () => {
    const result = await shell(`head -c 20000000 /dev/zero | tr '\\0' x; echo; echo after`, { maxOutput: 1000 });
    assert.equal(result.stdout, 'x'.repeat(1000));
    assert.equal(result.tail.at(-1), 'after');
    assert.ok(result.tail.join('').length < 300_000, `${result.tail.join('').length} bytes are kept`);
  });

  test('whose characters are cut by the pipe comes out whole', async () => {
    const { stdout, tail } = await shell(String.raw`printf '\xe2\x82'; sleep 0.2; printf '\xac\n'`);
    assert.deepEqual([stdout, tail], ['€\n', ['€']]);
  });

  test('that takes too long is ended with all its children, even those deaf to SIGTERM', async (t) => {
    const scripts = [deaf(), deaf('>/dev/null 2>&1'), deafGrandchild(), deafGrandchild('>/dev/null 2>&1')];
    await Promise.all(
      scripts.map(async (script) => {
        const pids: number[] = [];
        const result = await shell(script, { timeoutMs: 2000, onLine: (line) => pids.push(...pidsIn(line)) });
        sweep(t, pids);
        assert.deepEqual([result.timedOut, result.code, pids.length], [true, null, 2], script);
        await allGone(pids);
      }),
    );
  });

  test('is ended with all its children when it is no longer wanted', async (t) => {
    const controller = new AbortController();
    const pids: number[] = [];
    const result = await shell(deafGrandchild(), {
      signal: controller.signal,
      onLine(line) {
        pids.push(...pidsIn(line));
        controller.abort();
      },
    });
    sweep(t, pids);
    assert.deepEqual([result.timedOut, result.signal, pids.length], [false, 'SIGTERM', 2]);
    await allGone(pids);
    assert.equal((await run('sleep', ['300'], { signal: AbortSignal.abort() })).signal, 'SIGTERM');
  });

  test('that leaves a daemon holding the pipe does not keep Sluice waiting', async (t) => {
    const started = performance.now();
    const result = await shell('sleep 300 & echo "pids $!"; exit 0', { timeoutMs: 60_000 });
    const pids = pidsIn(result.tail[0] ?? '');
    sweep(t, pids);
    assert.equal(result.code, 0);
    assert.equal(result.timedOut, false);
    assert.ok(performance.now() - started < 30_000);
    assert.equal(await gone(pids[0]!), false, 'a daemon that was left on purpose is not ended');
  });
});

describe('a program with binary input and output', () => {
  test('passes every byte', async () => {
    const input = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 256));
    const result = await runBinary('cat', [], { input });
    assert.equal(result.code, 0);
    assert.ok(result.stdout.equals(input));
    const failed = await runBinary('bash', ['-c', 'echo wrong >&2; exit 4']);
    assert.deepEqual([failed.code, failed.stderr], [4, 'wrong\n']);
  });
  test('is ended after its time, and missed when it is not there', async () => {
    assert.equal((await runBinary('sleep', ['300'], { timeoutMs: 200 })).code, null);
    await assert.rejects(runBinary('no-such-program-here', []), UpstreamError);
  });
});

describe('a daemon', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-process-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));
  const logOf = (name: string) => join(dir, `${name}.log`);
  /** What the daemon has said, once it has said enough. */
  async function said(name: string, pattern: RegExp): Promise<string> {
    const until = performance.now() + 20_000;
    for (;;) {
      const text = await readFile(logOf(name), 'utf8');
      if (pattern.test(text)) return text;
      assert.ok(performance.now() < until, `the daemon only said: ${text}`);
      await sleep(20);
    }
  }

  test('appends what it says to its log, runs until it is stopped, and can be told from a later process of its pid', async () => {
    const script = 'echo "I am $$"; echo err >&2; exec sleep 300';
    const first = await startDaemon('bash', ['-c', script], { logFile: logOf('a') });
    await said('a', /err/);
    assert.equal(await stillRuns(first.pid, first.startTime), true);
    assert.equal(await stillRuns(first.pid, '1'), false);
    await first.stop();
    assert.deepEqual(await first.exited, { code: null, signal: 'SIGTERM' });
    assert.equal(await stillRuns(first.pid, first.startTime), false);
    await first.stop();
    const second = await startDaemon('bash', ['-c', 'echo "I am $$"; exit 7'], { logFile: logOf('a') });
    assert.deepEqual(await second.exited, { code: 7, signal: null });
    assert.match(await readFile(logOf('a'), 'utf8'), new RegExp(`^I am ${first.pid}\nerr\nI am ${second.pid}\n$`));
  });

  test('deaf to SIGTERM is killed after its grace, with its children', async (t) => {
    const daemon = await startDaemon('bash', ['-c', deaf()], { logFile: logOf('deaf') });
    const pids = pidsIn(await said('deaf', /pids \d+ \d+\n/));
    sweep(t, pids);
    await daemon.stop('SIGTERM', 200);
    assert.deepEqual(await daemon.exited, { code: null, signal: 'SIGKILL' });
    await allGone(pids);
  });

  test('that ends as told leaves no child behind either', async (t) => {
    const daemon = await startDaemon('bash', ['-c', deafGrandchild()], { logFile: logOf('parent') });
    const pids = pidsIn(await said('parent', /pids \d+ \d+\n/));
    sweep(t, pids);
    await daemon.stop();
    await allGone(pids);
  });

  test('has only the environment that it is given', async () => {
    const daemon = await startDaemon('env', [], { logFile: logOf('env'), env: { GIVEN: 'yes' } });
    await daemon.exited;
    const text = await readFile(logOf('env'), 'utf8');
    assert.match(text, /^GIVEN=yes$/m);
    assert.doesNotMatch(text, /NODE_TEST_CONTEXT/);
  });

  test('that cannot be started is an error, and so is a log that cannot be written', async () => {
    await assert.rejects(startDaemon('no-such-program-here', [], { logFile: logOf('none') }), UpstreamError);
    await assert.rejects(startDaemon('true', [], { logFile: join(dir, 'no', 'folder.log') }), { code: 'ENOENT' });
  });

  test('dead but not yet reaped no longer runs', async () => {
    const daemon = await startDaemon('bash', ['-c', 'sleep 0 & echo "pids $!"; exec sleep 300'], { logFile: logOf('zombie') });
    const [zombie = 0] = pidsIn(await said('zombie', /pids \d+\n/));
    const until = performance.now() + 20_000;
    while (!/\) Z /.test(await readFile(`/proc/${zombie}/stat`, 'utf8')) && performance.now() < until) await sleep(20);
    const startTime = await processStartTime(zombie);
    assert.ok(startTime);
    assert.equal(await stillRuns(zombie, startTime), false);
    await daemon.stop();
  });

  test('is found by its start time, also when its name has brackets and spaces', async () => {
    const script = `process.title = 'a) R 1 (b'; console.log('up'); setInterval(() => {}, 1000)`;
    const daemon = await startDaemon(process.execPath, ['-e', script], { logFile: logOf('name') });
    await said('name', /up/);
    assert.match(daemon.startTime, /^\d+$/);
    assert.equal(await processStartTime(daemon.pid), daemon.startTime);
    assert.equal(await stillRuns(daemon.pid, daemon.startTime), true);
    await daemon.stop();
    assert.equal(await processStartTime(daemon.pid), undefined);
  });
});

describe('the process table', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-table-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));
  const machine = async (bootId: string | undefined) => {
    const proc = await mkdtemp(join(dir, 'proc-'));
    for (const folder of ['self/ns', 'sys/kernel/random']) await mkdir(join(proc, folder), { recursive: true });
    await symlink('pid:[4026531836]', join(proc, 'self/ns/pid'));
    if (bootId) await writeFile(join(proc, 'sys/kernel/random/boot_id'), `${bootId}\n`);
    return proc;
  };

  test('tells two machines of one image and one name apart', async () => {
    const [one, other] = [await machine('0b0fc32e-1f35-4c9c-8a4e-6f1a4e3c1d11'), await machine('7d2f6a51-9f0c-4a55-a8bb-2b5a0d2e9c22')];
    assert.equal(await processTable(one), await processTable(one));
    assert.notEqual(await processTable(one), await processTable(other));
    // Owners are split at colons.
    assert.doesNotMatch(await processTable(one), /:/);
    assert.equal(await processTable(), await processTable());
  });

  test('is nobody else’s where the machine cannot be told', async () => {
    const proc = await machine(undefined);
    const script = `import { processTable } from './src/core/process.ts'; console.log(await processTable(process.argv[1]))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, proc]);
    assert.match(stdout, /\/\/[\w-]{36}\n$/);
    assert.notEqual(stdout.trim(), await processTable(proc));
    assert.equal(await processTable(proc), await processTable(proc));
  });
});
