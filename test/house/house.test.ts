import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { staleDocs } from '../../src/tools/docs.ts';
import { checkHouse, formatProblems } from '../../src/tools/house/house.ts';

test('this house is in order', () => {
  assert.equal(formatProblems(checkHouse(join(import.meta.dirname, '../..'))), '');
});

test('the generated docs say what the code says', async () => {
  assert.deepEqual(await staleDocs(), []);
});
