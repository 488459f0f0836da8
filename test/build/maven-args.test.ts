import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkMavenArgs, checkModule } from '../../src/build/maven-args.ts';
import { UserError } from '../../src/core/errors.ts';

describe('build arguments', () => {
  it('takes properties, profiles, modules and threads as they are', () => {
    const args = [
      '-Dflink.version=1.20.5',
      '-DskipITs',
      '-Dx=a b $(touch x) ; | `y`',
      '-Pprod,fast',
      '-P',
      '!dev',
      '-pl',
      'jobs/orders,:etl',
      '-am',
      '-T',
      '2C',
      '-T1C',
      '-o',
      '-U',
    ];
    assert.deepEqual(checkMavenArgs(args), args);
  });

  it('refuses goals, files, settings and everything else, naming it', () => {
    const bad = [
      ['clean'],
      ['deploy'],
      ['-f', '/etc/pom.xml'],
      ['-s', 'x'],
      ['--settings=x'],
      ['-gs', 'x'],
      ['-l', '/etc/passwd'],
      ['--log-file', 'x'],
      ['-t', 'x'],
      ['-D'],
      ['-D=x'],
      ['-D-x'],
      ['-Dx=a\nb'],
      ['-pl'],
      ['-P', '--log-file'],
      ['-P-x'],
      ['-pl', '-f'],
      ['exec:exec'],
      [''],
      [' '],
      ['-Dx', 'y'],
      ['--define', 'x=1'],
      ['-q'],
      ['-h'],
      ['-V=1'],
    ];
    for (const args of bad) {
      assert.throws(
        () => checkMavenArgs(args),
        (error) => error instanceof UserError && /-Dname=value/.test(error.hint ?? ''),
        JSON.stringify(args),
      );
    }
  });

  it('refuses a secret written out, and does not repeat it', () => {
    for (const arg of ['-Dnexus.password=canary', '-DAPI_TOKEN=canary', '-Ddb.secret=canary']) {
      assert.throws(
        () => checkMavenArgs([arg]),
        (error) => error instanceof UserError && /secret/.test(error.message) && !`${error.message}${error.hint}`.includes('canary'),
      );
    }
  });

  it('lets no word through that Maven could take for another option or a goal', () => {
    const word = fc.oneof(
      fc.string(),
      fc.string().map((s) => `-D${s}`),
      fc.string().map((s) => `-P${s}`),
      fc.constantFrom('-pl', '-P', '-T', '-am', '-f', 'deploy', '--file'),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), (args) => {
        try {
          checkMavenArgs(args);
        } catch (error) {
          assert.ok(error instanceof UserError, String(error));
          return;
        }
        for (let i = 0; i < args.length; i++) {
          const arg = args[i] as string;
          if (['-pl', '-P', '-T'].includes(arg)) assert.match(args[++i] as string, /^[^-\s]/);
          else assert.match(arg, /^(-D[A-Za-z_]|-P[\w!?+:]|-T\d|-am$)/);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('takes modules inside the project only', () => {
    for (const module of ['orders', 'jobs/orders-etl', 'a/b_c/d.e']) assert.equal(checkModule(module), module);
    for (const module of ['', '/etc', '../x', 'a/../b', 'a//b', '.git', 'a/', '-x', 'a b', 'a,b', ':x', 'a\nb', '!a'])
      assert.throws(() => checkModule(module), UserError, module);
  });
});
