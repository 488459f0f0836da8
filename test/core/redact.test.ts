import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redact } from '../../src/core/redact.ts';

const secret = 'S3cr3tV4lu3xyz';
const pem = ['-----BEGIN RSA PRIVATE KEY-----', `MIIE${secret}`, `${secret}==`, '-----END RSA PRIVATE KEY-----'].join('\n');

const leaks = [
  `xoxb-123-456-${secret}`,
  `xoxp-${secret}`,
  `xoxe.xoxp-1-${secret}`,
  `xapp-1-A0-${secret}`,
  `ghp_${secret}`,
  `github_pat_11AB_${secret}`,
  `glpat-${secret}`,
  `fatal: unable to access 'https://emma:${secret}@git.example.com/etl.git/'`,
  `https://${secret}${secret}@git.example.com/etl.git`,
  `https://emma:p@${secret}@git.example.com/etl.git`,
  `postgres://sluice:${secret}@db/sluice`,
  `password=${secret}`,
  `DB_PASSWORD: ${secret}`,
  `{"password": "${secret}"}`,
  `{"client_secret":"a b ${secret}"}`,
  `{"password": "a\\"${secret}"}`,
  `password="${secret} cut off`,
  `-Dfs.s3a.secret.key=${secret}`,
  `s3.access-key: ${secret}`,
  `api_key='${secret}'`,
  `Authorization: Bearer ${secret}`,
  `authorization: Basic ${secret}`,
  `GET https://lake.s3.amazonaws.com/a?X-Amz-Algorithm=A&X-Amz-Credential=${secret}&X-Amz-Signature=${secret}&X-Amz-Security-Token=${secret}`,
  `https://storage.googleapis.com/a?X-Goog-Credential=x&X-Goog-Signature=${secret}`,
  `https://store.blob.core.windows.net/a?sv=1&sig=${secret}`,
  `https://hooks.slack.com/services/T1/B1/${secret}`,
  pem,
  `before\n${pem}\nafter`,
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}\n(cut off)`,
];

test('nothing that looks like a secret gets through', () => {
  for (const text of leaks) assert.doesNotMatch(redact(text), new RegExp(secret), text);
  assert.doesNotMatch(redact('AKIAIOSFODNN7EXAMPLE'), /IOSFODNN7/);
});

test('what stands around a secret is still readable', () => {
  assert.equal(redact(`'https://emma:${secret}@git.example.com/etl.git' not found`), `'https://***@git.example.com/etl.git' not found`);
  assert.equal(redact(`user=emma password=${secret} host=db`), 'user=emma password=*** host=db');
  assert.equal(redact(`a\n${pem}\nb`), 'a\n-----PRIVATE KEY ***-----\nb');
  assert.equal(redact(`two ${pem} and ${pem} keys`), 'two -----PRIVATE KEY ***----- and -----PRIVATE KEY ***----- keys');
});

test('ordinary text passes untouched', () => {
  for (const text of [
    '',
    'Downloaded from central: https://repo.example.com/org/a.pom (2.1 kB at 3 kB/s)',
    'git@github.com:data/etl.git',
    'ssh://git@git.example.com/etl.git',
    'checkpoint s3://lake/checkpoints/0a1b/chk-42 completed',
    'The job etl-orders is running: 4 of 4 tasks.',
    'at 12:00:01 emma@example.com wrote https://example.com/a:b',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  ])
    assert.equal(redact(text), text);
});

test('a secret is found whatever stands around it', () => {
  const between = fc.oneof(fc.constantFrom(' ', '\n', '"', "'", 'password', '=', ':', '://', '@', '***'), fc.string({ maxLength: 8 }));
  // An open quote swallows what follows, up to the next quote: that is what a cut-off text is.
  const whole = leaks.filter((text) => !text.includes('cut off'));
  fc.assert(
    fc.property(between, fc.constantFrom(...whole), between, fc.constantFrom(...leaks), (before, first, middle, second) => {
      assert.doesNotMatch(redact(`${before} ${first} ${middle} ${second}`), new RegExp(secret));
    }),
    { numRuns: 1000 },
  );
});

test('hostile input of 100 kB takes no time to speak of', () => {
  for (const piece of [
    'a',
    'aaaa://',
    'a://a:',
    'a.',
    'a://a@',
    'password',
    'password=',
    'password="',
    `token='"`,
    'x-amz-signature=',
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN ',
    'secret.',
    '\\"',
    'gh',
    'xoxb-',
    '?sig=',
  ]) {
    const hostile = piece.repeat(Math.ceil(100_000 / piece.length));
    redact(hostile.slice(0, 1000));
    // The fastest of three: another program may have the processor for a while.
    const times = [1, 2, 3].map(() => {
      const started = performance.now();
      redact(hostile);
      return performance.now() - started;
    });
    assert.ok(Math.min(...times) < 50, `${piece} takes ${Math.round(Math.min(...times))} ms`);
  }
});
