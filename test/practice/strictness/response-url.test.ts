import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ending, respond, startHttpPractice } from '../rig.ts';

const source = 'docs.slack.dev/interactivity/handling-user-interaction#message_responses';

async function withUrl(t: Ending) {
  const rig = await startHttpPractice(t);
  await rig.emma.types('/flink x', { channel: 'etl' });
  return { ...rig, url: String(rig.app.received[0]?.form.get('response_url')) };
}

test(`response_url: the sixth use is refused (${source})`, async (t) => {
  const { practice, url } = await withUrl(t);
  for (let i = 1; i <= 5; i++) assert.equal((await respond(url, { text: String(i) })).status, 200);
  assert.deepEqual(await respond(url, { text: '6' }), { status: 404, body: { ok: false, error: 'used_url' } });
  assert.equal(practice.messages('etl').length, 5);
  assert.equal(practice.journal().at(-1)?.refused, true);
});

test(`response_url: 31 minutes later it is refused (${source})`, async (t) => {
  const { practice, url } = await withUrl(t);
  practice.advance(31 * 60_000);
  assert.deepEqual(await respond(url, { text: 'late' }), { status: 404, body: { ok: false, error: 'expired_url' } });
});

test(`response_url: a made-up address is refused (${source})`, async (t) => {
  const { practice } = await withUrl(t);
  assert.equal((await respond(`${practice.url}/commands/T0PRACTICE/1/made-up`, { text: 'x' })).status, 404);
});

test(`response_url: nothing to show, invalid blocks and an unknown response_type are refused (${source})`, async (t) => {
  const { url } = await withUrl(t);
  assert.deepEqual(await respond(url, {}), { status: 400, body: { ok: false, error: 'no_text' } });
  assert.equal((await respond(url, { blocks: [{ type: 'fancy' }] })).status, 400);
  assert.deepEqual(await respond(url, { text: 'x', response_type: 'loud' }), {
    status: 400,
    body: { ok: false, error: 'invalid_response_type' },
  });
});

test(`response_url: ephemeral unless in_channel is asked for (${source})`, async (t) => {
  const { emma, lena, url } = await withUrl(t);
  await respond(url, { text: 'only you' });
  assert.equal((await emma.sees('only you')).ephemeral, true);
  await respond(url, { text: 'all', response_type: 'in_channel' });
  assert.equal((await lena.sees('all')).ephemeral, false);
});
