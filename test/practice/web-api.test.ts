import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectPractice } from '../../src/practice/client.ts';
import { createPractice } from '../../src/practice/server.ts';
import { api, appToken, atEnd, botToken, modal, plain, rawApi, section, signingSecret, startBareApp, startPractice } from './rig.ts';

const many = (n: number, text = 'x') => Array.from({ length: n }, () => section(text));
const private1 = {
  team: { id: 'T1', name: 'T', domain: 't' },
  appUserId: 'UBOT',
  people: [
    { id: 'UBOT', name: 'bot', realName: 'Bot', bot: { botId: 'B1', appId: 'A1' } },
    { id: 'U1', name: 'ann', realName: 'Ann' },
  ],
  channels: [
    { id: 'C1', name: 'in', members: ['UBOT', 'U1'] },
    { id: 'C2', name: 'out', members: ['U1'] },
    { id: 'C3', name: 'old', archived: true, members: ['UBOT', 'U1'] },
    { id: 'C4', name: 'secret', private: true, members: ['U1'] },
  ],
  groups: [],
};
const scoped = (bot: string[]) => ({ oauth_config: { scopes: { bot } }, features: { app_home: { home_tab_enabled: true } } });

/** What real Slack refuses (slack.md 1.1, 1.2, 1.3, 4.3): method, arguments, error, token. */
const refused: [string, string, Record<string, unknown>, string, string?][] = [
  ['no token', 'auth.test', {}, 'not_authed', ''],
  ['a wrong token', 'auth.test', {}, 'invalid_auth', 'xoxb-other'],
  ['an app token for a bot method', 'auth.test', {}, 'not_allowed_token_type', appToken],
  ['a bot token for apps.connections.open', 'apps.connections.open', {}, 'not_allowed_token_type'],
  ['an unknown method', 'chat.nothing', {}, 'unknown_method'],
  ['no channel', 'chat.postMessage', { text: 'x' }, 'invalid_arguments'],
  ['an unknown channel', 'chat.postMessage', { channel: 'C9', text: 'x' }, 'channel_not_found'],
  ['a private channel without the bot', 'chat.postMessage', { channel: 'C4', text: 'x' }, 'channel_not_found'],
  ['a public channel without the bot and chat:write.public', 'chat.postMessage', { channel: 'C2', text: 'x' }, 'not_in_channel'],
  ['an archived channel', 'chat.postMessage', { channel: 'C3', text: 'x' }, 'is_archived'],
  ['nothing to show', 'chat.postMessage', { channel: 'C1' }, 'no_text'],
  ['blocks that are no JSON', 'chat.postMessage', { channel: 'C1', blocks: '[{' }, 'invalid_blocks_format'],
  ['51 blocks', 'chat.postMessage', { channel: 'C1', text: 'x', blocks: many(51) }, 'invalid_blocks'],
  ['an unknown block type', 'chat.postMessage', { channel: 'C1', text: 'x', blocks: [{ type: 'fancy' }] }, 'invalid_blocks'],
  [
    'more text in blocks than Slack takes',
    'chat.postMessage',
    { channel: 'C1', text: 'x', blocks: many(10, 'y'.repeat(1200)) },
    'msg_blocks_too_long',
  ],
  [
    'metadata without an event type',
    'chat.postMessage',
    { channel: 'C1', text: 'x', metadata: { event_payload: {} } },
    'invalid_metadata_schema',
  ],
  ['a thread that is not there', 'chat.postMessage', { channel: 'C1', text: 'x', thread_ts: '1700000000.000001' }, 'thread_not_found'],
  ['a malformed timestamp', 'chat.update', { channel: 'C1', ts: '12', text: 'x' }, 'invalid_arguments'],
  ['an update of a message that is not there', 'chat.update', { channel: 'C1', ts: '1700000000.000001', text: 'x' }, 'message_not_found'],
  ['a delete of a message that is not there', 'chat.delete', { channel: 'C1', ts: '1700000000.000001' }, 'message_not_found'],
  ['an ephemeral message to nobody', 'chat.postEphemeral', { channel: 'C1', text: 'x', user: 'U9' }, 'user_not_found'],
  ['an ephemeral message where the bot is not', 'chat.postEphemeral', { channel: 'C2', text: 'x', user: 'U1' }, 'not_in_channel'],
  ['history of a channel without the bot', 'conversations.history', { channel: 'C2' }, 'not_in_channel'],
  ['replies of no thread', 'conversations.replies', { channel: 'C1', ts: '1700000000.000001' }, 'thread_not_found'],
  ['a missing scope', 'usergroups.list', {}, 'missing_scope'],
  ['a missing scope of a channel kind', 'conversations.info', { channel: 'C1' }, 'missing_scope'],
  ['an unknown person', 'users.info', { user: 'U9' }, 'user_not_found'],
  ['a direct message to the app itself', 'conversations.open', { users: 'UBOT' }, 'cannot_dm_bot'],
  ['a made-up trigger', 'views.open', { trigger_id: '1.2.abc', view: modal() }, 'invalid_trigger_id'],
  [
    'a modal title of 25 characters',
    'views.open',
    { trigger_id: '1.2.abc', view: modal({ title: plain('x'.repeat(25)) }) },
    'invalid_arguments',
  ],
  ['an update of no view', 'views.update', { view_id: 'V1', view: modal() }, 'not_found'],
  ['a stale hash', 'views.publish', { user_id: 'U1', view: { type: 'home', blocks: [section('x')] }, hash: 'old' }, 'hash_conflict'],
  ['a permalink of no message', 'chat.getPermalink', { channel: 'C1', message_ts: '1700000000.000001' }, 'message_not_found'],
];

