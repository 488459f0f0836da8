import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateMessage, validateView } from '../../../src/practice/blocks/validate.ts';
import { api, modal, plain, refuses, section, startPractice } from '../rig.ts';

const source = 'docs.slack.dev/reference/block-kit';
const x = (n: number) => 'x'.repeat(n);
const button = (extra: object = {}) => ({ type: 'button', action_id: 'a', text: plain('Go'), ...extra });
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const option = (value: string, extra: object = {}) => ({ text: plain('o'), value, ...extra });
const options = (n: number) => Array.from({ length: n }, (_, i) => option(String(i)));
const select = (extra: object) => actions({ type: 'static_select', action_id: 's', ...extra });
const input = (element: object, extra: object = {}) => ({ type: 'input', block_id: 'i', label: plain('L'), element, ...extra });
const ids = (n: number) => Array.from({ length: n }, (_, i) => button({ action_id: String(i) }));

/** At the limit, and beyond it: block, pointer of the refusal. Numbers from slack.md 1.2, shapes from the reference of each block. */
const limits: [string, object, object, string][] = [
  ['section text 3000', section(x(3000)), section(x(3001)), '/blocks/0/text/text'],
  ['section without text', section('x'), { type: 'section' }, '/blocks/0'],
  [
    '10 fields',
    { type: 'section', fields: Array(10).fill(plain('f')) },
    { type: 'section', fields: Array(11).fill(plain('f')) },
    '/blocks/0/fields',
  ],
  ['field 2000', { type: 'section', fields: [plain(x(2000))] }, { type: 'section', fields: [plain(x(2001))] }, '/blocks/0/fields/0/text'],
  ['header 150', { type: 'header', text: plain(x(150)) }, { type: 'header', text: plain(x(151)) }, '/blocks/0/text/text'],
  [
    'header is plain text',
    { type: 'header', text: plain('x') },
    { type: 'header', text: { type: 'mrkdwn', text: 'x' } },
    '/blocks/0/text/type',
  ],
  [
    'context 10',
    { type: 'context', elements: Array(10).fill(plain('c')) },
    { type: 'context', elements: Array(11).fill(plain('c')) },
    '/blocks/0/elements',
  ],
  ['actions 25', actions(...ids(25)), actions(...ids(26)), '/blocks/0/elements'],
  ['action ids are unique', actions(...ids(2)), actions(button(), button()), '/blocks/0/elements/1/action_id'],
  ['button text 75', actions(button({ text: plain(x(75)) })), actions(button({ text: plain(x(76)) })), '/blocks/0/elements/0/text/text'],
  ['button value 2000', actions(button({ value: x(2000) })), actions(button({ value: x(2001) })), '/blocks/0/elements/0/value'],
  ['button url 3000', actions(button({ url: x(3000) })), actions(button({ url: x(3001) })), '/blocks/0/elements/0/url'],
  ['button style', actions(button({ style: 'danger' })), actions(button({ style: 'default' })), '/blocks/0/elements/0/style'],
  ['action_id 255', actions(button({ action_id: x(255) })), actions(button({ action_id: x(256) })), '/blocks/0/elements/0/action_id'],
  ['block_id 255', { ...section('x'), block_id: x(255) }, { ...section('x'), block_id: x(256) }, '/blocks/0/block_id'],
  ['100 options', select({ options: options(100) }), select({ options: options(101) }), '/blocks/0/elements/0/options'],
  ['option value 75', select({ options: [option(x(75))] }), select({ options: [option(x(76))] }), '/blocks/0/elements/0/options/0/value'],
  [
    'options of a menu are plain text',
    select({ options: options(1) }),
    select({ options: [{ text: { type: 'mrkdwn', text: 'o' }, value: 'v' }] }),
    '/blocks/0/elements/0/options/0/text/type',
  ],
  [
    'option text 75',
    select({ options: [option('v', { text: plain(x(75)) })] }),
    select({ options: [option('v', { text: plain(x(76)) })] }),
    '/blocks/0/elements/0/options/0/text/text',
  ],
  [
    'option description 75',
    select({ options: [option('v', { description: plain(x(75)) })] }),
    select({ options: [option('v', { description: plain(x(76)) })] }),
    '/blocks/0/elements/0/options/0/description/text',
  ],
  [
    'accessibility label 75',
    actions(button({ accessibility_label: x(75) })),
    actions(button({ accessibility_label: x(76) })),
    '/blocks/0/elements/0/accessibility_label',
  ],
  [
    'confirm title 100',
    actions(button({ confirm: { ...confirmation(1), title: plain(x(100)) } })),
    actions(button({ confirm: { ...confirmation(1), title: plain(x(101)) } })),
    '/blocks/0/elements/0/confirm/title/text',
  ],
  [
    'confirm button 30',
    actions(button({ confirm: { ...confirmation(1), confirm: plain(x(30)) } })),
    actions(button({ confirm: { ...confirmation(1), confirm: plain(x(31)) } })),
    '/blocks/0/elements/0/confirm/confirm/text',
  ],
  ['input hint 2000', input(textInput(), { hint: plain(x(2000)) }), input(textInput(), { hint: plain(x(2001)) }), '/blocks/0/hint/text'],
  ['image url 3000', { ...image('a'), image_url: x(3000) }, { ...image('a'), image_url: x(3001) }, '/blocks/0/image_url'],
  [
    'placeholder 150',
    select({ options: options(1), placeholder: plain(x(150)) }),
    select({ options: options(1), placeholder: plain(x(151)) }),
    '/blocks/0/elements/0/placeholder/text',
  ],
  ['options or groups', select({ options: options(1) }), select({}), '/blocks/0/elements/0'],
  [
    'overflow 5',
    actions({ type: 'overflow', options: options(5) }),
    actions({ type: 'overflow', options: options(6) }),
    '/blocks/0/elements/0/options',
  ],
  [
    'checkboxes 10',
    actions({ type: 'checkboxes', options: options(10) }),
    actions({ type: 'checkboxes', options: options(11) }),
    '/blocks/0/elements/0/options',
  ],
  [
    'confirm text 300',
    actions(button({ confirm: confirmation(300) })),
    actions(button({ confirm: confirmation(301) })),
    '/blocks/0/elements/0/confirm/text/text',
  ],
  ['image alt 2000', image(x(2000)), image(x(2001)), '/blocks/0/alt_text'],
  [
    'input label 2000',
    input(textInput(), { label: plain(x(2000)) }),
    input(textInput(), { label: plain(x(2001)) }),
    '/blocks/0/label/text',
  ],
  ['text input in input only', input(textInput()), actions(textInput()), '/blocks/0/elements/0/type'],
  ['input length 3000', input(textInput({ max_length: 3000 })), input(textInput({ max_length: 3001 })), '/blocks/0/element/max_length'],
  ['markdown 12000', { type: 'markdown', text: x(12_000) }, { type: 'markdown', text: x(12_001) }, '/blocks/0/text'],
  ['a known type', { type: 'divider' }, { type: 'table' }, '/blocks/0/type'],
  ['a known rich text', rich('rich_text_section'), rich('rich_text_poem'), '/blocks/0/elements/0/type'],
  ['known properties', section('x'), { ...section('x'), texts: 'x' }, '/blocks/0'],
];
function confirmation(n: number) {
  return { title: plain('t'), text: plain(x(n)), confirm: plain('y'), deny: plain('n') };
}
function textInput(extra: object = {}) {
  return { type: 'plain_text_input', action_id: 't', ...extra };
}
function image(alt: string) {
  return { type: 'image', image_url: 'https://x.example/i.png', alt_text: alt };
}
function rich(type: string) {
  return { type: 'rich_text', elements: [{ type, elements: [{ type: 'text', text: 'x' }] }] };
}

