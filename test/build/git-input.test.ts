import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkCommit, checkRefName, parseRepositoryUrl } from '../../src/build/git-input.ts';
import { UserError } from '../../src/core/errors.ts';

describe('repository addresses', () => {
  it('takes https, ssh and git@host addresses, and says how they are reached', () => {
    const table: [string, string, string][] = [
      ['https://github.com/shop/etl.git', 'https', 'github.com'],
      [' https://git.example.org:8443/a/b/c ', 'https', 'git.example.org:8443'],
      ['HTTPS://GitHub.com/shop/etl', 'https', 'github.com'],
      ['ssh://git@git.example.org:2222/shop/etl.git', 'ssh', 'git.example.org:2222'],
      ['git@github.com:shop/etl.git', 'ssh', 'github.com'],
    ];
    for (const [typed, transport, host] of table) {
      const got = parseRepositoryUrl(typed);
      assert.deepEqual([got.transport, got.host], [transport, host], typed);
    }
  });

  it('takes plain http for exactly the listed hosts, with their port', () => {
    const allowPlainHttpHosts = ['127.0.0.1:8080', 'Git.Local'];
    for (const url of ['http://127.0.0.1:8080/a.git', 'http://git.local/a.git']) {
      assert.equal(parseRepositoryUrl(url, { allowPlainHttpHosts }).transport, 'http');
    }
    for (const url of [
      'http://127.0.0.1/a.git',
      'http://127.0.0.1:80800/a',
      'http://git.local:81/a',
      'http://x.git.local/a',
      'http://git.local.evil.org/a',
      'http://127.0.0.1:8080@evil.org/a',
    ]) {
      assert.throws(() => parseRepositoryUrl(url, { allowPlainHttpHosts }), UserError, url);
    }
  });

  it('refuses what is dangerous or no repository, with a sentence and a next step', () => {
    const bad = [
      '',
      '   ',
      '-oProxyCommand=x',
      '--upload-pack=x',
      'file:///etc',
      '/srv/repo',
      './repo',
      '../repo',
      'ext::sh -c touch% x',
      'EXT::x',
      'git://h/a',
      'ftp://h/a',
      'https://',
      'https://h',
      'https://h/',
      'https://-h/a',
      'ssh://-oProxyCommand=x/a',
      'ssh://git@-oProxyCommand=x/a',
      'ssh://h/a',
      'git@-oProxyCommand=x:a',
      '-git@h:a',
      'git@h:-a',
      'git@h:',
      'h:a',
      'https://h/a?x=1',
      'https://h/a#b',
      'https://h/a\nb',
      'https://h/a b',
      'https://h/\0',
      'https://h\\a',
      'fd::17',
      'javascript:alert(1)',
      'https:/h/a',
      'http::https://h/a',
      'git@h://x',
      'ssh://git@h/-a',
      'x'.repeat(3000),
    ];
    for (const typed of bad) {
      assert.throws(
        () => parseRepositoryUrl(typed),
        (error) => error instanceof UserError && error.message.length < 200 && (error.hint ?? '') !== '',
        JSON.stringify(typed),
      );
    }
  });

  it('refuses a password in the address and does not repeat it', () => {
    for (const typed of [
      'https://ana:canary@h/a',
      'https://canary@h/a',
      'ssh://git:canary@h/a',
      'https://ana:canary@',
      'ana:canary@h /a',
    ]) {
      assert.throws(
        () => parseRepositoryUrl(typed),
        (error) => error instanceof UserError && !JSON.stringify([error.message, error.hint, error.details]).includes('canary'),
        typed,
      );
    }
  });

  it('never lets through an address that git takes for an option or another protocol', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((s) => `https://${s}`),
          fc.string().map((s) => `git@${s}`),
        ),
        (typed) => {
          let got: ReturnType<typeof parseRepositoryUrl>;
          try {
            got = parseRepositoryUrl(typed);
          } catch (error) {
            assert.ok(error instanceof UserError, String(error));
            return;
          }
          assert.match(got.url, /^(https:\/\/|ssh:\/\/|[A-Za-z0-9_][\w.-]*@)[^\s\0]+$/);
          assert.doesNotMatch(got.host, /^-|@/);
          if (got.transport === 'https') assert.doesNotMatch(got.url, /^https:\/\/[^/]*@/);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('branch and tag names', () => {
  it('takes the usual ones and refuses options and tricks', () => {
    for (const name of ['main', 'release/1.x', 'feature/ORD-12_x', 'v1.0', 'größe', 'a@b', 'x.locked'])
      assert.equal(checkRefName(name), name);
    for (const name of [
      '',
      '-b',
      '--upload-pack=x',
      'a b',
      'a..b',
      'a//b',
      '/a',
      'a/',
      '.a',
      'a/.b',
      'a.lock',
      'a.lock/b',
      'a.',
      '@',
      'HEAD',
      'a@{1}',
      'a~1',
      'a^',
      'a:b',
      'a?',
      'a*',
      'a[',
      'a\\b',
      'a\nb',
      'x'.repeat(300),
    ]) {
      assert.throws(() => checkRefName(name), UserError, JSON.stringify(name));
    }
    assert.throws(() => checkRefName('a b', 'tag'), /name of a tag/);
  });

  it('agrees with git itself', () => {
    const character = fc.constantFrom(...'ab./@{-~^:?*[\\ \tlock'.split(''), '.lock', '..', '@{', 'ö');
    fc.assert(
      fc.property(fc.array(character, { minLength: 1, maxLength: 6 }), (parts) => {
        const name = parts.join('');
        let ours = true;
        try {
          checkRefName(name);
        } catch {
          ours = false;
        }
        const theirs = spawnSync('git', ['check-ref-format', `refs/heads/${name}`]).status === 0 && !name.startsWith('-') && name !== '@';
        assert.equal(ours, theirs, JSON.stringify(name));
      }),
      { numRuns: 150 },
    );
  });

  it('takes a full commit id only', () => {
    assert.equal(checkCommit('A'.repeat(40)), 'a'.repeat(40));
    for (const bad of ['abc1234', 'g'.repeat(40), `-${'a'.repeat(39)}`, 'a'.repeat(41), ''])
      assert.throws(() => checkCommit(bad), UserError);
  });
});
