import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, lena, omar, otto, vic } from '../helpers/command-world.ts';

test('help shows the verbs that this person may use, with examples', async (t) => {
  const w = await createWorld(t);
  const engineer = await w.say(emma, 'help');
  assert.match(
    engineer.text,
    /^Sluice runs Flink jobs from here\nLook: list · status · operations · logs · versions · diff · history · digest · web · whoami/,
  );
  assert.match(engineer.text, /Run: build · start · stop · restart · savepoint · cancel/);
  assert.match(engineer.text, /Change: set · use/);
  assert.match(engineer.text, /\/flink restart etl-orders --build/);
  assert.doesNotMatch(engineer.text, /approve|review/);
  assert.equal(engineer.button('List the jobs'), 'list');
  assert.match((await w.say(lena, 'h')).text, /Decide: approve · reject/);
  const viewer = await w.say(vic, '?');
  assert.doesNotMatch(viewer.text, /Run:|Change:|State:|start etl-orders/);
  assert.match(viewer.text, /\/flink status etl-orders/);
  const onCall = (await w.say(omar, 'help')).text;
  assert.match(onCall, /Run: start · stop · restart/);
  assert.doesNotMatch(onCall, /build ·/);
});

test('somebody without a role is told what to do', async (t) => {
  const w = await createWorld(t);
  const { text } = await w.say({ teamId: 'T0TEAM', userId: 'U0NEW', name: 'New' }, 'help');
  assert.match(text, /Look: whoami/);
  assert.match(text, /For example \/flink whoami/);
  assert.match(text, /Sluice does not know you yet: ask an admin for a role/);
  assert.doesNotMatch(text, /\/flink list/);
  assert.doesNotMatch((await w.say(otto, 'help')).text, /Run:|list/);
});

test('help of one command: usage, options, examples', async (t) => {
  const w = await createWorld(t);
  const { text } = await w.say(emma, 'help start');
  assert.match(text, /^start: Start a job; after a stop or a crash it resumes/);
  assert.match(text, /\/flink start <job> \[--build\] \[--branch <branch>\] \[--version <vN>\] \[--fresh\]/);
  assert.match(text, /--fresh: From nothing: the state is not used\./);
  assert.match(text, /Examples: \/flink start etl-orders, /);
  assert.match((await w.say(emma, 'help resume')).text, /^start: /);
});

test('help of something that is not there offers what is near', async (t) => {
  const w = await createWorld(t);
  const near = await w.say(emma, 'help strat');
  assert.match(near.text, /^There is no command strat\. Did you mean start\?/);
  assert.equal(near.button('help start'), 'help start');
  assert.equal((await w.say(emma, 'help zzzzzzzz')).button('Help'), 'help');
});
