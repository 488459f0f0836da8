import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { checkRestorePath, localPath, restoreName, retainedCheckpoints, samePathKey, samePlace } from '../../src/deploy/restore-path.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-points-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
async function point(dir: string, name: string, metadata: string | undefined = 'state'): Promise<string> {
  await mkdir(join(dir, name), { recursive: true });
  if (metadata !== undefined) await writeFile(join(dir, name, '_metadata'), metadata);
  return join(dir, name);
}

it('reads every spelling of a local path, and no other scheme', () => {
  for (const spelling of ['/a/b', 'file:/a/b', 'file:///a/b']) assert.equal(localPath(spelling), '/a/b');
  assert.equal(localPath('file:///a/two%20words'), '/a/two words');
  for (const other of ['s3://a/b', 'hdfs:///a', 'relative/x', 'fileserver:/a', '']) assert.equal(localPath(other), undefined, other);
});

it('takes the spellings that Flink mixes for one path, and different paths for different', () => {
  const spellings = ['/a/chk-1', 'file:/a/chk-1', 'file:///a/chk-1', 'file:///a/chk-1/', 'file:/a/chk-1/_metadata'];
  assert.equal(new Set(spellings.map(samePathKey)).size, 1);
  assert.equal(samePathKey('s3://b/x/_metadata'), samePathKey('s3://b/x'));
  assert.notEqual(samePathKey('s3://b/x'), samePathKey('s3://b/y'));
  assert.notEqual(samePathKey('/a/chk-1'), samePathKey('/a/chk-10'));
});

it('sees one place in the spellings of a store, and not in a copy somewhere else', () => {
  const one = (a: string, b: string) => assert.ok(samePlace(a, b) && samePlace(b, a), `${a} ${b}`);
  const two = (a: string, b: string) => assert.ok(!samePlace(a, b) && !samePlace(b, a), `${a} ${b}`);
  one('s3://b/x/savepoint-1', 's3a://b/x/savepoint-1/');
  one('hdfs:///x/savepoint-1', 'hdfs://nn:8020/x/savepoint-1/_metadata');
  one('hdfs://nn/x/savepoint-1', 'hdfs://nn:8020/x/savepoint-1');
  one('hdfs:/x/savepoint-1', 'hdfs://nn:8020/x/savepoint-1');
  one('file:///x/savepoint-1', '/x/savepoint-1');
  two('s3://b/x/savepoint-1', 's3://copies/x/savepoint-1');
  two('s3://b/x/savepoint-1', 's3a://b/copies/savepoint-1');
  two('hdfs://nn/x/savepoint-1', 'hdfs://other/x/savepoint-1');
  two('hdfs:///x/savepoint-1', '/x/savepoint-1');
  for (const path of ['s3a://b/savepoint-1', '/x/savepoint-1/', 'file:/x/savepoint-1/_metadata', 'hdfs:///savepoint-1/_metadata/'])
    assert.equal(restoreName(path), 'savepoint-1', path);
  assert.equal(restoreName('/'), '');
});

describe('a restore path', () => {
  it('is complete with its metadata, named with or without it', async (t) => {
    const path = await point(await folder(t), 'savepoint-1');
    for (const spelling of [path, `file:${path}`, `file://${path}`, `${path}/_metadata`, `${path}/`])
      assert.deepEqual(await checkRestorePath(spelling, true), { is: 'complete' }, spelling);
  });
  it('is incomplete when it was never completed, missing when it is not there', async (t) => {
    const dir = await folder(t);
    await mkdir(join(dir, 'no-metadata'));
    const empty = await point(dir, 'empty', '');
    assert.equal((await checkRestorePath(join(dir, 'no-metadata'), true)).is, 'incomplete');
    assert.equal((await checkRestorePath(empty, true)).is, 'incomplete');
    assert.equal((await checkRestorePath(join(dir, 'nothing'), true)).is, 'missing');
  });
  it('cannot be told of what Sluice does not see: never missing', async (t) => {
    const dir = await folder(t);
    assert.equal((await checkRestorePath('s3://lake/savepoint-1', true)).is, 'cannot-check');
    assert.equal((await checkRestorePath(join(dir, 'nothing'), false)).is, 'cannot-check');
  });
});

describe('retained checkpoints', () => {
  it('are the complete ones of that job, newest first', async (t) => {
    const dir = await folder(t);
    for (const n of [2, 10, 9]) await point(dir, `job/chk-${n}`);
    await point(dir, 'job/chk-11', '');
    await mkdir(join(dir, 'job/chk-12'), { recursive: true });
    await mkdir(join(dir, 'job/shared'), { recursive: true });
    await point(dir, 'other/chk-99');
    const found = await retainedCheckpoints(`file://${dir}`, 'job');
    assert.deepEqual(
      found?.map((c) => [c.id, c.path]),
      [10, 9, 2].map((n) => [n, `file://${dir}/job/chk-${n}`]),
    );
    assert.ok(found?.every((c) => c.at instanceof Date));
  });
  it('of what cannot be read are not known, rather than none', async (t) => {
    assert.equal(await retainedCheckpoints('s3://lake', 'job'), undefined);
    assert.equal(await retainedCheckpoints(join(await folder(t), 'nothing'), 'job'), undefined);
  });
});
