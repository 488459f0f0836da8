import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { connectPractice } from '../../src/practice/client.ts';
import { api, atEnd, type Ending, modal, plain, section, signingSecret, startBareApp, startPractice } from './rig.ts';

async function start(t: Ending, options: Parameters<typeof startPractice>[1] = {}, answer?: Parameters<typeof startBareApp>[2]) {
  const practice = await startPractice(t, { limits: 'off', ...options });
  const app = await startBareApp(t, practice, answer);
  const people = connectPractice(practice.url);
  atEnd(t, () => people.close());
  return { practice, app, people, emma: people.as('emma'), lena: people.as('lena') };
}
const respond = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const withButton = (text: string) => [
  section(text),
  { type: 'actions', elements: [{ type: 'button', action_id: 'go', text: plain('Go'), value: 'v' }] },
];

test('a slash command comes signed, in the exact content type, with every field', async (t) => {
  const { app, emma } = await start(t);
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

test('should_escape: false sends what was typed', async (t) => {
  const manifest = {
    features: { slash_commands: [{ command: '/flink', should_escape: false }] },
    oauth_config: { scopes: { bot: ['commands'] } },
  };
  const { app, emma } = await start(t, { manifest });
  await emma.types('/flink start @lena & co', { channel: 'etl' });
  assert.equal(app.received[0]?.form.get('text'), 'start @lena & co');
});

test('no acknowledgement in time, and a refusal, are told to the person', async (t) => {
  const { practice, emma } = await start(t, { ackTimeoutMs: 150 }, (_request, response, nth) => {
    if (nth === 2) response.writeHead(500).end();
  });
  assert.equal((await emma.says('/flink x', { channel: 'etl' })).text, '/flink failed with the error "operation_timeout"');
  assert.equal((await emma.says('/flink x', { channel: 'etl' })).text, '/flink failed with the error "dispatch_failed"');
  assert.equal(
    practice.messages('etl').every((m) => m.to === 'U0EMMA'),
    true,
  );
});

test('an acknowledgement may answer in the channel, and its blocks are checked', async (t) => {
  const answers = [{ response_type: 'in_channel', text: 'for all' }, { blocks: [{ type: 'fancy' }] }];
  const { emma, lena } = await start(t, {}, (_request, response, nth) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers[nth - 1]));
  });
  await emma.types('/flink x', { channel: 'etl' });
  assert.equal((await lena.sees('for all')).ephemeral, false);
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /invalid_command_response/);
});