test('the Web API refuses what Slack refuses, by its error names', async (t) => {
  const manifest = scoped(['chat:write', 'users:read', 'im:write', 'channels:history', 'groups:history']);
  const practice = await startPractice(t, { workspace: private1, manifest, limits: 'off' });
  for (const [what, method, args, error, token] of refused) {
    const answer = await api(practice, method, args, token);
    assert.equal(answer.ok, false, what);
    assert.equal(answer.error, error, what);
  }
  assert.equal(practice.messages('in').length, 0);
});

test('a refusal of blocks says where and why', async (t) => {
  const practice = await startPractice(t);
  const answer = await api(practice, 'chat.postMessage', {
    channel: 'C0ETL',
    text: 'x',
    blocks: [section(''), { type: 'divider', color: 'red' }],
  });
  assert.deepEqual(answer['response_metadata'], {
    messages: [
      '[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]',
      '[ERROR] invalid additional property: color [json-pointer:/blocks/1]',
    ],
  });
  assert.equal((await api(practice, 'blocks.validate', { blocks: [section('fine')] }, '')).ok, true);
  const verdict = await api(practice, 'blocks.validate', { blocks: many(51) }, '');
  assert.deepEqual(verdict['errors'], [{ code: 'too_many', message: 'no more than 50 items allowed', pointer: '/blocks', constraint: 50 }]);
});

test('messages: own ones only are updated, ts grows, metadata is shown on request, ephemeral ones are in no history', async (t) => {
  const practice = await startPractice(t, { limits: 'off' });
  const people = connectPractice(practice.url);
  atEnd(t, () => people.close());
  const metadata = { event_type: 'sluice', event_payload: { id: '1' } };
  const first = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: '{not json', metadata });
  const second = await api(practice, 'chat.postMessage', { channel: '#etl', text: 'b', thread_ts: String(first['ts']) });
  assert.ok(Number(second['ts']) > Number(first['ts']));
  assert.match(String(first['ts']), /^\d{10}\.\d{6}$/);
  const hers = await people.as('emma').says('hello', { channel: 'etl' });
  assert.equal((await api(practice, 'chat.update', { channel: 'C0ETL', ts: hers.ts, text: 'x' })).error, 'cant_update_message');
  assert.equal((await api(practice, 'chat.delete', { channel: 'C0ETL', ts: hers.ts })).error, 'cant_delete_message');
  assert.equal(
    (await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', thread_ts: String(second['ts']) })).error,
    'cannot_reply_to_message',
  );
  assert.equal(
    (await api(practice, 'chat.update', { channel: 'C0ETL', ts: String(first['ts']), text: 'y'.repeat(4001) })).error,
    'msg_too_long',
  );
  assert.equal((await api(practice, 'chat.update', { channel: 'C0ETL', ts: String(first['ts']), text: 'edited' })).ok, true);
  const only = await api(practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0EMMA', text: 'secret' });
  assert.equal(
    (await api(practice, 'chat.update', { channel: 'C0ETL', ts: String(only['message_ts']), text: 'x' })).error,
    'message_not_found',
  );

  const history = (await api(practice, 'conversations.history', { channel: 'C0ETL' }))['messages'] as Record<string, unknown>[];
  assert.deepEqual(
    history.map((m) => m['text']),
    ['hello', 'edited'],
  );
  assert.equal(history[1]?.['metadata'], undefined);
  assert.equal(history[1]?.['reply_count'], 1);
  const full = (await api(practice, 'conversations.replies', { channel: 'C0ETL', ts: String(first['ts']), include_all_metadata: true }))[
    'messages'
  ] as Record<string, unknown>[];
  assert.deepEqual(
    full.map((m) => m['text']),
    ['edited', 'b'],
  );
  assert.deepEqual(full[0]?.['metadata'], metadata);
  assert.ok((await people.as('emma').history('etl')).some((m) => m.text === 'secret'));
  assert.ok(!(await people.as('lena').history('etl')).some((m) => m.text === 'secret'));
});

