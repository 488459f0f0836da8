import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { actions, message } from '../../src/core/message.ts';
import type { Delivery, Sender } from '../../src/outbox/sender.ts';
import { createSender } from '../../src/slack/sender.ts';
import { type FakeAnswer, type FakeSlack, fakeSlack } from './fake-slack.ts';

let slack: FakeSlack;
let sender: Sender;
before(async () => {
  slack = await fakeSlack();
  sender = createSender({ botToken: 'xoxb-1', apiUrl: slack.apiUrl, log: silentLog });
});
after(() => slack.close());
beforeEach(() => {
  slack.calls.length = 0;
  slack.on('chat.getPermalink', (args) => ({ json: { ok: true, permalink: `https://acme.example/p${args['message_ts']}` } }));
});
const delivery: Delivery = {
  outboxId: 'out_1',
  channel: 'C1',
  threadTs: undefined,
  message: message('good', 'Up', actions({ label: 'Stop', command: 'stop etl' })),
};
const failed = (error: string): FakeAnswer => ({ json: { ok: false, error } });

test('a post carries the outbox id, unfurls nothing and comes back with its place and link', async () => {
  slack.on('chat.postMessage', { json: { ok: true, channel: 'C1', ts: '10.1' } });
  assert.deepEqual(await sender.post({ ...delivery, threadTs: '9.9' }), {
    is: 'sent',
    channel: 'C1',
    ts: '10.1',
    permalink: 'https://acme.example/p10.1',
  });
  const [args] = slack.callsOf('chat.postMessage');
  assert.deepEqual(JSON.parse(args?.['metadata'] ?? ''), { event_type: 'sluice_message', event_payload: { outbox_id: 'out_1' } });
  assert.equal(args?.['thread_ts'], '9.9');
  assert.equal(args?.['unfurl_links'], 'false');
  assert.equal(args?.['text'], '✅ Up\n[Stop]');
  assert.equal(JSON.parse(args?.['blocks'] ?? '[]').length, 2);
});

test('the link is asked for once, and its failure does no harm', async () => {
  slack.on('chat.postMessage', { json: { ok: true, channel: 'C1', ts: '10.2' } });
  slack.on('chat.update', { json: { ok: true, channel: 'C1', ts: '10.2' } });
  await sender.post(delivery);
  await sender.update({ ...delivery, ts: '10.2' });
  assert.equal(slack.callsOf('chat.getPermalink').length, 1);
  slack.on('chat.getPermalink', failed('message_not_found'));
  slack.on('chat.postMessage', { json: { ok: true, channel: 'C1', ts: '10.3' } });
  assert.deepEqual(await sender.post(delivery), { is: 'sent', channel: 'C1', ts: '10.3' });
});

test('each failure of a post and of an edit means the right thing to the outbox', async () => {
  const cases: [answer: FakeAnswer, result: object][] = [
    [
      { status: 429, headers: { 'retry-after': '7' } },
      { is: 'later', afterMs: 7000 },
    ],
    [{ status: 429 }, { is: 'later', afterMs: 30_000 }],
    [failed('rate_limited'), { is: 'later', afterMs: 30_000 }],
    ...['channel_not_found', 'not_in_channel', 'is_archived', 'restricted_action'].map((e): [FakeAnswer, object] => [
      failed(e),
      { is: 'refused', reason: e },
    ]),
    // The token is refused, not the place: nothing may be given up for that.
    ...['token_revoked', 'account_inactive', 'invalid_auth', 'missing_scope'].map((e): [FakeAnswer, object] => [
      failed(e),
      { is: 'later', afterMs: 60_000, reason: e },
    ]),
    ...['message_not_found', 'cant_update_message', 'edit_window_closed'].map((e): [FakeAnswer, object] => [
      failed(e),
      { is: 'refused', reason: e },
    ]),
    // Of one message nothing is known; the others of its channel need not wait for it.
    [failed('internal_error'), { is: 'unknown' }],
    [
      { status: 503, body: 'busy' },
      { is: 'unknown', reason: 'http_503' },
    ],
    ['cut', { is: 'unknown' }],
    [{ status: 200, body: 'no json' }, { is: 'unknown' }],
  ];
  for (const [answer, result] of cases) {
    slack.on('chat.postMessage', answer);
    slack.on('chat.update', answer);
    slack.calls.length = 0;
    const got = { post: await sender.post(delivery), update: await sender.update({ ...delivery, ts: '1.1' }) };
    assert.partialDeepStrictEqual(got, { post: result, update: result }, JSON.stringify(answer));
    assert.equal(slack.callsOf('chat.postMessage').length, 1, 'never retried here');
  }
});

test('when Slack dislikes the blocks the text still goes out', async () => {
  slack.on('chat.postMessage', (args) =>
    args['blocks'] === '[]' ? { json: { ok: true, channel: 'C1', ts: '11.1' } } : failed('invalid_blocks'),
  );
  assert.partialDeepStrictEqual(await sender.post(delivery), { is: 'sent', ts: '11.1' });
});

test('a post whose answer was lost is found by its outbox id, in the channel or its thread', async () => {
  const post = (ts: string, id: string) => ({ ts, metadata: { event_type: 'sluice_message', event_payload: { outbox_id: id } } });
  slack.on('conversations.history', (args) =>
    args['cursor']
      ? { json: { ok: true, messages: [post('12.1', 'out_1')] } }
      : { json: { ok: true, messages: [{ ts: '13.0' }, post('12.9', 'out_2')], response_metadata: { next_cursor: 'more' } } },
  );
  const since = new Date(1_000_000_000_000);
  assert.deepEqual(await sender.find(delivery, since), { channel: 'C1', ts: '12.1' });
  const [first] = slack.callsOf('conversations.history');
  assert.equal(first?.['oldest'], '999999940.000000');
  assert.equal(first?.['include_all_metadata'], 'true');
  assert.equal(await sender.find({ ...delivery, outboxId: 'out_9' }, since), undefined);
  slack.on('conversations.replies', (args) => ({ json: { ok: true, messages: args['ts'] === '9.9' ? [post('9.95', 'out_1')] : [] } }));
  assert.deepEqual(await sender.find({ ...delivery, threadTs: '9.9' }, since), { channel: 'C1', ts: '9.95' });
  slack.on('conversations.open', { json: { ok: true, channel: { id: 'D1' } } });
  assert.deepEqual(await sender.find({ ...delivery, channel: 'U1' }, since), { channel: 'D1', ts: '12.1' });
  slack.on('conversations.history', failed('missing_scope'));
  assert.equal(await sender.find(delivery, since), undefined, 'cannot be told');
});
