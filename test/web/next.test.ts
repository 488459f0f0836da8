import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sameSitePath } from '../../src/web/next.ts';

test('a path of this site stays as it is', () => {
  for (const path of ['/', '/jobs/etl-orders', '/jobs/etl-orders/diff?a=3&b=5', '/jobs/etl-orders/logs?grep=a%20b'])
    assert.equal(sameSitePath(path), path);
});

test('anything that could lead to another site, or back to the sign-in, becomes the first page', () => {
  const evil = [
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    'javascript:alert(1)',
    '/..//evil.example',
    '/sign-in?code=x',
    '/sign-out',
    '/command',
    '',
    undefined,
    7,
    `/${'a'.repeat(2000)}`,
  ];
  for (const value of evil) assert.equal(sameSitePath(value), '/', String(value));
});

test('no text leads away', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((s) => `/${s}`),
        fc.string().map((s) => `//${s}`),
      ),
      (value) => {
        const path = sameSitePath(value);
        assert.equal(new URL(path, 'http://sluice.test').origin, 'http://sluice.test');
        assert.ok(path.startsWith('/') && !path.startsWith('//'));
      },
    ),
  );
});
