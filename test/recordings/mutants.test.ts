import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runMutant } from '../faults/mutate.ts';
import { testServer } from '../helpers/test-db.ts';
import { mutants } from './mutants.ts';

describe('a rule that is inverted is found out by the recordings', { concurrency: 2 }, () => {
  for (const { name, scene, unit, ...mutant } of mutants)
    test(`${name}: ${scene ?? unit?.test}`, async () => {
      const { address, template } = await testServer();
      const env = {
        SLUICE_TEST_PG: address,
        SLUICE_TEST_TEMPLATE: template,
        ...(unit ? { NODE_OPTIONS: `--test-name-pattern="${unit.test}"` } : {}),
      };
      const args = scene ? [scene, '2.3.0'] : [];
      const { code, output } = await runMutant(mutant, unit?.file ?? 'test/recordings/recordings.test.ts', args, {
        timeoutMs: 60_000,
        env,
      });
      assert.equal(code, 1, 'nobody noticed');
      assert.match(output, new RegExp(`(not ok \\d+ -|✖) ${scene ?? unit?.test}\\b`), 'it is that one that fails');
    });
});
