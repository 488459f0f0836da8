import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { parseYaml } from '../../src/config/yaml.ts';

const Schema = z.strictObject({ name: z.string(), tags: z.array(z.strictObject({ key: z.string() })).optional() });

test('a value that the schema accepts comes out as the schema makes it', () => {
  assert.deepEqual(parseYaml(Schema, 'name: a\ntags: [{ key: b }]\n', 'job.yaml').value, { name: 'a', tags: [{ key: 'b' }] });
});

test('a wrong key deep in a list is found at its own line and column', () => {
  const { value, problems } = parseYaml(Schema, 'name: a\ntags:\n  - key: b\n  - keyy: c\n', 'job.yaml');
  assert.equal(value, undefined);
  const told = problems.map((p) => [p.where, p.key, p.nearest]);
  assert.deepEqual(told, [
    ['job.yaml:4:5', 'tags[1].key', undefined],
    ['job.yaml:4:5', 'tags[1].keyy', 'key'],
  ]);
});

test('aliases that multiply without end are refused, not expanded', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]}`)}]`),
  ];
  const { problems } = parseYaml(Schema, bomb.join('\n'), 'job.yaml');
  assert.match(problems[0]?.problem ?? '', /alias/i);
});

test('whatever the text is, there is a value or a problem with its place, never an exception', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string({ unit: fc.constantFrom('a', ':', ' ', '\n', '-', '{', '}', '[', ']', '&', '*', '"', '!', '#', '\t') }),
      ),
      (text) => {
        const { value, problems } = parseYaml(Schema, text, 'f');
        assert.equal(value === undefined, problems.length > 0);
        for (const { where } of problems) assert.match(where, /^f:[1-9]\d*:[1-9]\d*$/);
      },
    ),
    { numRuns: 500 },
  );
});
