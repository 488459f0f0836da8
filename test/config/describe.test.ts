import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { describeSettings } from '../../src/config/describe.ts';
import { variables } from '../../src/config/environment.ts';
import { schemaAt } from '../../src/config/introspect.ts';
import { Settings } from '../../src/config/schema.ts';

test('every key says what it is, what is expected and has an example that is accepted', () => {
  const rows = describeSettings();
  assert.ok(rows.length > 30);
  for (const row of rows) {
    assert.ok(row.description.length > 20, row.key);
    if (row.isGroup) continue;
    assert.ok(row.expected, row.key);
    const path = row.key.split('.').flatMap((step) => (step.endsWith('[]') ? [step.slice(0, -2), 0] : [step]));
    const result = schemaAt(Settings, path)?.safeParse(parse(row.example ?? ''));
    assert.equal(result?.success, true, `${row.key}: ${row.example}`);
  }
});

test('every variable that sets a key names one that exists', () => {
  for (const { name, path } of variables) if (path) assert.ok(schemaAt(Settings, path), name);
});

test('the example file is accepted as a whole once its keys are uncommented', () => {
  const text = readFileSync(join(import.meta.dirname, '../../sluice.example.yaml'), 'utf8');
  const uncommented = text.replace(/^#(?!#)/gm, '');
  assert.notEqual(uncommented, text);
  const result = Settings.safeParse(parse(uncommented));
  assert.deepEqual(result.error?.issues ?? [], []);
  assert.equal(result.data?.admins.length, 1);
});
