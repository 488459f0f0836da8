import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newFlinkId, newId, newSecret } from '../../src/core/ids.ts';

test('ids have their prefix and twelve letters that nobody mixes up, and do not repeat', () => {
  const ids = Array.from({ length: 2000 }, () => newId('op'));
  for (const id of ids) assert.match(id, /^op_[0-9a-hjkmnp-tv-z]{12}$/);
  assert.equal(new Set(ids).size, ids.length);
  // Every letter of the alphabet is used: a biased or shortened source would not reach them all.
  assert.equal(new Set(ids.flatMap((id) => [...id.slice(3)])).size, 32);
});

test("Flink's ids are 32 hexadecimal digits in lower case", () => {
  const ids = Array.from({ length: 200 }, newFlinkId);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(new Set(ids).size, ids.length);
});

test('a secret has 256 bits and fits into a URL as it is', () => {
  const secret = newSecret();
  assert.equal(Buffer.from(secret, 'base64url').length, 32);
  assert.equal(encodeURIComponent(secret), secret);
  assert.notEqual(newSecret(), secret);
});
