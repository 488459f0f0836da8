import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, manifest, startHttpPractice } from '../rig.ts';

const source = 'docs.slack.dev/interactivity/implementing-shortcuts';
const acknowledge = { type: 'message', name: 'Acknowledge', callback_id: 'ack', description: 'Look after it' };
const payloadOf = (received: { form: URLSearchParams } | undefined) => JSON.parse(received?.form.get('payload') ?? '{}');

test(`message shortcuts: only those that the manifest declares, for messages (${source})`, async (t) => {
  const shortcuts = [acknowledge, { ...acknowledge, type: 'global', name: 'Anywhere', callback_id: 'any' }];
  const { app, emma } = await startHttpPractice(t, { manifest: manifest({ shortcuts }) });
  const message = await emma.says('hello', { channel: 'etl' });
  await assert.rejects(emma.shortcut(message, 'Resolve'), /no message shortcut Resolve/);
  await assert.rejects(emma.shortcut(message, 'any'), /no message shortcut any/);
  assert.equal(app.received.length, 0);
  await emma.shortcut(message, 'Acknowledge');
  const payload = payloadOf(app.received[0]);
  assert.deepEqual(
    [payload.type, payload.callback_id, payload.message_ts, payload.message.text, payload.channel.id, payload.user.id],
    ['message_action', 'ack', message.ts, 'hello', 'C0ETL', 'U0EMMA'],
  );
  assert.match(payload.response_url, /^http:\/\/127\.0\.0\.1/);
});

test(`message shortcuts: none on what only one person sees, none without the scope or interactivity (${source})`, async (t) => {
  const ok = await startHttpPractice(t, { manifest: manifest({ shortcuts: [acknowledge] }) });
  await api(ok.practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0EMMA', text: 'for emma' });
  await assert.rejects(ok.emma.shortcut(await ok.emma.sees('for emma', { since: 'start' }), 'Acknowledge'), /no menu/);
  assert.equal(ok.app.received.length, 0);
  const poor = await startHttpPractice(t, { manifest: manifest({ shortcuts: [acknowledge], scopes: ['chat:write'] }) });
  await assert.rejects(poor.emma.shortcut(await poor.emma.says('x', { channel: 'etl' }), 'ack'), /scope `commands`/);
  const off = await startHttpPractice(t, { manifest: manifest({ shortcuts: [acknowledge], interactivity: { is_enabled: false } }) });
  const used = await off.emma.shortcut(await off.emma.says('x', { channel: 'etl' }), 'ack');
  assert.equal((used['ack'] as { ok: boolean }).ok, false);
  assert.equal(poor.app.received.length + off.app.received.length, 0);
});

test('message shortcuts: their trigger lives 3 s and works once (docs.slack.dev/interactivity/handling-user-interaction#modal_responses)', async (t) => {
  const { practice, app, emma } = await startHttpPractice(t, { manifest: manifest({ shortcuts: [acknowledge] }) });
  const message = await emma.says('hello', { channel: 'etl' });
  const plain = (text: string) => ({ type: 'plain_text', text });
  const view = { type: 'modal', title: plain('Why'), blocks: [{ type: 'section', text: plain('x') }] };
  const open = async () => (await api(practice, 'views.open', { trigger_id: payloadOf(app.received.at(-1)).trigger_id, view })).error;
  await emma.shortcut(message, 'ack');
  assert.equal(await open(), undefined);
  assert.equal(await open(), 'exchanged_trigger_id');
  await emma.shortcut(message, 'ack');
  practice.advance(3001);
  assert.equal(await open(), 'expired_trigger_id');
});
