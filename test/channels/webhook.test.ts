import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { text } from '../../src/core/message.ts';
import type { Sender } from '../../src/outbox/sender.ts';
import { anyMessage } from '../slack/any-message.ts';
import { isFromSluice } from './example-receiver.ts';
import { type Receiver, type Reply, startReceiver } from './http-receiver.ts';
import { channelsOf, deliveryOf, incidentMessage, senderOf } from './rig.ts';

const at = Date.parse('2026-11-26T10:00:00Z');
async function rig(t: TestContext, change: Record<string, unknown> = {}, reply?: Reply): Promise<{ receiver: Receiver; sender: Sender }> {
  const receiver = await startReceiver(t, reply);
  const hook = { kind: 'webhook', url: `${receiver.url}/in`, timeout: '2s', ...change };
  const env = {
    HOOK_SECRET: 'shared-secret-of-the-hook',
    HOOK_AUTH: 'Bearer abcdefgh12345',
    HOOK_URL: `${receiver.url}/in/9f8e7d6c5b4a39281706?token=t0ps3cret`,
  };
  return { receiver, sender: senderOf(channelsOf({ hook }, env, { now: () => at }), 'webhook') };
}

test('a message is posted as signed JSON with everything in it', async (t) => {
  const { receiver, sender } = await rig(t, { secret: { env: 'HOOK_SECRET' }, authorization: { env: 'HOOK_AUTH' } });
  const result = await sender.post(deliveryOf('hook', incidentMessage('firing')));
  assert.equal(result.is, 'sent');
  const [got] = receiver.received;
  assert.ok(got);
  assert.equal(got.headers['content-type'], 'application/json; charset=utf-8');
  assert.equal(got.headers.authorization, 'Bearer abcdefgh12345');
  assert.ok(isFromSluice(got.headers, got.body, 'shared-secret-of-the-hook', at));
  assert.ok(!isFromSluice(got.headers, got.body.replace('failed', 'fine'), 'shared-secret-of-the-hook', at));
  assert.ok(!isFromSluice(got.headers, got.body, 'another-secret', at));
  assert.ok(!isFromSluice(got.headers, got.body, 'shared-secret-of-the-hook', at + 600_000), 'an old one');
  assert.ok(!isFromSluice({ ...got.headers, 'x-sluice-timestamp': 'soon' }, got.body, 'shared-secret-of-the-hook', at));
  const { text: words, ...rest } = got.json;
  assert.match(String(words), /Since: 2026-11-25 08:15 UTC/);
  assert.deepEqual(rest, {
    id: 'msg_4k2m9x7qw3tz',
    edition: 1,
    thread: null,
    tone: 'bad',
    title: 'etl-orders failed',
    url: 'https://sluice.example/jobs/etl-orders',
    fields: [
      { label: 'Since', value: '2026-11-25 08:15 UTC' },
      { label: 'Cluster', value: 'standalone' },
    ],
    incident: {
      id: 'inc_8h3k2m9x7qw3',
      state: 'firing',
      cause: 'failed',
      job: 'etl-orders',
      cluster: 'standalone',
      since: '2026-11-25T08:15:00Z',
    },
  });
});

test('every change is posted as the next edition; the key is that of the content', async (t) => {
  const { receiver, sender } = await rig(t);
  receiver.reply = 'cut';
  assert.equal((await sender.post(deliveryOf('hook', incidentMessage('firing')))).is, 'unknown');
  receiver.reply = {};
  let result = await sender.post(deliveryOf('hook', incidentMessage('firing')));
  const repainted = incidentMessage('firing');
  repainted.parts.push(text('seen 3 times'));
  for (const what of [repainted, incidentMessage('firing')]) {
    assert.ok(result.is === 'sent');
    result = await sender.update({ ...deliveryOf('hook', what), ts: result.ts });
  }
  assert.ok(result.is === 'sent');
  await sender.post(deliveryOf('hook', incidentMessage('firing'), { outboxId: 'msg_2', threadTs: result.ts }));
  const keys = receiver.received.map((got) => got.headers['idempotency-key']);
  assert.equal(keys[0], keys[1], 'tried again');
  assert.equal(new Set(keys.slice(1)).size, 4);
  assert.deepEqual(
    receiver.received.map((got) => got.json['edition']),
    [1, 1, 2, 3, 1],
  );
  assert.equal(receiver.received.at(-1)?.json['thread'], 'msg_4k2m9x7qw3tz');
});

