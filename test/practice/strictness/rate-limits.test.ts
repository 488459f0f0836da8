import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawApi, startPractice } from '../rig.ts';

const source = 'docs.slack.dev/apis/web-api/rate-limits';

test(`rate limits: about one post a second and channel, then 429 with Retry-After; other channels go on (${source})`, async (t) => {
  const practice = await startPractice(t);
  const post = (channel: string) => rawApi(practice, 'chat.postMessage', { channel, text: 'x' });
  const burst = [];
  for (let i = 0; i < 30; i++) burst.push((await post('C0ETL')).status);
  assert.equal(burst.filter((s) => s === 200).length, 5, 'a burst of 30 does not pass');
  const limited = await post('C0ETL');
  assert.equal(limited.status, 429);
  assert.equal(limited.headers.get('retry-after'), '1');
  assert.deepEqual(await limited.json(), { ok: false, error: 'ratelimited' });
  assert.equal((await post('C0ALERTS')).status, 200);
  practice.advance(1000);
  assert.equal((await post('C0ETL')).status, 200);
});

test(`rate limits: a method of tier 2 takes 20 calls a minute (${source})`, async (t) => {
  const practice = await startPractice(t);
  const statuses = [];
  for (let i = 0; i < 21; i++) statuses.push((await rawApi(practice, 'usergroups.list')).status);
  assert.deepEqual(statuses.slice(19), [200, 429]);
  practice.advance(60_000);
  assert.equal((await rawApi(practice, 'usergroups.list')).status, 200);
});
