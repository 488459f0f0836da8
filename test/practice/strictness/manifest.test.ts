import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, manifest, startHttpPractice, startPractice, withButton } from '../rig.ts';

const source = 'docs.slack.dev/reference/app-manifest';

test(`manifest: a command that is not declared does not exist (${source}#features)`, async (t) => {
  const { app, emma } = await startHttpPractice(t, { manifest: manifest({ commands: [{ command: '/other' }] }) });
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /not a valid command/);
  assert.equal(app.received.length, 0);
});

test(`manifest: commands need the scope "commands" (docs.slack.dev/reference/scopes/commands)`, async (t) => {
  const { app, emma } = await startHttpPractice(t, { manifest: manifest({ scopes: ['chat:write'] }) });
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /lacks the scope/);
  assert.equal(app.received.length, 0);
});

test(`manifest: an event that is not subscribed to, or without its scope, is not sent (${source}#settings)`, async (t) => {
  for (const parts of [{ events: [] }, { events: ['app_mention'], scopes: ['commands', 'chat:write'] }]) {
    const { app, emma } = await startHttpPractice(t, { manifest: manifest(parts) });
    await emma.says('@sluice hi', { channel: 'etl' });
    await emma.types('/flink next', { channel: 'etl' });
    assert.equal(app.received[0]?.form.get('text'), 'next');
  }
});

test(`manifest: without interactivity no click arrives (${source}#settings)`, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t, { manifest: manifest({ interactivity: { is_enabled: false } }) });
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: withButton('b') });
  const pressed = await emma.clicks(await emma.sees('b', { since: 'start' }), 'Go');
  assert.equal((pressed['ack'] as { ok: boolean }).ok, false);
  assert.equal(app.received.length, 0);
});

test(`manifest: each kind goes to its own address, at the origin where the app listens (${source})`, async (t) => {
  const declared = manifest({
    commands: [{ command: '/flink', url: 'https://bot.example.com/commands' }],
    interactivity: { is_enabled: true, request_url: 'https://bot.example.com/clicks' },
  });
  declared.settings.event_subscriptions = { ...declared.settings.event_subscriptions, request_url: 'https://bot.example.com/events' };
  const { practice, app, emma } = await startHttpPractice(t, { manifest: declared });
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: withButton('b') });
  await emma.types('/flink x', { channel: 'etl' });
  await emma.clicks(await emma.sees('b', { since: 'start' }), 'Go');
  await emma.says('@sluice hi', { channel: 'etl' });
  await app.until(3);
  assert.deepEqual(
    app.received.map((r) => r.path),
    ['/commands', '/clicks', '/events'],
  );
});

test(`manifest: without message_menu_options_url an external select stays empty (${source}#settings)`, async (t) => {
  const select = { type: 'actions', elements: [{ type: 'external_select', action_id: 's', min_query_length: 0 }] };
  for (const options of [undefined, 'http://127.0.0.1/slack/events']) {
    const interactivity = {
      is_enabled: true,
      request_url: 'http://127.0.0.1/slack/events',
      ...(options ? { message_menu_options_url: options } : {}),
    };
    const { practice, app, emma } = await startHttpPractice(t, { manifest: manifest({ interactivity }) }, (_request, response) => {
      const answer = { options: [{ text: { type: 'plain_text', text: 'etl' }, value: 'etl' }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: [...withButton('b'), select] });
    const shown = await emma.options(await emma.sees('b', { since: 'start' }), 's', '');
    assert.deepEqual([shown.length, app.received.length], options ? [1, 1] : [0, 0]);
  }
});

const refused: [what: string, change: (m: ReturnType<typeof manifest>) => object, problem: RegExp][] = [
  [
    'a name of 36 characters',
    (m) => ({ ...m, display_information: { name: 'x'.repeat(36) } }),
    /display_information.name has more than 35/,
  ],
  ['no name', (m) => ({ ...m, display_information: {} }), /display_information.name is missing/],
  ['51 commands', () => manifest({ commands: Array.from({ length: 51 }, (_, i) => ({ command: `/c${i}` })) }), /more than 50 entries/],
  ['a command of 33 characters', () => manifest({ commands: [{ command: `/${'x'.repeat(32)}` }] }), /command has more than 32/],
  ['a command without its slash', () => manifest({ commands: [{ command: 'flink' }] }), /begins with a slash/],
  ['a usage hint of 1001 characters', () => manifest({ commands: [{ command: '/flink', usage_hint: 'x'.repeat(1001) }] }), /usage_hint/],
  ['a command without an address', () => manifest({ commands: [{ command: '/flink', url: undefined }] }), /url is missing/],
  ['interactivity without an address', () => manifest({ interactivity: { is_enabled: true } }), /interactivity.request_url is missing/],
  ['Socket Mode, for an app that is reached over HTTP', () => manifest({ socket: true }), /url is missing|socket_mode_enabled/],
  [
    'a shortcut name of 25 characters',
    () => manifest({ shortcuts: [{ type: 'message', callback_id: 'c', name: 'x'.repeat(25) }] }),
    /name has/,
  ],
  ['an unknown setting', (m) => ({ ...m, settings: { ...m.settings, socket_mode: true } }), /settings.socket_mode is not known/],
];
for (const [what, change, problem] of refused) {
  test(`manifest: ${what} is refused at the start (${source}; slack.md 1.2)`, async (t) => {
    await assert.rejects(startPractice(t, { manifest: change(manifest()) }), problem);
  });
}
