import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, startHttpPractice } from '../rig.ts';

test('threads: a slash command is refused in a thread and does not reach the app (docs.slack.dev/interactivity/implementing-slash-commands#use_in_threads)', async (t) => {
  const { practice, app, emma } = await startHttpPractice(t);
  const { ts } = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'root' });
  const answer = await emma.says('/flink status', { channel: 'etl', thread: String(ts) });
  assert.equal(answer.text, '/flink is not supported in threads. Sorry!');
  assert.ok(answer.ephemeral && answer.threadTs === ts);
  assert.equal(app.received.length, 0);
});

test('threads: an ephemeral message has none, and a reply is no root (slack.md 1.3)', async (t) => {
  const { practice, emma } = await startHttpPractice(t);
  const only = await api(practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0EMMA', text: 'psst' });
  await assert.rejects(emma.says('reply', { channel: 'etl', thread: String(only['message_ts']) }), /has no thread/);
  const root = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'root' });
  const reply = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'reply', thread_ts: root['ts'] });
  const below = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', thread_ts: reply['ts'] });
  assert.equal(below.error, 'cannot_reply_to_message');
});