for (const [what, good, bad, pointer] of limits) {
  test(`block-kit: ${what} passes, what is beyond it is refused (${source})`, () => {
    assert.deepEqual(validateMessage([good], undefined).problems, []);
    const { problems } = validateMessage([bad], undefined);
    assert.ok(
      problems.some((p) => p.pointer === pointer),
      JSON.stringify(problems),
    );
  });
}

test(`block-kit: 51 blocks, an unknown type and an empty text are refused in Slack's shape (invalid_blocks; docs.slack.dev/reference/methods/chat.postMessage)`, async (t) => {
  const practice = await startPractice(t, { limits: 'off' });
  const post = (blocks: object[]) => refuses(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks }, 'invalid_blocks');
  const messages = async (blocks: object[]) => ((await post(blocks))['response_metadata'] as { messages: string[] }).messages;
  assert.deepEqual(await messages(Array(51).fill(section('x'))), ['[ERROR] no more than 50 items allowed [json-pointer:/blocks]']);
  assert.deepEqual(await messages([{ type: 'fancy' }]), ['[ERROR] unsupported type: fancy [json-pointer:/blocks/0/type]']);
  assert.deepEqual(await messages([section(''), { type: 'divider', color: 'red' }]), [
    '[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]',
    '[ERROR] invalid additional property: color [json-pointer:/blocks/1]',
  ]);
  assert.equal(practice.messages('etl').length, 0);
});

