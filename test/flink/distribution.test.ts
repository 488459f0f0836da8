import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { UpstreamError } from '../../src/core/errors.ts';
import { run } from '../../src/core/process.ts';
import { ensureDistribution } from '../../src/flink/distribution.ts';

let dir: string;
let cacheDir: string;
let archive: Server | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-dist-'));
  cacheDir = join(dir, 'cache');
});
afterEach(async () => {
  archive?.closeAllConnections();
  await new Promise((done) => (archive ? archive.close(done) : done(undefined)));
  archive = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function makeHome(folder: string, version: string): Promise<string> {
  await mkdir(join(folder, 'lib'), { recursive: true });
  await writeFile(join(folder, 'lib', `flink-dist-${version}.jar`), 'jar');
  return folder;
}
/** A local archive with one release, and the number of times that it was downloaded. */
async function serveArchive(version: string, options: { badSum?: boolean } = {}): Promise<{ archiveUrl: string; downloads: () => number }> {
  await makeHome(join(dir, 'pack', `flink-${version}`), version);
  const file = join(dir, 'release.tgz');
  assert.equal((await run('tar', ['-czf', file, '-C', join(dir, 'pack'), `flink-${version}`])).code, 0);
  const bytes = await readFile(file);
  const sum = createHash('sha512')
    .update(options.badSum ? 'other' : bytes)
    .digest('hex');
  let downloads = 0;
  const path = `/flink-${version}/flink-${version}-bin-scala_2.12.tgz`;
  archive = createServer((request, response) => {
    if (request.url === `${path}.sha512`) response.end(`${sum}  flink-${version}-bin-scala_2.12.tgz\n`);
    else if (request.url === path) {
      downloads++;
      response.end(bytes);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((done) => archive?.listen(0, '127.0.0.1', done));
  return { archiveUrl: `http://127.0.0.1:${(archive.address() as AddressInfo).port}`, downloads: () => downloads };
}
/** A python3 whose pip finds nothing. */
async function brokenPip(): Promise<Record<string, string>> {
  const bin = join(dir, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'python3'), '#!/bin/sh\necho "ERROR: No matching distribution found" >&2\nexit 1\n');
  await chmod(join(bin, 'python3'), 0o755);
  return { PATH: bin };
}

test('FLINK_HOME is used when it is of the wanted version', async () => {
  const home = await makeHome(join(dir, 'installed'), '1.20.5');
  assert.deepEqual(await ensureDistribution({ version: '1.20.5', cacheDir, flinkHome: home }), {
    home,
    version: '1.20.5',
    source: 'flink-home',
  });
});

test('another version in FLINK_HOME is said and passed by', async () => {
  const flinkHome = await makeHome(join(dir, 'installed'), '1.19.0');
  const { archiveUrl } = await serveArchive('1.20.5');
  const lines: string[] = [];
  const found = await ensureDistribution({ version: '1.20.5', cacheDir, flinkHome, archiveUrl, onProgress: (line) => lines.push(line) });
  assert.equal(found.source, 'archive');
  assert.match(lines[0] ?? '', /FLINK_HOME is Flink 1\.19\.0, not 1\.20\.5/);
});

test('two starts at once fetch once; later ones find it in the cache', async () => {
  const { archiveUrl, downloads } = await serveArchive('1.20.5');
  const both = await Promise.all([1, 2].map(() => ensureDistribution({ version: '1.20.5', cacheDir, archiveUrl })));
  assert.deepEqual(both.map((one) => one.source).sort(), ['archive', 'cache']);
  assert.equal(downloads(), 1);
  assert.equal(await readFile(join(both[0]?.home ?? '', 'lib', 'flink-dist-1.20.5.jar'), 'utf8'), 'jar');
  assert.equal((await ensureDistribution({ version: '1.20.5', cacheDir })).source, 'cache');
  assert.deepEqual(await readdir(cacheDir), ['flink-1.20.5']);
});

test('what a dead process left (lock, half a download, a home without its marker) does not stand in the way', async () => {
  const { archiveUrl } = await serveArchive('1.20.5');
  await makeHome(join(cacheDir, 'flink-1.20.5'), '1.20.5');
  // The pid lives, but it is another process: the start time differs.
  await writeFile(join(cacheDir, 'flink-1.20.5.lock'), `${process.pid} 1 lock_x`);
  await mkdir(join(cacheDir, 'flink-1.20.5.tmp-1-1'));
  assert.equal((await ensureDistribution({ version: '1.20.5', cacheDir, archiveUrl })).source, 'archive');
  assert.deepEqual(await readdir(cacheDir), ['flink-1.20.5']);
});

test('a download that does not match its checksum is never used', async () => {
  const { archiveUrl } = await serveArchive('1.20.5', { badSum: true });
  const lines: string[] = [];
  const wanted = ensureDistribution({
    version: '1.20.5',
    cacheDir,
    archiveUrl,
    env: await brokenPip(),
    onProgress: (line) => lines.push(line),
  });
  await assert.rejects(wanted, (error: UpstreamError) => {
    assert.ok(error instanceof UpstreamError);
    assert.match(error.hint ?? '', /FLINK_HOME/);
    return true;
  });
  assert.ok(lines.some((line) => /does not match its checksum/.test(line)));
  assert.deepEqual(await readdir(cacheDir), []);
});

test('when nothing can be reached, both reasons are kept and the hint tells what to do by hand', async () => {
  const { archiveUrl } = await serveArchive('1.20.5');
  const wanted = ensureDistribution({ version: '9.9.9', cacheDir, archiveUrl, env: await brokenPip() });
  await assert.rejects(wanted, (error: UpstreamError) => {
    assert.deepEqual(error.details['failures'], [
      'The Apache archive has no Flink 9.9.9 (HTTP 404).',
      'python3 -m pip failed: ERROR: No matching distribution found',
    ]);
    return true;
  });
});
