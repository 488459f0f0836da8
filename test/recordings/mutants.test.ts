import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runMutant } from '../faults/mutate.ts';
import { testServer } from '../helpers/test-db.ts';
import { mutants } from './mutants.ts';

describe('a rule that is inverted is found out by the recordings', { concurrency: 2 }, () => {
  for (const { name, scene, ...mutant } of mutants)
    test(`${name}: ${scene}`, async () => {
      const { address, template } = await testServer();
      const { code, output } = await runMutant(mutant, 'test/recordings/recordings.test.ts', [scene, '2.3.0'], {
        timeoutMs: 60_000,
        env: { SLUICE_TEST_PG: address, SLUICE_TEST_TEMPLATE: template },
      });
      assert.equal(code, 1, 'nobody noticed');
      assert.match(output, new RegExp(`(not ok \\d+ -|✖) ${scene}\\b`), 'it is that one that fails');
    });
});
