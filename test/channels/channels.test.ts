import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { Channels, channelKinds, placeholders } from '../../src/config/channels.ts';
import { messageToText } from '../../src/core/message.ts';
import { startReceiver } from './http-receiver.ts';
import { channelsOf, deliveryOf, incidentMessage, senderOf } from './rig.ts';

test('a channel is found by its kind and its configured name, and only so', async (t) => {
  const [one, two] = [await startReceiver(t), await startReceiver(t)];
  const channels = channelsOf({ one: { kind: 'webhook', url: one.url }, two: { kind: 'webhook', url: two.url } });
  assert.deepEqual(channels.list(), [
    { name: 'one', kind: 'webhook' },
    { name: 'two', kind: 'webhook' },
  ]);
  assert.deepEqual(channels.senders.map((sender) => sender.kind).sort(), Object.keys(channelKinds).sort());
  await senderOf(channels, 'webhook').post(deliveryOf('two', incidentMessage('firing')));
  assert.deepEqual([one.received.length, two.received.length], [0, 1]);
  assert.equal((await senderOf(channels, 'events').post(deliveryOf('two', incidentMessage('firing')))).is, 'refused');
});

test('pauses grow for each channel on its own, and begin anew once it worked', async (t) => {
  const [one, two] = [await startReceiver(t, { status: 500 }), await startReceiver(t, { status: 500 })];
  const sender = senderOf(channelsOf({ one: { kind: 'webhook', url: one.url }, two: { kind: 'webhook', url: two.url } }), 'webhook');
  const pauseOf = async (name: string) => {
    const result = await sender.post(deliveryOf(name, incidentMessage('firing')));
    return result.is === 'later' ? Math.round(result.afterMs / 30_000) : result.is;
  };
  assert.deepEqual([await pauseOf('one'), await pauseOf('one'), await pauseOf('one'), await pauseOf('two')], [1, 2, 4, 1]);
  one.reply = {};
  assert.equal(await pauseOf('one'), 'sent');
  one.reply = { status: 500 };
  assert.equal(await pauseOf('one'), 1);
});

test('a test message tells exactly what came back, and closes what it opened', async (t) => {
  const pager = await startReceiver(t, { status: 202, body: '{"status":"success"}' });
  const hook = await startReceiver(t, { status: 403, body: 'who are you?' });
  const channels = channelsOf(
    { pager: { kind: 'events', url: pager.url, routingKey: { env: 'KEY' } }, hook: { kind: 'webhook', url: hook.url } },
    { KEY: 'abcdef' },
  );
  const good = await channels.test('pager');
  assert.deepEqual(
    pager.received.map((got) => got.json['event_action']),
    ['trigger', 'resolve'],
  );
  assert.equal(new Set(pager.received.map((got) => got.json['dedup_key'])).size, 1);
  assert.match(pager.received[0]?.body ?? '', /"severity":"info"/);
  assert.match(
    messageToText(good.reply),
    /^The test message to pager was taken\nKind: events\nAnswer: HTTP 202: \{"status":"success"\}\nTook: /,
  );
  const bad = await channels.test('hook');
  assert.deepEqual(bad.result, { is: 'refused', reason: 'HTTP 403: who are you?', answer: 'HTTP 403: who are you?' });
  assert.equal(bad.reply.tone, 'bad');
  hook.reply = {};
  assert.equal((await channels.test('hook')).result.is, 'sent');
  assert.equal(hook.received.length, 2, 'once for each test');
  await assert.rejects(channels.test('pagr'), { code: 'not_found', hint: 'Did you mean pager?' });
});

test('settings that make no sense are refused', () => {
  const mail = { kind: 'email', host: 'smtp.example.com', from: 'a@example.com', to: ['b@example.com'] };
  const url = 'https://x.example/';
  const bad: Record<string, unknown> = {
    'no kind': { host: 'x' },
    'password without TLS': { ...mail, security: 'none', user: 'u', password: { env: 'P' } },
    'user without password': { ...mail, user: 'u' },
    'no recipient': { ...mail, to: [] },
    'a header in an address': { ...mail, to: ['b@example.com\nBcc: c@example.com'] },
    'two addresses in one': { ...mail, from: 'a@example.com, b@example.com' },
    'no address': { kind: 'webhook' },
    'two addresses': { kind: 'webhook', url, urlFrom: { env: 'U' } },
    'a password in the address': { kind: 'webhook', url: 'https://u:p@x.example/' },
    'an unknown placeholder': { kind: 'webhook', url, template: { a: ['{{ titel }}'] } },
    'a file as address': { kind: 'webhook', url: 'file:///etc/passwd' },
    'a secret itself': { kind: 'events', routingKey: 'R0UT1NG' },
    'markup for a user id': { kind: 'wecom', urlFrom: { env: 'U' }, mention: ['a> <@all'] },
    'markup for an open id': { kind: 'lark', urlFrom: { env: 'U' }, mention: ['all></at>'] },
  };
  for (const [what, settings] of Object.entries(bad)) assert.equal(Channels.safeParse({ it: settings }).success, false, what);
  assert.equal(Channels.safeParse({ 'Not A Name': mail }).success, false);
  assert.equal(Channels.safeParse({ mail }).success, true);
});

const docs = readFileSync(join(import.meta.dirname, '../../docs/channels.md'), 'utf8');

test('docs/channels.md names every key of every kind, and every placeholder', () => {
  for (const [kind, schema] of Object.entries(channelKinds)) {
    const section = docs.split(/^## /m).find((part) => part.includes(`\`kind: ${kind}\``));
    assert.ok(section, `a section of ${kind}`);
    for (const key of Object.keys(schema.shape)) assert.ok(section.includes(`\`${key}\``) || key === 'kind', `${kind}.${key}`);
  }
  for (const name of placeholders) assert.ok(docs.includes(`{{${name}}}`), name);
});

test('the YAML in docs/channels.md is valid', async () => {
  const { parse } = await import('yaml');
  const samples = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)]
    .map((match) => parse(match[1] ?? '') as { channels?: unknown })
    .filter((sample) => 'channels' in sample);
  assert.equal(samples.length, 5);
  for (const { channels } of samples) {
    const result = Channels.safeParse(channels);
    assert.ok(result.success, result.success ? '' : z.prettifyError(result.error));
  }
});

test('the code in docs/channels.md is the code that is tested', () => {
  const said = docs.replaceAll("'../src/", "'../../src/");
  for (const file of ['example-ntfy.ts', 'example-receiver.ts']) {
    const code = readFileSync(join(import.meta.dirname, file), 'utf8');
    assert.ok(said.includes(code.trim()), file);
  }
});
