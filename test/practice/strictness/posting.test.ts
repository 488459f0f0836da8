import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, fourChannels, manifest, refuses, startHttpPractice, startPractice } from '../rig.ts';

const post = 'docs.slack.dev/reference/methods/chat.postMessage';
const update = 'docs.slack.dev/reference/methods/chat.update';

test(`no_text: a message without text, blocks or attachments is refused (${post})`, async (t) => {
  const practice = await startPractice(t);
  for (const args of [{}, { text: '' }, { blocks: [] }, { text: '', attachments: [] }])
    await refuses(practice, 'chat.postMessage', { channel: 'C0ETL', ...args }, 'no_text');
});

test(`text: chat.postMessage cuts a text at 40,000 characters, chat.update refuses one over 4,000 (slack.md 1.2)`, async (t) => {
  const practice = await startPractice(t);
  const { ts } = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x'.repeat(40_001) });
  assert.equal(practice.messages('etl')[0]?.text.length, 40_000);
  await refuses(practice, 'chat.update', { channel: 'C0ETL', ts, text: 'y'.repeat(4001) }, 'msg_too_long');
});

test(`not_in_channel: a public channel needs an invitation or chat:write.public (docs.slack.dev/reference/scopes/chat.write.public)`, async (t) => {
  const invited = await startPractice(t, { workspace: fourChannels, manifest: manifest({ scopes: ['chat:write'] }) });
  await refuses(invited, 'chat.postMessage', { channel: 'C2', text: 'x' }, 'not_in_channel');
  const anywhere = await startPractice(t, { workspace: fourChannels, manifest: manifest({ scopes: ['chat:write', 'chat:write.public'] }) });
  assert.equal((await api(anywhere, 'chat.postMessage', { channel: 'C2', text: 'x' })).ok, true);
  await refuses(anywhere, 'chat.postMessage', { channel: 'C4', text: 'x' }, 'channel_not_found');
});

test(`is_archived: nothing is posted, edited or deleted in an archived channel (${post})`, async (t) => {
  const { practice, people } = await startHttpPractice(t);
  const { ts } = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'before' });
  await people.control('channels', { channel: 'etl', archived: true });
  await refuses(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x' }, 'is_archived');
  await refuses(practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0EMMA', text: 'x' }, 'is_archived');
  await refuses(practice, 'chat.update', { channel: 'C0ETL', ts, text: 'x' }, 'is_archived');
});

test(`cant_update_message: the bot edits and deletes its own messages only (${update})`, async (t) => {
  const { practice, emma } = await startHttpPractice(t);
  const { ts } = await emma.says('hers', { channel: 'etl' });
  await refuses(practice, 'chat.update', { channel: 'C0ETL', ts, text: 'x' }, 'cant_update_message');
  await refuses(practice, 'chat.delete', { channel: 'C0ETL', ts }, 'cant_delete_message');
  assert.equal(practice.messages('etl')[0]?.text, 'hers');
});

test(`message_not_found: what is not there, and what only one person sees, cannot be edited (${update})`, async (t) => {
  const practice = await startPractice(t);
  const only = await api(practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0EMMA', text: 'x' });
  for (const ts of ['1700000000.000001', only['message_ts']]) {
    await refuses(practice, 'chat.update', { channel: 'C0ETL', ts, text: 'x' }, 'message_not_found');
    await refuses(practice, 'chat.delete', { channel: 'C0ETL', ts }, 'message_not_found');
  }
});

test('ts: a string of ten and six digits that grows, also within one millisecond (docs.slack.dev/messaging/retrieving-messages)', async (t) => {
  const practice = await startPractice(t, { limits: 'off' });
  const answers = await Promise.all(Array.from({ length: 50 }, () => api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x' })));
  assert.ok(answers.every((a) => typeof a['ts'] === 'string' && /^\d{10}\.\d{6}$/.test(a['ts'])));
  const kept = practice.messages('etl').map((m) => m.ts);
  assert.deepEqual(kept, [...new Set(kept)].sort());
  await refuses(practice, 'chat.update', { channel: 'C0ETL', ts: Number(kept[0]).toFixed(1), text: 'x' }, 'invalid_arguments');
});

test('ephemeral: a message to one person is in no history and in no thread (docs.slack.dev/reference/methods/chat.postEphemeral)', async (t) => {
  const { practice, emma, lena } = await startHttpPractice(t);
  const { ts } = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'root' });
  for (const thread of [{}, { thread_ts: ts }])
    await api(practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0EMMA', text: 'psst', ...thread });
  const texts = async (method: string, args: object) =>
    ((await api(practice, method, { channel: 'C0ETL', ...args }))['messages'] as { text: string }[]).map((m) => m.text);
  assert.deepEqual(await texts('conversations.history', {}), ['root']);
  assert.deepEqual(await texts('conversations.replies', { ts }), ['root']);
  assert.equal((await emma.history('etl')).filter((m) => m.text === 'psst').length, 2);
  assert.equal((await lena.history('etl')).filter((m) => m.text === 'psst').length, 0);
});

test('metadata: shown with include_all_metadata only, refused without an event type (docs.slack.dev/messaging/message-metadata)', async (t) => {
  const practice = await startPractice(t);
  const metadata = { event_type: 'sluice_message', event_payload: { id: 'm1' } };
  const { ts } = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', metadata });
  const read = async (method: string, args: object) =>
    ((await api(practice, method, { channel: 'C0ETL', ...args }))['messages'] as { metadata?: object }[])[0]?.metadata;
  assert.equal(await read('conversations.history', {}), undefined);
  assert.deepEqual(await read('conversations.history', { include_all_metadata: true }), metadata);
  assert.deepEqual(await read('conversations.replies', { ts, include_all_metadata: true }), metadata);
  await refuses(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', metadata: { event_payload: {} } }, 'invalid_metadata_schema');
  await refuses(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', metadata: '{' }, 'invalid_metadata_format');
});
