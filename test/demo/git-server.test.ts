import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../src/core/process.ts';
import { commitChange, demoProjectDir, type GitServer, startGitServer } from '../../src/demo/git-server.ts';

let dir: string;
let server: GitServer;
const env = { GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-demo-git-'));
  server = await startGitServer({ dir: join(dir, 'git'), port: 0, user: 'demo', password: 'open sesame' });
});
after(async () => {
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

function git(args: string[], password = 'open sesame') {
  const header = `Authorization: Basic ${Buffer.from(`demo:${password}`).toString('base64')}`;
  const config = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.extraHeader', GIT_CONFIG_VALUE_0: header };
  return run('git', args, { cwd: dir, env: { ...env, ...config } });
}

test('a clone with the password holds the project, committed by Demo', async () => {
  const cloned = await git(['clone', server.url, 'first']);
  assert.equal(cloned.code, 0, cloned.tail.join('\n'));
  const source = 'src/main/java/com/example/etl/OrdersJob.java';
  assert.equal(await readFile(join(dir, 'first', source), 'utf8'), await readFile(join(demoProjectDir, source), 'utf8'));
  const log = await git(['-C', 'first', 'log', '--format=%an <%ae>', 'main']);
  assert.equal(log.stdout.trim(), 'Demo <demo@example.com>');
});

test('without the password nothing is read, by any path', async () => {
  const cloned = await git(['clone', server.url, 'refused'], 'wrong');
  assert.notEqual(cloned.code, 0);
  const refs = await fetch(`${server.url}/info/refs?service=git-upload-pack`);
  assert.equal(refs.status, 401);
  assert.match(refs.headers.get('www-authenticate') ?? '', /^Basic/);
});

test('a path outside the repository is not served', async () => {
  await writeFile(join(dir, 'secret.txt'), 'secret');
  const headers = { authorization: `Basic ${Buffer.from('demo:open sesame').toString('base64')}` };
  const answer = await fetch(`${new URL(server.url).origin}/%2e%2e%2fsecret.txt`, { headers });
  assert.notEqual(answer.status, 200);
  assert.doesNotMatch(await answer.text(), /^secret/);
});

test('a committed change arrives with the next fetch; other branches start from main', async () => {
  assert.equal((await git(['clone', server.url, 'second'])).code, 0);
  const onMain = await commitChange({ dir: join(dir, 'git'), files: { 'NOTES.md': 'hello\n' }, message: 'Add notes' });
  const onBranch = await commitChange({ dir: join(dir, 'git'), files: { 'NOTES.md': null }, message: 'Drop notes', branch: 'fix/notes' });
  assert.equal((await git(['-C', 'second', 'fetch', 'origin'])).code, 0);
  assert.equal((await git(['-C', 'second', 'rev-parse', 'origin/main'])).stdout.trim(), onMain);
  assert.equal((await git(['-C', 'second', 'rev-parse', 'origin/fix/notes^'])).stdout.trim(), onMain);
  assert.equal((await git(['-C', 'second', 'rev-parse', 'origin/fix/notes'])).stdout.trim(), onBranch);
});

test('a large push in chunks is taken whole', async () => {
  assert.equal((await git(['clone', server.url, 'third'])).code, 0);
  // Random enough not to compress, and larger than git's buffer for one request.
  const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 2654435761) >>> (i % 24)));
  await writeFile(join(dir, 'third', 'data.bin'), bytes);
  await git(['-C', 'third', 'add', 'data.bin']);
  const who = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com'];
  assert.equal((await git(['-C', 'third', ...who, 'commit', '-m', 'data'])).code, 0);
  const pushed = await git(['-C', 'third', 'push', 'origin', 'HEAD:refs/heads/data']);
  assert.equal(pushed.code, 0, pushed.tail.join('\n'));
  assert.equal((await git(['clone', '--branch', 'data', server.url, 'fourth'])).code, 0);
  assert.deepEqual(await readFile(join(dir, 'fourth', 'data.bin')), bytes);
});
