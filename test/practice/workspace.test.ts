import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { connectPractice } from '../../src/practice/client.ts';
import type { Faults } from '../../src/practice/faults.ts';
import type { Intervention, JournalEntry } from '../../src/practice/journal.ts';
import { createPractice } from '../../src/practice/server.ts';
import type { WorkspaceState } from '../../src/practice/workspace.ts';
import { api, appToken, atEnd, botToken, modal, section, signingSecret, startBareApp, startHttpPractice, startPractice } from './rig.ts';

/** What GET /practice/export answers. */
interface Exported {
  clock: { now: number; offsetMs: number };
  app: { name: string; scopes: string[] };
  faults: Faults;
  interventions: Intervention[];
  workspace: WorkspaceState;
  journal: JournalEntry[];
  journalDropped: number;
}

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

test('all of it can be exported as JSON: people, messages, forms, requests with answers and acknowledgements, faults, clock; no tokens', async (t) => {
  const { practice, app, people, emma } = await startHttpPractice(t, { appToken });
  await emma.says('for the report, with xoxb-1234-pasted and password=hunter2', { channel: 'etl' });
  await api(practice, 'chat.postMessage', { channel: 'C9', text: 'x' });
  await emma.types('/flink x', { channel: 'etl' });
  await api(practice, 'views.open', { trigger_id: app.received[0]?.form.get('trigger_id'), view: modal() });
  await api(practice, 'views.publish', { user_id: 'U0LENA', view: { type: 'home', blocks: [section('home of lena')] } });
  await people.control('faults', { rateLimitNext: 2, retryAfterS: 3 });
  practice.faults({ slowAckMs: 10 });
  await people.control('clock', { advanceMs: 60_000 });
  await people.control('channels', { channel: 'flink-alerts', kickBot: true });
  const all = (await people.export()) as unknown as Exported;
  assert.match(all.workspace.messages['C0ETL']?.[0]?.text ?? '', /^for the report/);
  assert.deepEqual([Object.keys(all.workspace.views).length, Object.keys(all.workspace.homes)], [1, ['U0LENA']]);
  assert.deepEqual(
    all.journal.map((e) => [e.direction, e.what, e.status]),
    [
      ['in', 'chat.postMessage', 'channel_not_found'],
      ['out', 'slash command /flink', '200'],
      ['in', 'views.open', 'ok'],
      ['in', 'views.publish', 'ok'],
    ],
  );
  assert.ok(all.journal.every((e) => e.request !== undefined && e.durationMs >= 0 && e.at > 0));
  assert.deepEqual([all.faults.rateLimitNext, all.faults.retryAfterS, all.faults.slowAckMs], [2, 3, 10]);
  assert.deepEqual(
    all.interventions.map((i) => [i.what, i.change]),
    [
      ['faults', { rateLimitNext: 2, retryAfterS: 3 }],
      ['faults', { slowAckMs: 10 }],
      ['clock', { advanceMs: 60_000 }],
      ['channels', { channel: 'flink-alerts', kickBot: true }],
    ],
  );
  assert.equal(all.clock.offsetMs, 60_000);
  assert.ok(Math.abs(all.clock.now - Date.now() - 60_000) < 5000);
  assert.deepEqual([all.app.name, all.app.scopes.includes('chat:write'), all.journalDropped], ['Sluice', true, 0]);
  const text = JSON.stringify(all);
  for (const secret of [botToken, appToken, signingSecret, 'xoxb-1234-pasted', 'hunter2']) assert.ok(!text.includes(secret), secret);
});

test('a file that was exported can be opened again: the workspace is as it was', async (t) => {
  const folder = await mkdtemp(`${tmpdir()}/practice-`);
  atEnd(t, () => rm(folder, { recursive: true }));
  const { practice, people, emma, lena } = await startHttpPractice(t);
  await emma.says('first', { channel: 'etl' });
  await lena.says('second', { channel: 'etl' });
  practice.advance(31 * 60_000);
  const file = `${folder}/exported.json`;
  await writeFile(file, JSON.stringify(await people.export()));
  const again = await startPractice(t, { dataFile: file });
  assert.deepEqual(again.messages('etl'), practice.messages('etl'));
  const opened = connectPractice(again.url);
  atEnd(t, () => opened.close());
  assert.equal(((await opened.export()) as unknown as Exported).clock.offsetMs, 31 * 60_000);
});

test('an export says how many of the oldest requests are not in it', async (t) => {
  const { practice, people } = await startHttpPractice(t);
  for (let i = 0; i < 503; i++) await api(practice, 'auth.test');
  const all = (await people.export()) as unknown as Exported;
  assert.deepEqual([all.journal.length, all.journalDropped, all.journal[0]?.id], [500, 3, 4]);
});

test('the export has no ticket with which somebody else could connect as the app', async (t) => {
  const practice = await startPractice(t, { transport: 'socket', appToken });
  const people = connectPractice(practice.url);
  atEnd(t, () => people.close());
  const opened = await api(practice, 'apps.connections.open', {}, appToken);
  const ticket = new URL(String(opened['url'])).searchParams.get('ticket') ?? '';
  assert.ok(ticket.length > 20);
  assert.ok(!JSON.stringify(await people.export()).includes(ticket));
});

test('what is moved by the clock alone survives a restart too', async (t) => {
  const folder = await mkdtemp(`${tmpdir()}/practice-`);
  atEnd(t, () => rm(folder, { recursive: true }));
  const dataFile = `${folder}/workspace.json`;
  const before = await createPractice({ port: 0, botToken, signingSecret, transport: 'http', dataFile });
  before.advance(3_600_000);
  await before.close();
  const after = await startPractice(t, { dataFile });
  const posted = await api(after, 'chat.postMessage', { channel: 'C0ETL', text: 'later' });
  assert.ok(Number(posted['ts']) * 1000 - Date.now() > 3_590_000);
});
