import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openIncident } from '../../src/incidents/open.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { renderMessage } from '../../src/slack/render.ts';
import { ada, createWorld, definition, emma, lars, lena, omar, otto, vic, type World } from '../helpers/command-world.ts';

async function waitingRestore(w: World): Promise<string> {
  const point = await w.restorePoint('etl-orders', await w.run('etl-orders'));
  await w.say(emma, `restore etl-orders --from ${point} --reason "bad prices since monday"`);
  return (await w.theOperation()).id;
}
const breaks = (w: World, job: string) =>
  w.database.transaction((tx) =>
    openIncident(tx, {
      key: `job:${job}:failed`,
      job,
      cluster: 'standalone',
      cause: 'failed',
      title: `${job} failed`,
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    }),
  );
const labels = (said: { actions: { label: string }[] }) => said.actions.map((a) => a.label);

test('a lead sees what waits for a decision, with the buttons; who asked sees it as their own, without', async (t) => {
  const w = await createWorld(t);
  const id = await waitingRestore(w);
  const seen = await w.say(lena, 'home');
  assert.match(
    seen.text,
    /^1 approval waits for you\nrestore of etl-orders, asked by @Emma: bad prices since monday\nIts time is over at /,
  );
  assert.equal(seen.button('Approve'), `approve ${id}`);
  assert.equal(seen.button('The plan'), `operation ${id}`);
  const own = await w.say(emma, 'home');
  assert.match(own.text, /^Nothing waits for your approval\nIn progress\nrestore of etl-orders .*waits/);
  assert.ok(!labels(own).includes('Approve') && labels(own).includes('Cancel'));
  await w.say(lars, `approve ${id}`);
  assert.match((await w.say(lena, 'home')).text, /^Nothing waits for your approval/);
});

test('what is wrong, with Acknowledge for those who may, until somebody has', async (t) => {
  const w = await createWorld(t);
  await breaks(w, 'etl-orders');
  const seen = await w.say(omar, 'home');
  assert.match(seen.text, /1 open incident\netl-orders failed, since /);
  assert.ok(!labels(await w.say(vic, 'home')).includes('Acknowledge'));
  await w.say(omar, seen.button('Acknowledge'));
  const after = await w.say(emma, 'home');
  assert.match(after.text, /looked after by @Omar/);
  assert.ok(!labels(after).includes('Acknowledge') && labels(after).includes('Status'));
});

test('my jobs with their state; with nothing to do, the first three commands', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  const { text, actions } = await w.say(emma, 'home');
  assert.match(text, /etl-orders .*v2/s);
  assert.match(text, /customers /);
  assert.match(text, /\/flink list, \/flink status <job>, \/flink start <job>/);
  assert.deepEqual(actions, [], 'nothing to share in a channel here');
});

test('who has no role is told how to get one, and what can be typed', async (t) => {
  const w = await createWorld(t);
  const { text } = await w.say(otto, 'home');
  assert.match(text, /You have no role here yet\. .*member id/);
  assert.match(text, /\/flink whoami, \/flink help, \/flink list/);
});

test('with many jobs, incidents and plans it fits into what Slack takes, decisions first, and says what is left out', async (t) => {
  const w = await createWorld(t);
  for (let n = 0; n < 40; n++) {
    const name = `job-${n}-${'x'.repeat(40)}`;
    await w.database.transaction((tx) =>
      createJob(tx, { name, team: 'data', kind: 'jar', mode: 'streaming', project: null, definition, origin: 'apply', createdBy: ada }),
    );
    if (n < 20) await breaks(w, name);
  }
  const id = await waitingRestore(w);
  const { message, text } = await w.say(lena, 'home');
  assert.match(text, /20 open incidents/);
  assert.match(text, /14 more on the page/);
  const { blocks } = renderMessage(message);
  assert.ok(blocks.length <= 100, `${blocks.length} blocks`);
  const json = JSON.stringify(blocks);
  assert.ok(json.indexOf(`approve ${id}`) > 0 && json.indexOf(`approve ${id}`) < json.indexOf('open incidents'));
  assert.match(json, /42 jobs|of 42/);
});
