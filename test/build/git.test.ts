import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { checkout, type GitTarget, resolveCommit, testCredential } from '../../src/build/git.ts';
import type { GitCredential } from '../../src/build/git-credential.ts';
import { AppError } from '../../src/core/errors.ts';
import { processesWith, startGitServer, type TestGitServer } from './git-server.ts';

const password = 'pa ss%w0rd&#canary';
const right: GitCredential = { kind: 'password', username: 'ana', secret: password };

/** Everything that an error would show or log. */
function everything(error: unknown): string {
  assert.ok(error instanceof AppError, String(error));
  return JSON.stringify([error.message, error.hint, error.details, error.stack, String(error.cause)]);
}
async function failure(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof AppError, `not an AppError: ${error}`);
    assert.doesNotMatch(everything(error), /canary/, 'the secret must not be told');
    return error;
  }
  return assert.fail('it should have failed');
}
function filesUnder(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('git over http behind a password', () => {
  let server: TestGitServer;
  let scratch: string;
  let first: string;
  let second: string;
  let count = 0;
  const freshDir = () => join(scratch, `checkout-${++count}`);
  const target = (credential: GitCredential = right): GitTarget => ({ url: server.url, credential, allowPlainHttpHosts: [server.host] });

  before(async () => {
    server = await startGitServer({ user: 'ana', password });
    scratch = mkdtempSync(join(tmpdir(), 'git-test-'));
    first = server.commit('a.txt', 'one', 'First');
    second = server.commit('a.txt', 'two', 'Second “commit” with a subject');
    server.git('tag', '-a', 'v1.0', '-m', 'release', first);
    server.push('main', 'main:release/1.x', 'main:feature-orders', 'v1.0');
  });
  beforeEach(() => {
    server.mode = 'normal';
    server.seen.length = 0;
  });
  after(async () => {
    await server.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('resolves the default branch, a branch and an annotated tag to commits', async () => {
    assert.deepEqual(await resolveCommit(target()), { commit: second, branch: 'main' });
    assert.deepEqual(await resolveCommit({ ...target(), branch: 'release/1.x' }), { commit: second, branch: 'release/1.x' });
    assert.deepEqual(await resolveCommit({ ...target(), tag: 'v1.0' }), { commit: first, branch: undefined });
  });

  it('checks out exactly the commit, with its subject, date and parents, and says the default branch', async () => {
    const dir = freshDir();
    const lines: string[] = [];
    const got = await checkout({ ...target(), dir, onLine: (line) => lines.push(line) });
    assert.equal(got.commit, second);
    assert.equal(got.branch, 'main');
    assert.equal(got.subject, 'Second “commit” with a subject');
    assert.deepEqual(got.parentCommits, [first]);
    assert.ok(Math.abs(got.authoredAt.getTime() - Date.now()) < 600_000);
    assert.equal(readFileSync(join(dir, 'a.txt'), 'utf8'), 'two');
    assert.ok(lines.some((line) => /Receiving objects|Total \d+/.test(line)) || lines.length > 0, 'progress is told');
  });

  it('takes an older commit by its id, not the tip of the branch', async () => {
    const dir = freshDir();
    const got = await checkout({ ...target(), commit: first, branch: 'main', dir });
    assert.deepEqual([got.commit, got.branch, got.subject], [first, 'main', 'First']);
    assert.equal(readFileSync(join(dir, 'a.txt'), 'utf8'), 'one');
  });

  it('keeps the secret out of every file, line and the machine, and cleans its private directory', async () => {
    const dir = freshDir();
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('sluice-git-')).length;
    const lines: string[] = [];
    await checkout({ ...target({ kind: 'password', username: 'ana', secret: password }), dir, onLine: (line) => lines.push(line) });
    assert.ok(
      server.seen.some((header) => header.startsWith('Basic ')),
      'the password really was used',
    );
    assert.ok(filesUnder(dir).length > 5);
    for (const file of filesUnder(dir)) assert.ok(!readFileSync(file).includes('canary'), file);
    assert.doesNotMatch(lines.join('\n'), /canary/);
    assert.ok(readdirSync(tmpdir()).filter((name) => name.startsWith('sluice-git-')).length <= before);
  });

  it('sends a token with the user name that such servers expect', async () => {
    await failure(resolveCommit(target({ kind: 'token', secret: 'tok-canary' })));
    const sent = server.seen.find((header) => header.startsWith('Basic '))?.slice(6) ?? '';
    assert.equal(Buffer.from(sent, 'base64').toString(), 'oauth2:tok-canary');
  });

  it('says that a password is needed, or that it is wrong', async () => {
    const needed = await failure(resolveCommit(target({ kind: 'none' })));
    assert.match(needed.message, /needs a password/);
    assert.match(needed.hint ?? '', /credential/);
    const wrong = await failure(checkout({ ...target({ ...right, secret: 'wrong-canary' } as GitCredential), dir: freshDir() }));
    assert.match(wrong.message, /refused the user name or password \(user ana\)/);
    const token = await failure(testCredential(target({ kind: 'token', secret: 'x-canary' })));
    assert.match(token.message, /refused the token/);
  });

  it('tells the branches when a credential is tested', async () => {
    assert.deepEqual(await testCredential(target()), { defaultBranch: 'main', branches: ['feature-orders', 'main', 'release/1.x'] });
  });

  it('names the nearest branch or tag for one that does not exist', async () => {
    const near = await failure(resolveCommit({ ...target(), branch: 'feature-order' }));
    assert.equal(near.code, 'not_found');
    assert.match(near.message, /no branch feature-order/);
    assert.match(near.hint ?? '', /Did you mean feature-orders/);
    const far = await failure(checkout({ ...target(), branch: 'zzzzzzzz', dir: freshDir() }));
    assert.match(far.hint ?? '', /There are: feature-orders, main, release\/1\.x/);
    assert.match((await failure(resolveCommit({ ...target(), tag: 'v1.1' }))).hint ?? '', /v1\.0/);
  });

  it('says which repository does not exist', async () => {
    const error = await failure(resolveCommit({ ...target(), url: `${server.base}/shop/etll.git` }));
    assert.match(error.message, /no repository http:\/\/127\.0\.0\.1:\d+\/shop\/etll\.git/);
  });

  it('says that a credential may not read, and that a repository has moved (and does not follow)', async () => {
    server.mode = 'forbidden';
    assert.match((await failure(resolveCommit(target()))).message, /does not let it read/);
    server.mode = 'redirect';
    assert.match((await failure(resolveCommit(target()))).message, /sends on to another address/);
  });

  it('fails clearly when the commit has gone because the branch was rewritten', async () => {
    server.git('checkout', '-q', '-b', 'doomed');
    const doomed = server.commit('b.txt', 'x', 'Doomed');
    server.push('doomed');
    const resolved = await resolveCommit({ ...target(), branch: 'doomed' });
    assert.equal(resolved.commit, doomed);
    server.git('reset', '-q', '--hard', first);
    server.commit('b.txt', 'y', 'Rewritten');
    server.push('--force', 'doomed');
    server.mode = 'old-protocol';
    const error = await failure(checkout({ ...target(), ...resolved, dir: freshDir() }));
    assert.equal(error.code, 'conflict');
    assert.match(error.message, new RegExp(`Commit ${doomed.slice(0, 7)} is no longer there`));
    server.mode = 'normal';
    assert.match((await failure(checkout({ ...target(), commit: 'f'.repeat(40), dir: freshDir() }))).message, /no longer there/);
    server.git('checkout', '-q', 'main');
  });

  it('does not check out into a directory that holds something', async () => {
    const dir = freshDir();
    await checkout({ ...target(), dir });
    assert.match((await failure(checkout({ ...target(), dir }))).message, /not empty/);
  });

  it('refuses plain http to a host that nobody listed, before anything is sent', async () => {
    const error = await failure(resolveCommit({ ...target(), allowPlainHttpHosts: ['127.0.0.1', 'localhost'] }));
    assert.equal(error.code, 'bad_input');
    assert.equal(server.seen.length, 0);
  });

  it('gives up a server that does not answer, by its stall limit and by the clock', async () => {
    server.mode = 'hang';
    const stalled = await failure(resolveCommit({ ...target(), stallTimeoutMs: 1000 }));
    assert.equal(stalled.code, 'unreachable');
    assert.match(stalled.message, /stopped sending/);
    const late = await failure(resolveCommit({ ...target(), timeoutMs: 400 }));
    assert.match(late.message, /did not finish within 400 ms/);
    assert.deepEqual(processesWith(server.host), []);
  });

  it('ends git when the build is cancelled, and rejects with the reason given', async () => {
    server.mode = 'hang';
    const abort = new AbortController();
    const work = checkout({ ...target(), dir: freshDir(), signal: abort.signal });
    while (server.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(processesWith(server.host).length > 0, 'git is at work');
    const reason = new Error('cancelled by ana');
    abort.abort(reason);
    await assert.rejects(work, (error) => error === reason);
    for (let i = 0; processesWith(server.host).length > 0 && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(processesWith(server.host), []);
  });
});

describe('git without a server', () => {
  const none: GitCredential = { kind: 'none' };

  it('says that the host cannot be reached or is not known', async () => {
    const closed = await failure(
      resolveCommit({ url: 'http://127.0.0.1:1/a/b.git', credential: none, allowPlainHttpHosts: ['127.0.0.1:1'] }),
    );
    assert.equal(closed.code, 'unreachable');
    assert.match(closed.message, /127\.0\.0\.1:1 cannot be reached/);
    const unknown = await failure(resolveCommit({ url: 'https://no-such-host.invalid/a/b.git', credential: none }));
    assert.match(unknown.message, /no-such-host\.invalid is not known/);
  });

  it('says that git is missing', async () => {
    const error = await failure(resolveCommit({ url: 'https://127.0.0.1:1/a/b.git', credential: none, env: { PATH: '/nonexistent' } }));
    assert.equal(error.code, 'config');
    assert.match(error.message, /program git cannot be started/);
  });

  it('says that a repository is empty, and reads a local one only when told to', async () => {
    const server = await startGitServer();
    try {
      const target = { url: server.url, credential: none, allowPlainHttpHosts: [server.host] };
      assert.match((await failure(resolveCommit(target))).message, /empty/);
      const commit = server.commit('x', 'y', 'z');
      const local = { url: `file://${server.git('rev-parse', '--show-toplevel')}`, credential: none };
      assert.equal((await failure(resolveCommit(local))).code, 'bad_input');
      assert.equal((await resolveCommit({ ...local, allowLocal: true })).commit, commit);
    } finally {
      await server.close();
    }
  });

  it('runs no filter, fetches no submodule, and refuses a submodule address that is an attack', async () => {
    const server = await startGitServer();
    const dir = mkdtempSync(join(tmpdir(), 'git-test-'));
    const target = { url: server.url, credential: none, allowPlainHttpHosts: [server.host] };
    try {
      server.commit('.gitattributes', '* filter=lfs\n', 'filters');
      server.commit('.gitmodules', `[submodule "x"]\n path = x\n url = ${server.base}/shop/other.git\n`, 'submodule');
      server.push('main');
      const got = await checkout({ ...target, dir: join(dir, 'good') });
      assert.equal(got.subject, 'submodule');
      assert.ok(statSync(join(dir, 'good', '.gitmodules')).isFile());
      server.commit('.gitmodules', '[submodule "x"]\n path = x\n url = --upload-pack=touch-canary\n', 'attack');
      server.push('main');
      await assert.rejects(checkout({ ...target, dir: join(dir, 'bad') }), /refuses as malformed or dangerous/);
    } finally {
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('does not mix ssh keys with https addresses or passwords with ssh', async () => {
    const key: GitCredential = { kind: 'ssh-key', keyFile: '/nonexistent/key' };
    assert.match((await failure(resolveCommit({ url: 'https://h/a/b', credential: key }))).message, /does not fit an https address/);
    assert.match((await failure(resolveCommit({ url: 'git@h:a/b.git', credential: right }))).message, /needs an ssh key/);
    assert.match((await failure(resolveCommit({ url: 'git@h:a/b.git', credential: key }))).message, /\/nonexistent\/key .* cannot be read/);
  });

  it('refuses names that git could take for options before it is started', async () => {
    const target = { url: 'https://127.0.0.1:1/a/b', credential: none, dir: join(tmpdir(), 'never-made') };
    for (const choice of [{ branch: '--upload-pack=x' }, { tag: '-x' }, { commit: '--all' }, { branch: 'a', tag: 'b' }]) {
      assert.equal((await failure(checkout({ ...target, ...choice }))).code, 'bad_input');
      if (!('commit' in choice)) assert.equal((await failure(resolveCommit({ ...target, ...choice }))).code, 'bad_input');
    }
  });

  it('refuses a secret with a line break rather than sending half of it', async () => {
    const error = await failure(resolveCommit({ url: 'https://h/a/b', credential: { kind: 'token', secret: 'canary\n' } }));
    assert.match(error.message, /line break/);
  });
});

describe('git over ssh', () => {
  let server: TestGitServer;
  let scratch: string;
  let commit: string;
  before(async () => {
    server = await startGitServer();
    scratch = mkdtempSync(join(tmpdir(), 'git-test-ssh-'));
    commit = server.commit('a.txt', 'one', 'Over ssh');
    server.push('main');
    writeFileSync(join(scratch, "it's a key"), 'PRIVATE canary', { mode: 0o600 });
    writeFileSync(join(scratch, 'known_hosts'), '');
  });
  after(async () => {
    await server.close();
    rmSync(scratch, { recursive: true, force: true });
  });
  /** A program in the place of ssh: it notes its words, then does `what` (with $last the command for the server). */
  function target(name: string, what: string, knownHosts = false): GitTarget {
    const bin = join(scratch, name);
    mkdirSync(bin);
    const script = `#!/bin/sh\nprintf '%s\\n' "$@" >> ${bin}/words\nfor last; do :; done\n${what}\n`;
    writeFileSync(join(bin, 'ssh'), script, { mode: 0o755 });
    const known = knownHosts ? { knownHostsFile: join(scratch, 'known_hosts') } : {};
    return {
      url: `ssh://git@git.example.org${server.bare}`,
      credential: { kind: 'ssh-key', keyFile: join(scratch, "it's a key"), ...known },
      env: { PATH: `${bin}:${process.env['PATH']}` },
    };
  }

  it('fetches with the given key alone, and asks no questions', async () => {
    const got = await checkout({ ...target('good', 'exec sh -c "$last"'), dir: join(scratch, 'co') });
    assert.deepEqual([got.commit, got.branch, got.subject], [commit, 'main', 'Over ssh']);
    const words = readFileSync(join(scratch, 'good', 'words'), 'utf8').split('\n');
    assert.equal(words[words.indexOf('-i') + 1], join(scratch, "it's a key"));
    for (const option of ['IdentitiesOnly=yes', 'BatchMode=yes', 'StrictHostKeyChecking=accept-new'])
      assert.ok(words.includes(option), option);
  });

  it('trusts only the known hosts when there is a file of them', async () => {
    await resolveCommit(target('strict', 'exec sh -c "$last"', true));
    const words = readFileSync(join(scratch, 'strict', 'words'), 'utf8').split('\n');
    assert.ok(words.includes('StrictHostKeyChecking=yes') && words.includes(`UserKnownHostsFile=${join(scratch, 'known_hosts')}`));
  });

  it('tells a refused key, an unknown host key, an unusable key and a missing repository apart', async () => {
    const table: [string, string, RegExp][] = [
      ['refused', 'echo "git@git.example.org: Permission denied (publickey)." >&2; exit 255', /git\.example\.org refused the ssh key/],
      ['host', 'echo "Host key verification failed." >&2; exit 255', /host key of git\.example\.org is not the one that is known/],
      [
        'key',
        'echo "Load key \\"k\\": invalid format" >&2; echo "Permission denied (publickey)" >&2; exit 255',
        /ssh key of the credential cannot be used/,
      ],
      ['missing', 'exec git-upload-pack /no/such/repo', /There is no repository ssh:\/\/git@git\.example\.org/],
      ['closed', 'echo "ssh: connect to host git.example.org port 22: Connection refused" >&2; exit 255', /cannot be reached/],
    ];
    for (const [name, script, message] of table) assert.match((await failure(resolveCommit(target(name, script)))).message, message);
  });
});
