import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import type { AppError } from '../../src/core/errors.ts';

describe('artifact store in a folder', () => {
  let scratch: string;
  let count = 0;
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'store-test-'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));
  function fresh() {
    const root = join(scratch, `store-${++count}`);
    const file = join(scratch, `file-${count}.jar`);
    const content = Buffer.from(`content ${count} `.repeat(50_000));
    writeFileSync(file, content);
    return { root, file, content, sha256: createHash('sha256').update(content).digest('hex'), store: createFolderStore(root) };
  }
  const filesIn = (root: string) => readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => assert.fail('it should have failed'),
      (error: AppError) => error,
    );

  it('keeps a file under its SHA-256 and gives exactly it back', async () => {
    const { store, file, content, sha256 } = fresh();
    assert.equal(await store.has(sha256), false);
    assert.deepEqual(await store.put(file), { sha256, size: content.length });
    assert.equal(await store.has(sha256), true);
    rmSync(file);
    assert.deepEqual(readFileSync(await store.openPath(sha256, scratch)), content);
  });

  it('keeps the same content once, also when put many times at once, and leaves nothing aside', async () => {
    const { store, file, root, sha256 } = fresh();
    const all = await Promise.all(Array.from({ length: 8 }, () => store.put(file)));
    assert.deepEqual(new Set(all.map((one) => one.sha256)), new Set([sha256]));
    assert.equal(filesIn(root).length, 1);
  });

  it('says what is not kept, and removes', async () => {
    const { store, file, sha256 } = fresh();
    await store.put(file);
    await store.remove(sha256);
    await store.remove(sha256);
    assert.equal(await store.has(sha256), false);
    const error = await failure(store.openPath(sha256, scratch));
    assert.equal(error.code, 'not_found');
    assert.match(error.message, new RegExp(sha256.slice(0, 12)));
  });

  it('never gives out damaged content; putting the file again puts it right', async () => {
    const { store, file, sha256 } = fresh();
    await store.put(file);
    const path = await store.openPath(sha256, scratch);
    chmodSync(path, 0o600);
    writeFileSync(path, 'something else');
    const error = await failure(store.openPath(sha256, scratch));
    assert.match(error.message, /is damaged/);
    await store.put(file);
    assert.equal(await store.openPath(sha256, scratch), path);
  });

  it('leaves nothing aside when a file cannot be kept', async () => {
    const { store, file, root, sha256 } = fresh();
    mkdirSync(root);
    writeFileSync(join(root, sha256.slice(0, 2)), 'in the way');
    await assert.rejects(store.put(file));
    assert.deepEqual(readdirSync(join(root, 'tmp')), []);
  });

  it('takes no links or folders, and no name that is not a SHA-256', async () => {
    const { store, root } = fresh();
    symlinkSync('/etc/passwd', join(scratch, 'link.jar'));
    assert.match((await failure(store.put(join(scratch, 'link.jar')))).message, /not a file/);
    assert.match((await failure(store.put(scratch))).message, /not a file/);
    for (const bad of ['../../etc/passwd', 'A'.repeat(64), 'a'.repeat(63), '']) {
      for (const call of [store.has(bad), store.openPath(bad, root), store.remove(bad)])
        assert.equal((await failure(call)).code, 'bad_input');
    }
  });
});