test('form, JSON and multipart bodies are the same; a token in the form counts', async (t) => {
  const practice = await startPractice(t);
  const blocks = [section('x')];
  const json = await fetch(`${practice.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${botToken}` },
    body: JSON.stringify({ channel: 'C0ETL', text: 'json', blocks }),
  });
  assert.equal(((await json.json()) as { ok: boolean }).ok, true);
  const form = new FormData();
  for (const [k, v] of Object.entries({ token: botToken, channel: 'C0ETL', text: 'multipart', blocks: JSON.stringify(blocks) }))
    form.set(k, v);
  assert.equal(
    ((await (await fetch(`${practice.apiUrl}chat.postMessage`, { method: 'POST', body: form })).json()) as { ok: boolean }).ok,
    true,
  );
  const broken = await fetch(`${practice.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  });
  assert.equal(((await broken.json()) as { error: string }).error, 'invalid_json');
  assert.deepEqual(
    practice.messages('etl').map((m) => [m.text, m.blocks?.length]),
    [
      ['json', 1],
      ['multipart', 1],
    ],
  );
});

test('about one post a second and channel passes, then 429 with Retry-After; the clock refills', async (t) => {
  const practice = await startPractice(t);
  const post = (channel: string) => rawApi(practice, 'chat.postMessage', { channel, text: 'x' });
  for (let i = 0; i < 5; i++) assert.equal((await post('C0ETL')).status, 200);
  const limited = await post('C0ETL');
  assert.equal(limited.status, 429);
  assert.equal(limited.headers.get('retry-after'), '1');
  assert.deepEqual(await limited.json(), { ok: false, error: 'ratelimited' });
  assert.equal((await post('C0ALERTS')).status, 200);
  practice.advance(1000);
  assert.equal((await post('C0ETL')).status, 200);
});

test('faults: 429 for the next posts, a lost answer, server errors, an outage, a revoked token', async (t) => {
  const practice = await startPractice(t, { limits: 'off' });
  const post = () => rawApi(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x' });
  practice.faults({ rateLimitNext: 1, retryAfterS: 7 });
  assert.equal((await post()).headers.get('retry-after'), '7');
  assert.equal((await post()).status, 200);
  practice.faults({ dropAfterAcceptNext: 1 });
  await assert.rejects(post());
  assert.equal(practice.messages('etl').length, 2, 'the post whose answer was lost is there');
  practice.faults({ serverErrorNext: 1 });
  assert.equal((await post()).status, 503);
  practice.faults({ outage: true });
  await assert.rejects(post());
  practice.faults({ outage: false, tokenRevoked: true });
  assert.equal(((await (await post()).json()) as { error: string }).error, 'token_revoked');
});

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

test('user groups and people are listed', async (t) => {
  const practice = await startPractice(t);
  assert.deepEqual((await api(practice, 'usergroups.users.list', { usergroup: 'S0LEADS' }))['users'], ['U0LENA', 'U0LARS']);
  const user = (await api(practice, 'users.info', { user: 'U0OTTO' }))['user'] as Record<string, unknown>;
  assert.equal(user['name'], 'otto');
  assert.equal(user['is_bot'], false);
  const first = await api(practice, 'users.list', { limit: 4 });
  const cursor = (first['response_metadata'] as { next_cursor: string }).next_cursor;
  const rest = await api(practice, 'users.list', { limit: 4, cursor });
  const seen = [...(first['members'] as { name: string }[]), ...(rest['members'] as { name: string }[])].map((m) => m.name);
  assert.deepEqual(seen.sort(), ['emma', 'erik', 'lars', 'lena', 'omar', 'otto', 'sluice']);
});

test('it starts on loopback only, never in production, and lets no other site in', async (t) => {
  const options = { port: 0, botToken, signingSecret, transport: 'http' } as const;
  await assert.rejects(createPractice({ ...options, host: '0.0.0.0' }), /loopback/);
  await assert.rejects(createPractice({ ...options, nodeEnv: 'production' }), /production/);
  const practice = await startPractice(t);
  const foreign = await fetch(`${practice.url}/practice/say`, { method: 'POST', headers: { origin: 'https://evil.example' }, body: '{}' });
  assert.equal(foreign.status, 403);
});

test('a restart keeps messages, memberships and the clock', async (t) => {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
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
