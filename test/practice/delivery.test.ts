import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { api, respond, signingSecret, startHttpPractice, withButton } from './rig.ts';

test('a slash command comes signed, in the exact content type, with every field', async (t) => {
  const { app, emma } = await startHttpPractice(t);
  await emma.types('/flink start etl-orders @lena --why "a & b"', { channel: 'etl' });
  const [request] = app.received;
  assert.ok(request);
  assert.equal(request.headers['content-type'], 'application/x-www-form-urlencoded');
  const ts = String(request.headers['x-slack-request-timestamp']);
  assert.equal(
    request.headers['x-slack-signature'],
    `v0=${createHmac('sha256', signingSecret).update(`v0:${ts}:${request.body}`).digest('hex')}`,
  );
  const fields = Object.fromEntries(request.form);
  const { response_url, trigger_id, ...rest } = fields;
  assert.match(String(response_url), /^http:\/\/127\.0\.0\.1:\d+\/commands\/T0PRACTICE\//);
  assert.match(String(trigger_id), /^\d+\.\d+\.[0-9a-f]{32}$/);
  assert.deepEqual(rest, {
    token: 'practice',
    team_id: 'T0PRACTICE',
    team_domain: 'acme-data',
    channel_id: 'C0ETL',
    channel_name: 'etl',
    user_id: 'U0EMMA',
    user_name: 'emma',
    command: '/flink',
    text: 'start etl-orders <@U0LENA|lena> --why "a &amp; b"',
    api_app_id: 'A0SLUICE',
    is_enterprise_install: 'false',
  });
});

test('an acknowledgement may answer in the channel, and its blocks are checked', async (t) => {
  const answers = [{ response_type: 'in_channel', text: 'for all' }, { blocks: [{ type: 'fancy' }] }];
  const { emma, lena } = await startHttpPractice(t, {}, (_request, response, nth) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers[nth - 1]));
  });
  await emma.types('/flink x', { channel: 'etl' });
  assert.equal((await lena.sees('for all')).ephemeral, false);
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /invalid_command_response/);
});

test('deliver-times sends a command that often with one trigger; its first answer is shown once', async (t) => {
  const { practice, app, emma } = await startHttpPractice(t, {}, (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('accepted'),
  );
  practice.faults({ deliverTimes: 3 });
  assert.equal((await emma.says('/flink start', { channel: 'etl' })).text, 'accepted');
  await app.until(3);
  assert.equal(new Set(app.received.map((r) => r.form.get('trigger_id'))).size, 1);
  assert.equal(practice.messages('etl').length, 1);
});

test('a click carries the message; an ephemeral one carries none; the answer may replace or delete it', async (t) => {
  const { practice, app, emma } = await startHttpPractice(t);
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: withButton('in channel') });
  const seen = await emma.sees('in channel', { since: 'start' });
  await emma.clicks(seen, 'Go');
  const payload = JSON.parse(app.received[0]?.form.get('payload') ?? '{}');
  assert.equal(payload.type, 'block_actions');
  assert.deepEqual(payload.container, { type: 'message', message_ts: seen.ts, channel_id: 'C0ETL', is_ephemeral: false });
  assert.equal(payload.message.ts, seen.ts);
  assert.deepEqual(payload.user, { id: 'U0EMMA', username: 'emma', name: 'emma', team_id: 'T0PRACTICE' });
  assert.deepEqual([payload.actions[0].action_id, payload.actions[0].value, payload.actions[0].type], ['go', 'v', 'button']);
  assert.match(payload.actions[0].action_ts, /^\d+\.\d{6}$/);
  await respond(payload.response_url, { replace_original: true, text: 'replaced' });
  assert.equal((await emma.seesEdit(seen, 'replaced')).buttons.length, 0);
  await respond(payload.response_url, { delete_original: true });
  assert.equal((await emma.history('etl')).length, 0);

  await api(practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0EMMA', text: 'x', blocks: withButton('only emma') });
  await emma.clicks(await emma.sees('only emma', { since: 'start' }), 'Go');
  const second = JSON.parse(app.received[1]?.form.get('payload') ?? '{}');
  assert.equal(second.container.is_ephemeral, true);
  assert.equal(second.message, undefined);
  await respond(second.response_url, { replace_original: true, text: 'gone quiet' });
  assert.equal((await emma.sees('gone quiet')).ephemeral, true);
  await assert.rejects(emma.clicks(await emma.sees('gone quiet'), 'Go'), /no button/);
});

test('a request URL is verified by its challenge', async (t) => {
  const { practice, app } = await startHttpPractice(t, {}, (request, response, nth) => {
    const { challenge } = JSON.parse(request.body);
    response.writeHead(200, { 'content-type': 'text/plain' }).end(nth === 1 ? challenge : 'no');
  });
  assert.equal(await practice.verifyRequestUrl(), true);
  assert.equal(await practice.verifyRequestUrl(), false);
  assert.equal(app.received.length, 2);
});

test('the client waits for what comes after the last action, and says what it saw instead', async (t) => {
  const { practice, emma, lena } = await startHttpPractice(t);
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'done: old' });
  await emma.types('/flink x', { channel: 'etl' });
  await assert.rejects(lena.sees('done', { timeoutMs: 80 }), /lena waited for done[\s\S]*done: old/);
  const later = lena.sees(/done: (\w+)/, { channel: 'etl' });
  const posted = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'working' });
  await api(practice, 'chat.update', { channel: 'C0ETL', ts: String(posted['ts']), text: 'done: new' });
  assert.equal((await later).text, 'done: new');
  assert.equal((await lena.sees('done: old', { since: 'start' })).text, 'done: old');
  assert.deepEqual(
    (await lena.history('etl')).map((m) => m.text),
    ['done: old', 'done: new'],
  );
  await assert.rejects(emma.says('/flink quiet', { channel: 'etl', timeoutMs: 80 }), /got no answer/);
});
