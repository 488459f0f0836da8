import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readSecret, SecretRef } from '../../src/config/secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-secret-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'token');

test('a secret comes from the variable or the file that is named, read anew each time', () => {
  assert.equal(readSecret({ env: 'GIT_TOKEN' }, { GIT_TOKEN: 'abc' }), 'abc');
  writeFileSync(file, 'first\n');
  assert.equal(readSecret({ file }), 'first');
  writeFileSync(file, '-----BEGIN\nkey\n-----END\r\n');
  assert.equal(readSecret({ file }), '-----BEGIN\nkey\n-----END');
});

test('a missing secret is told by its name and the next step', () => {
  assert.throws(() => readSecret({ env: 'GIT_TOKEN' }, {}), {
    name: 'ConfigError',
    message: /variable GIT_TOKEN is not set/,
    hint: /Start Sluice with GIT_TOKEN/,
  });
  assert.throws(() => readSecret({ file: join(folder, 'gone') }), { name: 'ConfigError', message: /gone cannot be read \(ENOENT\)/ });
  writeFileSync(file, '\n');
  assert.throws(() => readSecret({ file }), /is empty/);
  writeFileSync(file, 'x'.repeat(70_000));
  assert.throws(() => readSecret({ file }), { name: 'ConfigError', message: /larger than 64 KB/ });
});

test('a reference names one place and never holds the secret itself', () => {
  for (const ref of ['secret', { value: 'secret' }, { env: 'A', file: 'b' }, { env: 'with space' }, { file: '' }, {}]) {
    assert.equal(SecretRef.safeParse(ref).success, false, JSON.stringify(ref));
  }
});
