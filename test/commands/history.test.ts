import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, otto, vic } from '../helpers/command-world.ts';

test('history tells what was done by whom, newest first', async (t) => {
  const w = await createWorld(t);
  assert.match((await w.say(vic, 'history etl-orders')).text, /^Nothing was done to etl-orders yet/);
  await w.run('etl-orders');
  await w.say(emma, 'restore etl-orders --from s3://lake/x --reason "bad deploy"');
  const [op] = await w.operations();
  await w.say(emma, `cancel etl-orders --operation ${op?.id}`);
  await w.moveClock(60_000);
  await w.say(emma, 'stop etl-orders');
  const { text } = await w.say(vic, 'history etl-orders');
  assert.match(
    text,
    /^What was done to etl-orders\nstop queued, just now, by @Emma\nrestore canceled, (60|61|62) s ago, by @Emma: Canceled: restore of etl-orders\n/,
  );
  await w.refused(otto, 'history etl-orders', /You may not use history/);
});