test('a template decides what is posted', async (t) => {
  const template = { text: '*{{title}}* ({{incident.state}})', card: { facts: '{{fields}}', job: '{{incident.job}}' }, n: 1 };
  const { receiver, sender } = await rig(t, { template });
  await sender.post(deliveryOf('hook', { ...incidentMessage('firing'), title: '","admin":true,"x":"' }));
  assert.deepEqual(receiver.received[0]?.json, {
    text: '*","admin":true,"x":"* (firing)',
    card: {
      facts: [
        { label: 'Since', value: '2026-11-25 08:15 UTC' },
        { label: 'Cluster', value: 'standalone' },
      ],
      job: 'etl-orders',
    },
    n: 1,
  });
});

test('what each status means', async (t) => {
  const { receiver, sender } = await rig(t);
  const results: unknown[] = [];
  const replies: Reply[] = [
    { status: 202 },
    { status: 429, headers: { 'retry-after': '7' } },
    { status: 503, headers: { 'retry-after': 'Thu, 26 Nov 2026 10:02:00 GMT' } },
    { status: 429, headers: { 'retry-after': '99999999' } },
    { status: 410 },
    { status: 400, body: 'no\r\nsuch\u202e thing' },
    { status: 302, headers: { location: 'https://elsewhere.example' } },
    'torn',
    'hang',
  ];
  for (const reply of replies) {
    receiver.reply = reply;
    const {
      ts: _,
      channel: __,
      ...result
    } = { ts: '', channel: '', ...(await sender.post(deliveryOf('hook', incidentMessage('firing')))) };
    results.push(result);
  }
  const host = new URL(receiver.url).host;
  assert.deepEqual(results, [
    { is: 'sent', left: [] },
    { is: 'later', afterMs: 7_000, reason: 'HTTP 429' },
    { is: 'later', afterMs: 120_000, reason: 'HTTP 503' },
    { is: 'later', afterMs: 3_600_000, reason: 'HTTP 429' },
    { is: 'refused', reason: 'gone for good (HTTP 410)' },
    { is: 'refused', reason: 'HTTP 400: no such thing' },
    { is: 'refused', reason: 'HTTP 302' },
    { is: 'unknown', reason: `${host} gave no answer` },
    { is: 'unknown', reason: `${host} gave no answer in 2000 ms` },
  ]);
});

test('an address that is a secret is taken from its place and shown nowhere', async (t) => {
  const { receiver, sender } = await rig(t, { url: undefined, urlFrom: { env: 'HOOK_URL' } });
  receiver.reply = (got) => ({ status: 404, body: `cannot POST ${got.path}` });
  const result = await sender.post(deliveryOf('hook', incidentMessage('firing')));
  assert.equal(receiver.received[0]?.path, '/in/9f8e7d6c5b4a39281706?token=t0ps3cret');
  assert.deepEqual(result, { is: 'refused', reason: 'HTTP 404: cannot POST ***' });
});

test('any message becomes JSON of bounded size', async (t) => {
  const { receiver, sender } = await rig(t, { timeout: '5s' });
  await fc.assert(
    fc.asyncProperty(anyMessage(8), async (what) => {
      assert.equal((await sender.post(deliveryOf('hook', what))).is, 'sent');
      const got = receiver.received.at(-1);
      assert.ok(String(got?.json['title']).length <= 1_000 && Buffer.byteLength(String(got?.json['text'])) <= 32_000);
    }),
    { numRuns: 60 },
  );
});
