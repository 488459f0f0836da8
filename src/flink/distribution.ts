import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, UpstreamError } from '../core/errors.ts';
import { processStartTime } from '../core/process.ts';
import { formatDuration } from '../core/time.ts';
import { type Fetch, fetchFromArchive, fetchFromPypi } from './distribution-sources.ts';
import { withFileLock } from './file-lock.ts';

export interface DistributionOptions {
  /** For example `1.20.5`. */
  version: string;
  /** Folder of fetched releases, shared by all processes of this user. */
  cacheDir: string;
  /** An installed release to use if it is of this version (FLINK_HOME). */
  flinkHome?: string | undefined;
  /** Folder with `flink-VERSION/flink-VERSION-bin-scala_2.12.tgz` and its `.sha512`; the Apache archive by default. */
  archiveUrl?: string;
  /** Environment for pip (proxies, index), added to PATH and HOME. */
  env?: Record<string, string | undefined>;
  /** Progress for people: at least one line a second while something is fetched. */
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}
export interface Distribution {
  /** A FLINK_HOME: lib, plugins, bin, conf. */
  home: string;
  version: string;
  source: 'flink-home' | 'cache' | 'archive' | 'pypi';
}

const apacheArchive = 'https://archive.apache.org/dist/flink';

/**
 * A Flink release on this machine: the given FLINK_HOME, the cache, the Apache archive, or PyPI's packages of Flink, the first that works.
 * Safe to call from several processes at once: one fetches, the others wait for it.
 * @throws UpstreamError when neither source can be reached; the hint tells what to do by hand.
 */
export async function ensureDistribution(options: DistributionOptions): Promise<Distribution> {
  const { version, cacheDir } = options;
  const say = options.onProgress ?? (() => {});
  if (options.flinkHome) {
    const found = await versionOfHome(options.flinkHome);
    if (found === version) return { home: options.flinkHome, version, source: 'flink-home' };
    say(found ? `FLINK_HOME is Flink ${found}, not ${version}: looking elsewhere.` : 'FLINK_HOME holds no Flink: looking elsewhere.');
  }
  const home = join(cacheDir, `flink-${version}`);
  const cached: Distribution = { home, version, source: 'cache' };
  if (await isComplete(home)) return cached;
  await mkdir(cacheDir, { recursive: true });
  let told = 0;
  const onWait = (pid: number, waitedMs: number) => {
    if (waitedMs < told) return;
    told = waitedMs + 1000;
    say(`Flink ${version} is being fetched by process ${pid}; waiting for it, ${formatDuration(waitedMs)}.`);
  };
  return withFileLock(
    `${home}.lock`,
    onWait,
    async () => {
      if (await isComplete(home)) return cached;
      return fetchInto(home, options, say);
    },
    options.signal,
  );
}

async function fetchInto(home: string, options: DistributionOptions, say: (line: string) => void): Promise<Distribution> {
  const { version, cacheDir } = options;
  // Under the lock: whatever temporary folder is there belongs to a process that died.
  for (const name of await readdir(cacheDir))
    if (name.startsWith(`flink-${version}.tmp-`)) await rm(join(cacheDir, name), { recursive: true, force: true });
  const sources: { source: 'archive' | 'pypi'; fetch: Fetch }[] = [
    { source: 'archive', fetch: fetchFromArchive },
    { source: 'pypi', fetch: fetchFromPypi },
  ];
  const failures: string[] = [];
  for (const { source, fetch } of sources) {
    const work = `${home}.tmp-${process.pid}-${(await processStartTime(process.pid)) ?? '0'}`;
    await mkdir(work, { recursive: true });
    try {
      const built = await fetch({
        version,
        work,
        say,
        env: options.env ?? {},
        signal: options.signal,
        archiveUrl: options.archiveUrl ?? apacheArchive,
      });
      const found = await versionOfHome(built);
      if (found !== version) throw new UpstreamError(`What was fetched is Flink ${found ?? '(unknown)'}, not ${version}.`);
      await writeFile(join(built, '.complete'), `${JSON.stringify({ version, source })}\n`);
      await rm(home, { recursive: true, force: true });
      await rename(built, home);
      return { home, version, source };
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      const message = error instanceof AppError ? error.message : String(error);
      failures.push(message);
      say(message);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new UpstreamError(`Flink ${version} cannot be fetched.`, {
    hint: `Unpack Flink ${version} yourself and set FLINK_HOME to its folder, or allow this machine to reach archive.apache.org or PyPI.`,
    details: { failures },
    retryable: true,
  });
}

/** The release of an unpacked distribution, by its lib/flink-dist jar; undefined if the folder holds none. */
export async function versionOfHome(home: string): Promise<string | undefined> {
  const jars = await readdir(join(home, 'lib')).catch(() => []);
  for (const jar of jars) {
    const match = /^flink-dist(?:_[\d.]+)?-(\d.*)\.jar$/.exec(jar);
    if (match?.[1]) return match[1];
  }
  return undefined;
}

async function isComplete(home: string): Promise<boolean> {
  return (await stat(join(home, '.complete')).catch(() => undefined)) !== undefined;
}
