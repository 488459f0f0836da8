import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, otto, vic } from '../helpers/command-world.ts';

test('diff shows each parameter that differs', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'set etl-orders parallelism=8 checkpoint-interval= state.backend.incremental=true');
  const { text } = await w.say(vic, 'diff etl-orders v1 v3');
  assert.equal(
    text,
    [
      'etl-orders: v1 and v3 differ in 3 parameters',
      'Parameter | v1 | v3',
      'parallelism | 2 | 8',
      'checkpoint-interval | 10s | (not set)',
      'state.backend.incremental | (not set) | true',
    ].join('\n'),
  );
});

test('diff with one version compares with the current one', async (t) => {
  const w = await createWorld(t);
  assert.match((await w.say(vic, 'diff etl-orders 1')).text, /^etl-orders: v1 and v2 differ in 1 parameter\n/);
  assert.match((await w.say(vic, 'diff etl-orders v2')).text, /^v2 and v2 of etl-orders say the same/);
});

test('diff of what is not there says so', async (t) => {
  const w = await createWorld(t);
  await w.refused(vic, 'diff etl-orders v1 v9', /^etl-orders has no version v9\.\nAll of them: \/flink versions etl-orders/);
  await w.refused(vic, 'diff etl-orders v9', /no version v9/);
  await w.refused(vic, 'diff etl-orders one', /^one is no version\.\nExpected for example v6/);
  await w.refused(otto, 'diff etl-orders v1', /You may not use diff/);
});
