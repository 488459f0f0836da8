import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answerer, api, type Ending, modal, plain, startHttpPractice } from '../rig.ts';
import { connectSocket, startSocketPractice } from '../socket-client.ts';

const source = 'docs.slack.dev/reference/interaction-payloads/block_suggestion-payload';
const view = modal({
  submit: plain('Go'),
  blocks: [
    {
      type: 'input',
      block_id: 'a',
      label: plain('A'),
      dispatch_action: true,
      element: { type: 'external_select', action_id: 'a', min_query_length: 0 },
    },
    {
      type: 'input',
      block_id: 'b',
      label: plain('B'),
      optional: true,
      element: { type: 'external_select', action_id: 'b', min_query_length: 0 },
    },
  ],
});
const option = (text: string, extra: object = {}) => ({ text: plain(text), value: 'v', ...extra });
const many = (n: number) => Array.from({ length: n }, (_, i) => ({ text: plain(`o${i}`), value: `v${i}` }));
const json =
  (answer: () => unknown): Answerer =>
  (request, response) => {
    const asked = JSON.parse(request.form.get('payload') ?? '{}').type === 'block_suggestion';
    if (!asked) return void response.end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer()));
  };
async function opened(t: Ending, answerer: Answerer, options: object = {}) {
  const rig = await startHttpPractice(t, options, answerer);
  await rig.emma.types('/flink x', { channel: 'etl' });
  const trigger_id = String(rig.app.received[0]?.form.get('trigger_id'));
  const { id } = (await api(rig.practice, 'views.open', { trigger_id, view }))['view'] as { id: string };
  return { ...rig, offered: (actionId: string, typed = '') => rig.emma.options({ viewId: id }, actionId, typed), id };
}

const lists: [what: string, taken: object | undefined, refused: object][] = [
  ['100 options', { options: many(100) }, { options: many(101) }],
  ['a text of 75 characters', { options: [option('x'.repeat(75))] }, { options: [option('x'.repeat(76))] }],
  ['plain text', undefined, { options: [{ text: { type: 'mrkdwn', text: 'x' }, value: 'v' }] }],
  [
    'a description of 75 characters',
    { options: [option('x', { description: plain('x'.repeat(75)) })] },
    { options: [option('x', { description: plain('x'.repeat(76)) })] },
  ],
  [
    'a value of 75 characters',
    { options: [option('x', { value: 'x'.repeat(75) })] },
    { options: [option('x', { value: 'x'.repeat(76) })] },
  ],
  [
    '100 groups',
    { option_groups: [{ label: plain('g'), options: many(2) }] },
    { option_groups: many(101).map((o) => ({ label: o.text, options: many(1) })) },
  ],
  ['one of options and option_groups', undefined, { options: many(1), option_groups: [{ label: plain('g'), options: many(1) }] }],
  ['a list at all', undefined, { choices: [] }],
];
test(`suggestions: what is no list that Slack takes shows "No results" (${source})`, async (t) => {
  let answer: unknown;
  const { practice, offered } = await opened(
    t,
    json(() => answer),
  );
  for (const [what, taken, refused] of lists) {
    if (taken) {
      answer = taken;
      await offered('a');
      assert.equal(practice.journal().at(-1)?.refused, false, what);
      if ('options' in taken) assert.deepEqual(await offered('a'), taken.options, what);
    }
    answer = refused;
    assert.deepEqual(await offered('a'), [], what);
    const { what: which, refused: marked } = practice.journal().at(-1) ?? {};
    assert.deepEqual([which, marked], ['answer to block_suggestion', true], `the inspector marks ${what}`);
  }
});

test('suggestions: an empty list is one (github.com/slackapi/bolt-python/issues/468)', async (t) => {
  const { practice, offered } = await opened(
    t,
    json(() => ({ options: [] })),
  );
  assert.deepEqual(await offered('a'), []);
  assert.equal(practice.journal().at(-1)?.refused, false);
});

test(`suggestions: an answer after 3 s counts for nothing, over HTTP (${source})`, async (t) => {
  const late: Answerer = (request, response) => {
    if (!request.form.get('payload')?.includes('block_suggestion')) return void response.end();
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ options: many(1) })), 400);
  };
  const { practice, offered } = await opened(t, late, { ackTimeoutMs: 200 });
  assert.deepEqual(await offered('a'), []);
  const entry = practice.journal().findLast((e) => e.what === 'block_suggestion');
  assert.deepEqual([entry?.status, entry?.refused], ['operation_timeout', true]);
});

test('suggestions: over Socket Mode they are interactive envelopes, answered in the acknowledgement (docs.slack.dev/apis/events-api/using-socket-mode)', async (t) => {
  const { practice, emma } = await startSocketPractice(t);
  const socket = await connectSocket(practice);
  const typed = emma.types('/flink x', { channel: 'etl' });
  const command = await socket.frame(1);
  socket.ack(command.envelope_id);
  await typed;
  const { trigger_id } = command.payload as { trigger_id: string };
  const { id } = (await api(practice, 'views.open', { trigger_id, view }))['view'] as { id: string };
  const offered = emma.options({ viewId: id }, 'a', 'etl');
  const asked = await socket.frame(2);
  const { type, action_id, value } = asked.payload as Record<string, string>;
  assert.deepEqual([asked['type'], type, action_id, value], ['interactive', 'block_suggestion', 'a', 'etl']);
  socket.ack(asked.envelope_id, { options: many(2) });
  assert.equal((await offered).length, 2);
});

test('suggestions: what was just chosen in another input is not in the question (github.com/slackapi/bolt-js/issues/1146)', async (t) => {
  const { app, emma, offered, id } = await opened(
    t,
    json(() => ({ options: many(1) })),
  );
  const [picked] = await offered('a');
  await emma.clicksView(id, 'a', picked);
  await offered('b', 'x');
  const payloads = app.received.map((r) => JSON.parse(r.form.get('payload') ?? '{}'));
  const [clicked, asked] = [payloads.at(-2), payloads.at(-1)];
  assert.equal(clicked.view.state.values.a.a.selected_option.value, 'v0', 'a click tells it');
  assert.deepEqual([asked.type, asked.view.state.values.a.a.selected_option], ['block_suggestion', null]);
});

test(`suggestions: before min_query_length characters, 3 when it is not given, the app is not asked (${source})`, async (t) => {
  const least = { type: 'actions', elements: [{ type: 'external_select', action_id: 's' }] };
  const { practice, app, emma } = await startHttpPractice(
    t,
    {},
    json(() => ({ options: many(1) })),
  );
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'b', blocks: [least] });
  const shown = await emma.sees(() => true, { since: 'start', channel: 'etl' });
  assert.deepEqual([(await emma.options(shown, 's', 'et')).length, app.received.length], [0, 0]);
  assert.equal((await emma.options(shown, 's', 'etl')).length, 1);
});
