import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findBuiltJar } from '../../src/build/maven-artifact.ts';
import type { AppError } from '../../src/core/errors.ts';

describe('the jar that a build left', () => {
  let scratch: string;
  let count = 0;
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'artifact-test-'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));
  function folder(...files: string[]): string {
    const dir = join(scratch, String(++count));
    mkdirSync(dir);
    for (const file of files) {
      mkdirSync(dirname(join(dir, file)), { recursive: true });
      writeFileSync(join(dir, file), 'x');
    }
    return dir;
  }
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => assert.fail('it should have failed'),
      (error: AppError) => error,
    );

  it('is the one in target that is no helper jar', async () => {
    const dir = folder(
      'target/a-1.jar',
      'target/original-a-1.jar',
      'target/a-1-sources.jar',
      'target/a-1-javadoc.jar',
      'target/a-1-tests.jar',
      'target/a.txt',
      'lib/z.jar',
    );
    assert.deepEqual(await findBuiltJar(dir), { path: join(dir, 'target/a-1.jar'), size: 1 });
  });

  it('is looked for in the modules when the top has none', async () => {
    const dir = folder('jobs/orders/target/orders.jar', 'common/src/target/no.jar', '.git/x/target/no.jar');
    assert.equal((await findBuiltJar(dir)).path, join(dir, 'jobs/orders/target/orders.jar'));
  });

  it('must be chosen when there are several, by file name or path', async () => {
    const dir = folder('target/a-1.jar', 'target/a-1-all.jar', 'sub/target/b.jar');
    const error = await failure(findBuiltJar(dir));
    assert.match(error.message, /left 2 jars: target\/a-1-all\.jar, target\/a-1\.jar/);
    assert.match(error.hint ?? '', /\*-all\.jar/);
    assert.equal((await findBuiltJar(dir, '*-all.jar')).path, join(dir, 'target/a-1-all.jar'));
    assert.equal((await findBuiltJar(dir, 'sub/target/*.jar')).path, join(dir, 'sub/target/b.jar'));
    assert.match((await failure(findBuiltJar(dir, 'zzz*.jar'))).hint ?? '', /There are: target\/a-1-all\.jar/);
    for (const bad of ['../*.jar', '/etc/*.jar', 'a/../../b.jar']) assert.equal((await failure(findBuiltJar(dir, bad))).code, 'bad_input');
  });

  it('is missed with a next step', async () => {
    assert.match((await failure(findBuiltJar(folder('pom.xml')))).message, /left no jar in target/);
  });

  it('is never a link to something else, nor empty', async () => {
    const dir = folder('target/keep');
    symlinkSync('/etc/hostname', join(dir, 'target/a.jar'));
    assert.match((await failure(findBuiltJar(dir))).message, /is a link/);
    const outside = folder('target/a.jar');
    const linked = folder('pom.xml');
    symlinkSync(join(outside, 'target'), join(linked, 'target'));
    assert.match((await failure(findBuiltJar(linked))).message, /is a link/);
    const empty = folder();
    mkdirSync(join(empty, 'target'));
    writeFileSync(join(empty, 'target/a.jar'), '');
    assert.match((await failure(findBuiltJar(empty))).message, /empty/);
  });
});
