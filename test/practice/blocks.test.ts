import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateMessage, validateView } from '../../src/practice/blocks/validate.ts';
import { modal, plain, section } from './rig.ts';

const x = (n: number) => 'x'.repeat(n);
const button = (extra: object = {}) => ({ type: 'button', action_id: 'a', text: plain('Go'), ...extra });
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const option = (value: string, extra: object = {}) => ({ text: plain('o'), value, ...extra });
const options = (n: number) => Array.from({ length: n }, (_, i) => option(String(i)));
const select = (extra: object) => actions({ type: 'static_select', action_id: 's', ...extra });
const input = (element: object, extra: object = {}) => ({ type: 'input', block_id: 'i', label: plain('L'), element, ...extra });
const ids = (n: number) => Array.from({ length: n }, (_, i) => button({ action_id: String(i) }));

/** At the limit, and one beyond it: block, pointer of the refusal. Numbers from slack.md 1.2. */
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

test('each Block Kit limit passes at its number and is refused beyond it', () => {
  for (const [what, good, bad, pointer] of limits) {
    assert.deepEqual(validateMessage([good], undefined).problems, [], what);
    const { problems } = validateMessage([bad], undefined);
    assert.ok(
      problems.some((p) => p.pointer === pointer),
      `${what}: ${JSON.stringify(problems)}`,
    );
  }
});

test('block ids are unique in a message, blocks in attachments are checked too', () => {
  const twice = [
    { ...section('x'), block_id: 'b' },
    { ...section('x'), block_id: 'b' },
  ];
  assert.equal(validateMessage(twice, undefined).problems[0]?.code, 'duplicate');
  const attached = validateMessage(undefined, [{ color: '#fff', blocks: [{ type: 'fancy' }] }]);
  assert.equal(attached.problems[0]?.pointer, '/attachments/0/blocks/0/type');
});

test('the text of all blocks together has a limit', () => {
  assert.equal(validateMessage([section(x(3000)), section(x(3000)), section(x(3000)), section(x(2000))], undefined).tooLong, false);
  assert.equal(validateMessage([section(x(3000)), section(x(3000)), section(x(3000)), section(x(2001))], undefined).tooLong, true);
});

test('modals: 24 characters of title, a submit for inputs, 1 to 100 blocks, 250 kB', () => {
  const codes = (view: Record<string, unknown>) => validateView(view).problems.map((p) => p.pointer);
  assert.deepEqual(codes(modal({ title: plain(x(24)) })), []);
  assert.deepEqual(codes(modal({ title: plain(x(25)) })), ['/view/title/text']);
  assert.deepEqual(codes(modal({ blocks: [input(textInput())] })), ['/view']);
  assert.deepEqual(codes(modal({ blocks: [input(textInput())], submit: plain('Go') })), []);
  assert.deepEqual(codes(modal({ blocks: [] })), ['/view/blocks']);
  assert.deepEqual(codes(modal({ private_metadata: x(3001) })), ['/view/private_metadata']);
  assert.deepEqual(codes(modal({ blocks: Array(101).fill(section('x')) })), ['/view/blocks']);
  assert.equal(validateView(modal({ blocks: Array(90).fill(section(x(2900))) })).tooLarge, true);
});