test('deliver-times sends a command that often with one trigger; its first answer is shown once', async (t) => {
  const { practice, app, emma } = await start(t, {}, (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('accepted'),
  );
  practice.faults({ deliverTimes: 3 });
  assert.equal((await emma.says('/flink start', { channel: 'etl' })).text, 'accepted');
  await app.until(3);
  assert.equal(new Set(app.received.map((r) => r.form.get('trigger_id'))).size, 1);
  assert.equal(practice.messages('etl').length, 1);
});

test('a response URL works 5 times within 30 minutes; ephemeral by default, in_channel on request', async (t) => {
  const { practice, app, emma, lena } = await start(t);
  await emma.types('/flink x', { channel: 'etl' });
  const url = String(app.received[0]?.form.get('response_url'));
  assert.equal((await respond(url, {})).status, 400);
  assert.equal((await respond(url, { text: 'only you' })).status, 200);
  assert.equal((await emma.sees('only you')).ephemeral, true);
  assert.equal((await respond(url, { text: 'all', response_type: 'in_channel' })).status, 200);
  await lena.sees('all');
  assert.equal((await respond(url, { blocks: [{ type: 'fancy' }] })).status, 400);
  assert.equal((await respond(url, { text: '5' })).status, 200);
  const sixth = await respond(url, { text: '6' });
  assert.deepEqual([sixth.status, await sixth.json()], [404, { ok: false, error: 'used_url' }]);

  await emma.types('/flink x', { channel: 'etl' });
  practice.advance(31 * 60_000);
  const late = await respond(String(app.received[1]?.form.get('response_url')), { text: 'late' });
  assert.deepEqual([late.status, await late.json()], [404, { ok: false, error: 'expired_url' }]);
  assert.equal((await respond(`${practice.url}/commands/T0PRACTICE/1/made-up`, { text: 'x' })).status, 404);
});

test('a trigger opens one view within 3 seconds; a push goes three deep', async (t) => {
  const { practice, app, emma, lena } = await start(t);
  const trigger = async () => {
    const count = app.received.length;
    await emma.types('/flink x', { channel: 'etl' });
    return String(app.received[count]?.form.get('trigger_id'));
  };
  const first = await trigger();
  assert.equal((await api(practice, 'views.open', { trigger_id: first, view: modal() })).ok, true);
  assert.equal((await api(practice, 'views.open', { trigger_id: first, view: modal() })).error, 'exchanged_trigger_id');
  const second = await trigger();
  practice.advance(3100);
  assert.equal((await api(practice, 'views.open', { trigger_id: second, view: modal() })).error, 'expired_trigger_id');
  assert.equal((await api(practice, 'views.push', { trigger_id: await trigger(), view: modal() })).error, 'not_found');

  const pushing = modal({ blocks: withButton('x') });
  let opened = (await api(practice, 'views.open', { trigger_id: await trigger(), view: pushing }))['view'] as { id: string; hash: string };
  for (const expected of [undefined, undefined, 'push_limit_reached']) {
    const count = app.received.length;
    await emma.clicksView(opened.id, 'go');
    const { trigger_id } = JSON.parse(app.received[count]?.form.get('payload') ?? '{}');
    const pushed = await api(practice, 'views.push', { trigger_id, view: pushing });
    assert.equal(pushed.error, expected);
    if (pushed.ok) opened = pushed['view'] as typeof opened;
  }
  assert.equal((await api(practice, 'views.update', { view_id: opened.id, hash: 'stale', view: modal() })).error, 'hash_conflict');
  assert.equal(
    (await api(practice, 'views.update', { view_id: opened.id, hash: opened.hash, view: modal({ title: plain('Now') }) })).ok,
    true,
  );
  assert.equal((await emma.seesModal('Now')).title, 'Now');
  await assert.rejects(lena.clicksView(opened.id, 'go'), /dialog is closed/);
});

test('a click carries the message; an ephemeral one carries none; the answer may replace or delete it', async (t) => {
  const { practice, app, emma } = await start(t);
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

test('events are tried again at once, after 1 and after 5 minutes, unless the app declines', async (t) => {
  const { practice, app, emma } = await start(t, {}, (_request, response, nth) => {
    if (nth > 4) response.setHeader('x-slack-no-retry', '1');
    response.writeHead(500).end();
  });
  await emma.says('@sluice hello', { channel: 'etl' });
  await app.until(2);
  practice.advance(60_000);
  await app.until(3);
  practice.advance(300_000);
  await app.until(4);
  practice.advance(3_600_000);
  assert.deepEqual(
    app.received.map((r) => r.headers['x-slack-retry-num']),
    [undefined, '1', '2', '3'],
  );
  assert.equal(app.received[1]?.headers['x-slack-retry-reason'], 'http_error');
  assert.equal(new Set(app.received.map((r) => JSON.parse(r.body).event_id)).size, 1);
  assert.equal(JSON.parse(app.received[0]?.body ?? '{}').event.text, '<@U0SLUICE> hello');

  await emma.says('@sluice again', { channel: 'etl' });
  await app.until(5);
  await emma.says('not for the app', { channel: 'etl' });
  await emma.says('@sluice nobody hears me here', { channel: 'general' });
  await emma.types('/flink x', { channel: 'etl' });
  await app.until(6);
  assert.equal(app.received[5]?.form.get('command'), '/flink');
});

test('a request URL is verified by its challenge', async (t) => {
  const { practice, app } = await start(t, {}, (request, response, nth) => {
    const { challenge } = JSON.parse(request.body);
    response.writeHead(200, { 'content-type': 'text/plain' }).end(nth === 1 ? challenge : 'no');
  });
  assert.equal(await practice.verifyRequestUrl(), true);
  assert.equal(await practice.verifyRequestUrl(), false);
  assert.equal(app.received.length, 2);
});

test('what the manifest does not declare does not work', async (t) => {
  const manifest = {
    features: { slash_commands: [{ command: '/other' }] },
    oauth_config: { scopes: { bot: ['commands', 'chat:write'] } },
    settings: { event_subscriptions: { bot_events: [] }, interactivity: { is_enabled: false } },
  };
  const { practice, app, emma } = await start(t, { manifest });
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /not a valid command/);
  await emma.says('@sluice hi', { channel: 'etl' });
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: withButton('b') });
  const pressed = await emma.clicks(await emma.sees('b', { since: 'start' }), 'Go');
  assert.equal((pressed['ack'] as { ok: boolean }).ok, false);
  assert.equal(app.received.length, 0);
});

test('the client waits for what comes after the last action, and says what it saw instead', async (t) => {
  const { practice, emma, lena } = await start(t);
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
