import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Message, message } from '../../src/core/message.ts';
import type { PostResult, Sender } from '../../src/outbox/sender.ts';
import { anyMessage } from '../slack/any-message.ts';
import { type Receiver, startReceiver } from './http-receiver.ts';
import { channelsOf, deliveryOf, incidentMessage, senderOf } from './rig.ts';

const routingKey = 'R0UT1NGK3Y0123456789abcdef012345';
async function rig(t: TestContext): Promise<{ receiver: Receiver; sender: Sender }> {
  const receiver = await startReceiver(t, { status: 202, body: '{"status":"success","message":"Event processed"}' });
  const pager = { kind: 'events', url: receiver.url, routingKey: { env: 'KEY' }, timeout: '5s' };
  return { receiver, sender: senderOf(channelsOf({ pager }, { KEY: routingKey }), 'events') };
}
const actionsOf = (receiver: Receiver) => receiver.received.map((got) => got.json['event_action']);
async function follow(sender: Sender, states: ('firing' | 'acknowledged' | 'resolved')[]): Promise<PostResult> {
  let result = await sender.post(deliveryOf('pager', incidentMessage(states[0] ?? 'firing')));
  for (const state of states.slice(1)) {
    assert.ok(result.is === 'sent');
    result = await sender.update({ ...deliveryOf('pager', incidentMessage(state)), ts: result.ts });
  }
  return result;
}

test('an incident triggers with all that on-call needs', async (t) => {
  const { receiver, sender } = await rig(t);
  await sender.post(deliveryOf('pager', incidentMessage('firing')));
  const [event] = receiver.received;
  assert.ok(event);
  const { custom_details: details, ...payload } = event.json['payload'] as Record<string, unknown>;
  assert.deepEqual(
    { ...event.json, payload },
    {
      routing_key: routingKey,
      event_action: 'trigger',
      dedup_key: 'inc_8h3k2m9x7qw3',
      client: 'Sluice',
      client_url: 'https://sluice.example/jobs/etl-orders',
      links: [
        { href: 'https://sluice.example/jobs/etl-orders', text: 'Page' },
        { href: 'https://grafana.example/d/1?a=1&b=2', text: 'the dashboard' },
        { href: 'https://sluice.example/jobs/etl-orders', text: 'Resume' },
        { href: 'https://sluice.example/jobs/etl-orders', text: 'Logs' },
      ],
      payload: {
        summary: 'etl-orders failed',
        source: 'standalone',
        severity: 'critical',
        timestamp: '2026-11-25T08:15:00Z',
        component: 'etl-orders',
        group: 'standalone',
        class: 'failed',
      },
    },
  );
  const { Details, ...facts } = details as Record<string, string>;
  assert.deepEqual(facts, { Since: '2026-11-25 08:15 UTC', Cluster: 'standalone' });
  assert.match(Details ?? '', /IllegalStateException: no\n.*Job\.java:42/);
});

test('acknowledged and resolved go under the same key; repaints send nothing; what resolved may trigger again', async (t) => {
  const { receiver, sender } = await rig(t);
  await follow(sender, ['firing', 'firing', 'acknowledged', 'acknowledged', 'resolved', 'resolved', 'firing']);
  assert.deepEqual(actionsOf(receiver), ['trigger', 'acknowledge', 'resolve', 'trigger']);
  assert.equal(new Set(receiver.received.map((got) => got.json['dedup_key'])).size, 1);
  assert.deepEqual(Object.keys(receiver.received[1]?.json ?? {}), ['routing_key', 'event_action', 'dedup_key']);
});

test('an incident that was acknowledged before anything was sent is triggered first; one that is over only resolves', async (t) => {
  const { receiver, sender } = await rig(t);
  await follow(sender, ['acknowledged', 'resolved', 'acknowledged']);
  assert.deepEqual(actionsOf(receiver), ['trigger', 'acknowledge', 'resolve', 'trigger', 'acknowledge']);
  receiver.received.length = 0;
  await follow(sender, ['resolved']);
  assert.deepEqual(actionsOf(receiver), ['resolve']);
});

