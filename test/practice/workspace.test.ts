import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { connectPractice } from '../../src/practice/client.ts';
import { createPractice } from '../../src/practice/server.ts';
import { api, atEnd, botToken, signingSecret, startBareApp, startPractice } from './rig.ts';

test('a person the bot has never written to gets a direct message channel', async (t) => {
  const practice = await startPractice(t);
  const opened = await api(practice, 'conversations.open', { users: 'U0LENA' });
  const id = (opened['channel'] as { id: string }).id;
  assert.match(id, /^D/);
  assert.equal((await api(practice, 'chat.postMessage', { channel: 'U0LENA', text: 'hi' }))['channel'], id);
  const people = connectPractice(practice.url);
  atEnd(t, () => people.close());
  assert.equal((await people.as('lena').history('dm')).length, 1);
  await assert.rejects(people.as('emma').history(id), /sees no channel/);
});

test('a restart keeps messages, memberships and the clock', async (t) => {
  const folder = await mkdtemp(`${tmpdir()}/practice-`);
  atEnd(t, () => rm(folder, { recursive: true }));
  const dataFile = `${folder}/workspace.json`;
  const before = await createPractice({ port: 0, botToken, signingSecret, transport: 'http', dataFile });
  const posted = await api(before, 'chat.postMessage', { channel: 'C0ETL', text: 'kept' });
  before.advance(31 * 60_000);
  await before.close();
  const after = await startPractice(t, { dataFile });
  assert.equal(after.messages('etl')[0]?.text, 'kept');
  const next = await api(after, 'chat.postMessage', { channel: 'C0ETL', text: 'next' });
  assert.ok(Number(next['ts']) - Number(posted['ts']) > 31 * 60 - 1);
});

test('the journal keeps what went over the wire, without tokens', async (t) => {
  const practice = await startPractice(t);
  await startBareApp(t, practice);
  await api(practice, 'chat.postMessage', { token: botToken, channel: 'C0ETL', text: 'x' });
  await api(practice, 'chat.postMessage', { channel: 'C9', text: 'x' });
  const entries = practice.journal();
  assert.deepEqual(
    entries.map((e) => [e.what, e.status, e.refused]),
    [
      ['chat.postMessage', 'ok', false],
      ['chat.postMessage', 'channel_not_found', true],
    ],
  );
  assert.ok(!JSON.stringify(entries).includes(botToken));
});

test('all of it can be exported as JSON: people, messages, requests, no tokens', async (t) => {
  const practice = await startPractice(t);
  const people = connectPractice(practice.url);
  atEnd(t, () => people.close());
  await people.as('emma').says('for the report', { channel: 'etl' });
  await api(practice, 'chat.postMessage', { channel: 'C9', text: 'x' });
  const all = (await people.export()) as { workspace: { messages: Record<string, { text: string }[]> }; journal: { status: string }[] };
  assert.equal(all.workspace.messages['C0ETL']?.[0]?.text, 'for the report');
  assert.equal(all.journal.at(-1)?.status, 'channel_not_found');
  assert.ok(!JSON.stringify(all).includes(botToken));
});
