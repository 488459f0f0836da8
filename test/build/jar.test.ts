import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { inspectJar, type JarLimits, mainClassOf, requireMainClass } from '../../src/build/jar.ts';
import { AppError, UserError } from '../../src/core/errors.ts';
import { makeZip, type ZipPart } from './zip.ts';

const manifest = (mainClass: string): ZipPart => ({
  name: 'META-INF/MANIFEST.MF',
  data: `Manifest-Version: 1.0\r\nMain-Class: ${mainClass}\r\n\r\n`,
});
const classes = ['shop/OrdersJob.class', 'shop/OrdersJob$Total.class', 'shop/OrdersJob$1.class', 'shop/Refunds.class', 'lib/Util.class'];

describe('jars', () => {
  let scratch: string;
  let count = 0;
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'jar-test-'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));
  function file(content: Buffer | string): string {
    const path = join(scratch, `job-${++count}.jar`);
    writeFileSync(path, content);
    return path;
  }
  const jar = (...parts: ZipPart[]) => file(makeZip(parts));
  async function refusal(path: string, limits?: JarLimits): Promise<AppError> {
    return inspectJar(path, limits).then(
      () => assert.fail('it should have been refused'),
      (error: unknown) => {
        assert.ok(error instanceof AppError, String(error));
        assert.ok(error.message.length < 200);
        return error;
      },
    );
  }

  it('tells size, SHA-256, main class and classes', async () => {
    const content = makeZip([
      manifest('shop.OrdersJob'),
      { name: 'shop/' },
      ...classes.map((name) => ({ name, data: 'x' })),
      { name: 'META-INF/versions/9/shop/Old.class' },
      { name: 'module-info.class' },
    ]);
    const info = await inspectJar(file(content));
    assert.equal(info.size, content.length);
    assert.equal(info.sha256, createHash('sha256').update(content).digest('hex'));
    assert.equal(info.mainClass, 'shop.OrdersJob');
    assert.equal(info.entries, 9);
    assert.deepEqual(info.classes, ['shop.OrdersJob', 'shop.OrdersJob$Total', 'shop.OrdersJob$1', 'shop.Refunds', 'lib.Util']);
    assert.ok(info.hasClass('shop.Refunds') && !info.hasClass('shop/Refunds') && !info.hasClass('Refunds'));
  });

  it('chooses the main class, and suggests the near ones for a wrong one', async () => {
    const parts = classes.map((name) => ({ name }));
    const info = await inspectJar(jar(manifest('shop.OrdersJob'), ...parts));
    assert.equal(requireMainClass(info), 'shop.OrdersJob');
    assert.equal(requireMainClass(info, 'shop.Refunds'), 'shop.Refunds');
    const hint = (given: string | undefined, of = info) => {
      try {
        requireMainClass(of, given);
      } catch (error) {
        assert.ok(error instanceof UserError);
        return `${error.message} ${error.hint}`;
      }
      return assert.fail('it should have been refused');
    };
    assert.match(hint('shop.OrderJob'), /no class shop\.OrderJob\. Did you mean shop\.OrdersJob/);
    assert.match(hint('com.example.Refunds'), /Did you mean shop\.Refunds/);
    assert.match(hint('OrdersJob'), /Did you mean shop\.OrdersJob/);
    assert.match(hint('org.nowhere.Xyzzyplugh'), /holds 5 classes, among them shop\.OrdersJob, shop\.Refunds/);
    assert.match(hint(undefined, await inspectJar(jar(manifest('gone.Main'), ...parts))), /gone\.Main, which its manifest names/);
    assert.match(hint(undefined, await inspectJar(jar(...parts))), /names no main class/);
  });

  it('refuses what is not there or no file', async () => {
    assert.equal((await refusal(join(scratch, 'none.jar'))).code, 'not_found');
    mkdirSync(join(scratch, 'dir.jar'));
    assert.match((await refusal(join(scratch, 'dir.jar'))).message, /not a file/);
    symlinkSync('/etc/passwd', join(scratch, 'link.jar'));
    assert.match((await refusal(join(scratch, 'link.jar'))).message, /is a link/);
  });

  it('refuses what is no jar, damaged, or holds names that lead outside', async () => {
    const whole = makeZip([manifest('a.B'), ...classes.map((name) => ({ name, data: 'x'.repeat(100) }))]);
    const corpus: (Buffer | string)[] = [
      '',
      'hello',
      'PK\x03\x04',
      '#!/bin/sh\n',
      whole.subarray(0, whole.length - 30),
      whole.subarray(0, 200),
      Buffer.alloc(100_000),
    ];
    for (const name of ['../evil.class', '/etc/evil', 'a\\..\\..\\b', 'C:/evil']) corpus.push(makeZip([{ name }]));
    for (const content of corpus) assert.match((await refusal(file(content))).message, /is not a jar, or it is damaged/);
    assert.match((await refusal(file(''))).message, /empty/);
  });

  it('refuses bombs: too large, too many entries, too much unpacked, a huge or lying manifest', async () => {
    const many = jar(...Array.from({ length: 300 }, (_, i) => ({ name: `a/C${i}.class` })));
    assert.match((await refusal(many, { maxEntries: 200 })).message, /300 entries, at most 200/);
    assert.match((await refusal(many, { maxBytes: 1000 })).message, /too large/);
    const bomb = jar({ name: 'x.bin', claimedSize: 0xf0000000 }, { name: 'y.bin', claimedSize: 0xf0000000 });
    assert.match((await refusal(bomb)).message, /more than 4\.0 GB unpacked/);
    assert.match((await refusal(jar({ name: 'META-INF/MANIFEST.MF', data: Buffer.alloc(3_000_000) }))).message, /manifest of 2\.9 MB/);
    assert.match(
      (await refusal(jar({ name: 'META-INF/MANIFEST.MF', data: Buffer.alloc(3_000_000), claimedSize: 100 }))).message,
      /damaged/,
    );
  });

  it('never fails in any other way on damaged bytes, and leaves no file open', async () => {
    const whole = makeZip([manifest('shop.OrdersJob'), ...classes.map((name) => ({ name, data: name }))]);
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await inspectJar(file(whole));
    const before = openFiles();
    const path = join(scratch, 'damaged.jar');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        writeFileSync(path, bytes);
        await inspectJar(path).catch((error) => assert.ok(error instanceof AppError, error));
      }),
      { numRuns: 300 },
    );
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(openFiles() <= before + 2, `${openFiles()} files open, ${before} before`);
  });

  it('reads the main class from the main section only, over continued lines', () => {
    assert.equal(mainClassOf('Manifest-Version: 1.0\r\nMain-Class: a.very.lo\r\n ng.Name\r\nX: y\r\n'), 'a.very.long.Name');
    assert.equal(mainClassOf('Manifest-Version: 1.0\n\nName: a\nMain-Class: no.Such\n'), undefined);
    assert.equal(mainClassOf('X-Main-Class: no.Such\nmain-class:  a.B  \n'), 'a.B');
    assert.equal(mainClassOf('Main-Class: two words\n'), undefined);
  });
});