test('block-kit: blocks.validate answers without a token: code, message, pointer, constraint (slack.md 4.3)', async (t) => {
  const practice = await startPractice(t);
  assert.equal((await api(practice, 'blocks.validate', { blocks: [section('fine')] }, '')).ok, true);
  const verdict = await refuses(practice, 'blocks.validate', { blocks: Array(51).fill(section('x')) }, 'invalid_blocks', '');
  assert.deepEqual(verdict['errors'], [{ code: 'too_many', message: 'no more than 50 items allowed', pointer: '/blocks', constraint: 50 }]);
});

test(`block-kit: a block id that comes twice is refused, and blocks in attachments are checked too (${source}/blocks)`, () => {
  const twice = [
    { ...section('x'), block_id: 'b' },
    { ...section('x'), block_id: 'b' },
  ];
  assert.equal(validateMessage(twice, undefined).problems[0]?.code, 'duplicate');
  const attached = validateMessage(undefined, [{ color: '#fff', blocks: [{ type: 'fancy' }] }]);
  assert.equal(attached.problems[0]?.pointer, '/attachments/0/blocks/0/type');
});

test('block-kit: more than 11,000 characters in all blocks are refused (msg_blocks_too_long; bolt-js #2509, #2867)', async (t) => {
  const practice = await startPractice(t, { limits: 'off' });
  const blocks = (last: number) => [section(x(3000)), section(x(3000)), section(x(3000)), section(x(last))];
  assert.equal((await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: blocks(2000) })).ok, true);
  await refuses(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: blocks(2001) }, 'msg_blocks_too_long');
});

const views: [what: string, good: Record<string, unknown>, bad: Record<string, unknown>, pointer: string][] = [
  ['a title of 24 characters', { title: plain(x(24)) }, { title: plain(x(25)) }, '/view/title/text'],
  ['a submit of 24 characters', { submit: plain(x(24)) }, { submit: plain(x(25)) }, '/view/submit/text'],
  ['a close of 24 characters', { close: plain(x(24)) }, { close: plain(x(25)) }, '/view/close/text'],
  ['an input with a submit', { blocks: [input(textInput())], submit: plain('Go') }, { blocks: [input(textInput())] }, '/view'],
  ['one block', { blocks: [section('x')] }, { blocks: [] }, '/view/blocks'],
  ['100 blocks', { blocks: Array(100).fill(section('x')) }, { blocks: Array(101).fill(section('x')) }, '/view/blocks'],
  ['private_metadata of 3000 characters', { private_metadata: x(3000) }, { private_metadata: x(3001) }, '/view/private_metadata'],
  ['a callback_id of 255 characters', { callback_id: x(255) }, { callback_id: x(256) }, '/view/callback_id'],
  ['an external_id of 255 characters', { external_id: x(255) }, { external_id: x(256) }, '/view/external_id'],
];
for (const [what, good, bad, pointer] of views) {
  test(`block-kit: ${what} passes in a modal, what is beyond it is refused (docs.slack.dev/reference/views/modal-views)`, () => {
    assert.deepEqual(validateView(modal(good)).problems, []);
    assert.deepEqual(
      validateView(modal(bad)).problems.map((p) => p.pointer),
      [pointer],
    );
  });
}
