import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, request } from 'undici';
import { UpstreamError } from '../core/errors.ts';
import { run } from '../core/process.ts';
import { formatBytes, formatDuration } from '../core/time.ts';

export interface FetchContext {
  version: string;
  /** An empty folder; the built home must lie inside it. */
  work: string;
  say(line: string): void;
  env: Record<string, string | undefined>;
  signal: AbortSignal | undefined;
  archiveUrl: string;
}
/** Fetches and unpacks a release, returns the folder to be moved into place. @throws UpstreamError with one sentence on why not. */
export type Fetch = (context: FetchContext) => Promise<string>;

/** The release as Apache publishes it, checked against its sha512. A closed network is noticed within seconds. */
export const fetchFromArchive: Fetch = async ({ version, work, say, signal, archiveUrl }) => {
  const url = `${archiveUrl}/flink-${version}/flink-${version}-bin-scala_2.12.tgz`;
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 5000 }, headersTimeout: 15_000, bodyTimeout: 60_000 });
  try {
    say(`Flink ${version}: asking the Apache archive.`);
    const limit = AbortSignal.timeout(15_000);
    const sum = await request(`${url}.sha512`, { dispatcher, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    const text = await sum.body.text();
    const expected = /^[0-9a-f]{128}/i.exec(text.trim())?.[0]?.toLowerCase();
    if (sum.statusCode !== 200 || !expected)
      throw new UpstreamError(`The Apache archive has no Flink ${version} (HTTP ${sum.statusCode}).`);
    const answer = await request(url, { dispatcher, ...(signal ? { signal } : {}) });
    if (answer.statusCode !== 200) throw new UpstreamError(`The Apache archive has no Flink ${version} (HTTP ${answer.statusCode}).`);
    const total = Number(answer.headers['content-length']) || 0;
    const file = join(work, 'flink.tgz');
    const hash = createHash('sha512');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    const of = total ? ` of ${formatBytes(total)}` : '';
    await withProgress(
      `Flink ${version} from the Apache archive`,
      say,
      () => sizeOf(file),
      of,
      () => pipeline(Readable.from(answer.body), hashing, createWriteStream(file)),
    );
    if (hash.digest('hex') !== expected) throw new UpstreamError(`The archive's Flink ${version} does not match its checksum.`);
    const home = join(work, 'home');
    await mkdir(home);
    await withProgress(
      `Unpacking Flink ${version}`,
      say,
      () => folderBytes(home),
      '',
      () => mustRun('tar', ['-xzf', file, '-C', home, '--strip-components=1', '--no-same-owner'], work, {}, signal),
    );
    return home;
  } catch (cause) {
    if (cause instanceof UpstreamError) throw cause;
    throw new UpstreamError('The Apache archive cannot be reached from here.', { cause });
  } finally {
    await dispatcher.destroy();
  }
};

/** sha256 of the packages that Sluice has been tried with; pip refuses anything else. Other versions are checked against the index alone. */
const pinned: Record<string, { libraries: string; scripts: string }> = {
  '1.20.5': {
    libraries: 'e6aee62ea1a1fe7b32e28894ad079f3f1a50a372a4caac3df52405267f4228c8',
    scripts: '6e8ec098a7c06ea34d01fd540e81d44703a90e3bda74052dcbcbb7db5253c10f',
  },
  '2.3.0': {
    libraries: '570bf8831d3c1336311e924e97119e52d8842e5485a4a7709ff9a92db709b006',
    scripts: '0e5f612704de1610b153e919c0564b62ad513cddfcf4960f5a021658cdf41a13',
  },
};

/** The release from PyPI: `apache-flink-libraries` holds lib, plugins and opt, the wheel `apache-flink` the scripts and conf. */
export const fetchFromPypi: Fetch = async (context) => {
  const { version, work, say, signal } = context;
  const pins = pinned[version];
  const sdist = await pip(context, 'apache-flink-libraries', pins?.libraries, ['--no-binary', ':all:']);
  // Only text files of the wheel are used, so any platform's will do; a fixed one keeps the host's Python out of it.
  const anyWheel = [
    '--only-binary',
    ':all:',
    '--python-version',
    '3.11',
    '--implementation',
    'cp',
    '--abi',
    'cp311',
    '--platform',
    'manylinux_2_17_x86_64',
  ];
  const wheel = await pip(context, 'apache-flink', pins?.scripts, anyWheel);
  const unpacked = join(work, 'unpacked');
  await mkdir(unpacked);
  await withProgress(
    `Unpacking Flink ${version}`,
    say,
    () => folderBytes(unpacked),
    '',
    async () => {
      await mustRun('tar', ['-xzf', sdist, '-C', unpacked, '--strip-components=1', '--no-same-owner'], work, {}, signal);
      await mustRun('python3', ['-m', 'zipfile', '-e', wheel, join(work, 'scripts')], work, {}, signal);
    },
  );
  const home = join(work, 'home');
  await mkdir(home);
  for (const part of ['lib', 'plugins', 'opt', 'bin']) await rename(join(unpacked, 'deps', part), join(home, part)).catch(ignoreMissing);
  for (const part of ['bin', 'conf']) {
    await mkdir(join(home, part), { recursive: true });
    for (const name of await readdir(join(work, 'scripts', 'pyflink', part))) {
      await rename(join(work, 'scripts', 'pyflink', part, name), join(home, part, name));
      if (part === 'bin' && !name.endsWith('.jar')) await chmod(join(home, part, name), 0o755);
    }
  }
  await mkdir(join(home, 'log'), { recursive: true });
  return home;
};

async function pip(
  { version, work, say, env, signal }: FetchContext,
  name: string,
  sha256: string | undefined,
  which: string[],
): Promise<string> {
  const out = join(work, `pip-${name}`);
  const temp = join(out, 'tmp');
  await mkdir(temp, { recursive: true });
  const list = join(out, 'requirements.txt');
  await writeFile(list, sha256 ? `${name}==${version} --hash=sha256:${sha256}\n` : `${name}==${version}\n`);
  const args = ['-m', 'pip', 'download', '-q', '--no-input', '--disable-pip-version-check', '--no-deps', '--no-cache-dir'];
  if (sha256) args.push('--require-hashes');
  args.push(...which, '-d', join(out, 'files'), '-r', list);
  // pip downloads into TMPDIR first: our own folder there lets us see the download grow.
  await withProgress(
    `Flink ${version} from PyPI (${name})`,
    say,
    () => largestFile(out),
    '',
    () => mustRun('python3', args, out, { ...env, TMPDIR: temp }, signal),
  );
  const [file] = await readdir(join(out, 'files'));
  if (!file) throw new UpstreamError(`PyPI gave no ${name} ${version}.`);
  return join(out, 'files', file);
}

async function mustRun(
  command: string,
  args: string[],
  cwd: string,
  env: Record<string, string | undefined>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ended = await run(command, args, { cwd, env, timeoutMs: 30 * 60_000, ...(signal ? { signal } : {}) });
  if (ended.code === 0) return;
  const why = ended.tail.findLast((line) => /error/i.test(line)) ?? ended.tail.at(-1) ?? `exit ${ended.code}`;
  throw new UpstreamError(`${command}${args[1] === 'pip' ? ' -m pip' : ''} failed: ${why}`, { details: { tail: ended.tail } });
}

/** Says how much there is and how long it took: at once, every second, and at the end. */
async function withProgress(
  what: string,
  say: (line: string) => void,
  measure: () => Promise<number>,
  of: string,
  work: () => Promise<void>,
): Promise<void> {
  const started = performance.now();
  const line = async (end: string) =>
    say(`${what}: ${formatBytes(await measure())}${of}, ${formatDuration(performance.now() - started)}${end}`);
  await line('');
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void line('').finally(() => {
      busy = false;
    });
  }, 1000);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  await line(', done.');
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}
async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile()) bytes += await sizeOf(join(entry.parentPath, entry.name));
  }
  return bytes;
}
/** pip keeps several copies and unpacks one: the largest file is the download itself. */
async function largestFile(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile() && /\.(gz|whl)$/.test(entry.name)) bytes = Math.max(bytes, await sizeOf(join(entry.parentPath, entry.name)));
  }
  return bytes;
}
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
