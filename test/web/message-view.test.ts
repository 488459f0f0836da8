import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, fields, type Message, text } from '../../src/core/message.ts';
import { messageView } from '../../views/message.ts';

const form = { csrf: 'c', back: '/', allowed: (line: string) => line !== 'stop x' };
const show = (...parts: Message['parts']) => messageView({ tone: 'good', title: 'T <b>', parts }, form).markup;

test('every part of a message is shown', () => {
  const markup = show(
    text(
      'plain ',
      { bold: 'bold' },
      { code: 'code' },
      { link: 'Flink', url: 'https://flink.example/x' },
      { person: { teamId: 'T', userId: 'U1', name: 'Emma' } },
      { channel: 'C1' },
      { time: '2026-11-25T14:02:00Z' },
    ),
    fields([['Label', 'value']]),
    { kind: 'table', columns: ['A', 'B'], rows: [['1', [{ bold: '2' }]]] },
    { kind: 'code', text: 'a < b', label: 'Log' },
    {
      kind: 'progress',
      steps: [
        { title: 'Plan', state: 'done', note: '2 s' },
        { title: 'Run', state: 'failed' },
      ],
    },
  );
  for (const piece of [
    'T &lt;b&gt;',
    '<strong>bold</strong>',
    '<code>code</code>',
    'href="https://flink.example/x"',
    'Emma',
    '#C1',
    '2026-11-25 14:02 UTC',
    '<dt>Label</dt><dd>value</dd>',
    'data-label="B"',
    'a &lt; b',
    'Plan',
    '(failed)',
    '2 s',
  ])
    assert.ok(markup.includes(piece), piece);
});

test('links lead to http addresses only, ids to their pages, secrets nowhere', () => {
  const markup = show(
    text({ link: 'x', url: 'javascript:alert(1)' }, ' see op_4k2m9x7qw3tz and err_4k2m9x7qw3tz, token=abcdef'),
    fields([['password', 'hunter2']]),
    actions({ label: 'Go', url: 'javascript:alert(1)' }),
  );
  assert.doesNotMatch(markup, /javascript:|abcdef|hunter2/);
  assert.match(markup, /href="\/operations\/op_4k2m9x7qw3tz"/);
  assert.match(markup, /href="\/errors\/err_4k2m9x7qw3tz"/);
});

test('buttons: those the person may use, none that need a channel, each with its own number', () => {
  const markup = show(
    actions(
      { label: 'Start', command: 'start x', style: 'primary' },
      { label: 'Stop', command: 'stop x' },
      { label: 'Share', command: 'status x --share' },
      { label: 'Restart', command: 'restart x', confirm: { title: 'Sure?', text: 'It stops.', yes: 'Yes' } },
    ),
  );
  assert.deepEqual(
    [...markup.matchAll(/name="line" value="([^"]*)"/g)].map((m) => m[1]),
    ['start x', 'restart x'],
  );
  assert.match(markup, /hx-confirm="Sure\?\nIt stops\."/);
  assert.equal(new Set([...markup.matchAll(/name="nonce" value="([^"]*)"/g)].map((m) => m[1])).size, 2);
});
