import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, otto, vic } from '../helpers/command-world.ts';

test('versions tell who made them, how, with which artifact, and which runs', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders', { version: 1 });
  const { text } = await w.say(vic, 'versions etl-orders');
  assert.match(text, /^etl-orders has 2 versions\n/);
  assert.match(text, /v2 \| just now \| Emma \| set: parallelism \| aaaaaaaa \| current, never ran/);
  assert.match(text, /v1 \| just now \| Ada \| apply \| aaaaaaaa \| runs/);
  assert.match(text, /Compare: \/flink diff etl-orders v1 v2/);
});

test('a job with one version has nothing to compare', async (t) => {
  const w = await createWorld(t);
  const { text } = await w.say(emma, 'versions customers');
  assert.match(text, /^customers has 1 version\n/);
  assert.doesNotMatch(text, /Compare/);
  await w.refused(otto, 'versions customers', /You may not use versions/);
});
