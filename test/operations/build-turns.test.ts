import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns } from '../../src/operations/build-turns.ts';

const never = new AbortController().signal;

test('only so many at once, first come, first served, and a turn is given back once', async () => {
  const turn = createTurns(1);
  const first = await turn(never);
  const order: string[] = [];
  const second = turn(never).then((giveBack) => {
    order.push('second');
    return giveBack;
  });
  const third = turn(never).then(() => order.push('third'));
  await Promise.resolve();
  assert.deepEqual(order, []);
  first();
  first();
  const giveBack = await second;
  await Promise.resolve();
  assert.deepEqual(order, ['second'], 'giving back twice lets only one in');
  giveBack();
  await third;
  assert.deepEqual(order, ['second', 'third']);
});

test('who is canceled while waiting leaves the line', async () => {
  const turn = createTurns(1);
  const first = await turn(never);
  const abort = new AbortController();
  const waiting = turn(abort.signal);
  abort.abort(new Error('canceled'));
  await assert.rejects(waiting, /canceled/);
  first();
  (await turn(never))();
});
