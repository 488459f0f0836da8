import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JobDefinition } from '../../src/jobs/jobs.store.ts';
import { assignParameter, flatten, ParameterProblem } from '../../src/jobs/parameters.ts';
import { parseTags } from '../../src/jobs/tags.ts';

const bare: JobDefinition = { cluster: 'c', environment: 'production', args: [], flink: {}, links: [] };

test('tags are lower case, each once, sorted, with or without # before them; an empty value takes them away', () => {
  const tagged = assignParameter(bare, 'tags', '#Nightly, billing nightly');
  assert.deepEqual(tagged.tags, ['billing', 'nightly']);
  assert.equal(flatten(tagged).get('tags'), 'billing, nightly');
  assert.deepEqual(assignParameter(tagged, 'tags', ''), bare);
});

test('what is no tag is refused in a sentence', () => {
  for (const odd of ['naïve', 'a:b', '-x', 'a'.repeat(41)])
    assert.throws(
      () => assignParameter(bare, 'tags', odd),
      (e) => e instanceof ParameterProblem && /is no tag: expected/.test(e.message),
      odd,
    );
  const many = Array.from({ length: 21 }, (_, i) => `t${i}`).join(',');
  assert.throws(() => assignParameter(bare, 'tags', many), /at most 20 tags, not 21/);
});

test('whatever is accepted is read again as the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'B', '1', '-', '.', '_', ' ', ',', '#', 'é') }), (typed) => {
      const parsed = parseTags(typed);
      if ('problem' in parsed) return;
      assert.deepEqual(parseTags(parsed.tags.join(', ')), parsed);
    }),
  );
});

test('how savepoints are kept: a number or all, a duration of a day or more', () => {
  const kept = assignParameter(assignParameter(bare, 'keep-savepoints', '5'), 'keep-savepoints-for', '30d');
  assert.deepEqual([kept.keepSavepoints, kept.keepSavepointsFor], [5, '30d']);
  assert.equal(assignParameter(kept, 'keep-savepoints', 'ALL').keepSavepoints, 'all');
  for (const odd of ['0', '-1', '1.5', 'five'])
    assert.throws(() => assignParameter(bare, 'keep-savepoints', odd), /the newest one is always kept/);
  for (const odd of ['3h', 'soon']) assert.throws(() => assignParameter(bare, 'keep-savepoints-for', odd), ParameterProblem);
});
