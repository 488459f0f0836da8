import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseBytes } from '../../src/config/bytes.ts';

test('sizes as people type them', () => {
  const sizes = ['0', '812', '812 B', '1k', '1 KB', '1KiB', '1.5 MB', '2 GB', ' 2gb ', '1t'].map(parseBytes);
  assert.deepEqual(sizes, [0, 812, 812, 1024, 1024, 1024, 1_572_864, 2_147_483_648, 2_147_483_648, 1_099_511_627_776]);
});

test('what is no size is undefined, never a guess', () => {
  for (const typed of ['', 'GB', '2 G B', '-1 GB', '1e3', '2 XB', '2 GBs', '1,5 MB', '2 bi', '0x10'])
    assert.equal(parseBytes(typed), undefined, typed);
});

test('a larger unit is 1024 times the smaller one', () => {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 4 }), (n, i) => {
      assert.equal(parseBytes(`${n} ${units[i]}`), parseBytes(`${n * 1024} ${units[i - 1]}`));
    }),
  );
});