test('what is of no incident wakes nobody, and the timeline has no place there', async (t) => {
  const { receiver, sender } = await rig(t);
  assert.deepEqual(await sender.post(deliveryOf('pager', message('bad', 'Checkpoint digest'))), {
    is: 'refused',
    reason: 'not_an_incident',
  });
  const first = await follow(sender, ['firing']);
  assert.ok(first.is === 'sent');
  assert.equal(
    (await sender.post(deliveryOf('pager', message('neutral', 'restarted'), { outboxId: 'msg_2', threadTs: first.ts }))).is,
    'sent',
  );
  assert.deepEqual(actionsOf(receiver), ['trigger']);
});

test('429 and 5xx come later, 400 is refused, and the key is not repeated', async (t) => {
  const { receiver, sender } = await rig(t);
  receiver.reply = { status: 429 };
  const busy = await follow(sender, ['firing']);
  assert.ok(busy.is === 'later' && busy.afterMs > 20_000);
  receiver.reply = { status: 500 };
  assert.equal((await follow(sender, ['acknowledged'])).is, 'later');
  assert.deepEqual(actionsOf(receiver), ['trigger', 'trigger'], 'it is not acknowledged before it is triggered');
  receiver.reply = (got) => ({
    status: 400,
    body: JSON.stringify({ status: 'invalid event', errors: [`no such key ${got.json['routing_key']}`] }),
  });
  const refused = await follow(sender, ['firing']);
  assert.ok(refused.is === 'refused' && /HTTP 400: .*invalid event.*\*\*\*/.test(refused.reason), JSON.stringify(refused));
});

test('what the database gives back of an incident may lack everything but its id and state', async (t) => {
  const { receiver, sender } = await rig(t);
  const bare = {
    ...message('bad', 'x'),
    incident: { id: 'inc_1', state: 'firing', job: null, cluster: null, since: null },
  } as unknown as Message;
  assert.equal((await sender.post(deliveryOf('pager', bare))).is, 'sent');
  const [event] = receiver.received;
  assert.ok(event);
  const { component, timestamp, ...payload } = event.json['payload'] as Record<string, unknown>;
  assert.deepEqual([component, timestamp], [undefined, undefined]);
  assert.deepEqual(payload, {
    summary: 'x',
    source: 'Sluice',
    severity: 'critical',
    group: 'Sluice',
    class: 'unknown',
    custom_details: {},
  });
  for (const incident of [null, {}, { id: 'inc_1', state: 'odd' }, { state: 'firing' }, 'inc_1'])
    assert.equal((await sender.post(deliveryOf('pager', { ...message('bad', 'x'), incident } as never))).is, 'refused');
});

test('severity follows the tone', async (t) => {
  const { receiver, sender } = await rig(t);
  for (const tone of ['bad', 'warn', 'neutral'] as const) await sender.post(deliveryOf('pager', { ...incidentMessage('firing'), tone }));
  assert.deepEqual(
    receiver.received.map((got) => (got.json['payload'] as Record<string, unknown>)['severity']),
    ['critical', 'warning', 'info'],
  );
});

test("any incident keeps within PagerDuty's limits", async (t) => {
  const { receiver, sender } = await rig(t);
  await fc.assert(
    fc.asyncProperty(anyMessage(10), fc.string({ minLength: 1, maxLength: 600, unit: 'binary' }), async (what, id) => {
      const delivery = deliveryOf('pager', { ...what, incident: { ...incidentMessage('firing').incident, id } } as typeof what);
      assert.equal((await sender.post(delivery)).is, 'sent');
      const got = receiver.received.at(-1);
      const payload = got?.json['payload'] as Record<string, string>;
      assert.ok(payload['summary'] && payload['summary'].length <= 1_024);
      assert.ok(String(got?.json['dedup_key']).length <= 255);
      assert.ok(Buffer.byteLength(got?.body ?? '') < 512 * 1024);
    }),
    { numRuns: 80 },
  );
});
