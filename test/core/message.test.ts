import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, context, fields, message, messageToText, spansToText, text } from '../../src/core/message.ts';

test('every kind of span has a plain text', () => {
  const at = new Date('2026-03-01T08:09:10Z');
  assert.equal(
    spansToText([
      'a ',
      { bold: 'b' },
      ' ',
      { code: 'c' },
      ' ',
      { link: 'here', url: 'https://example.com' },
      ' ',
      { person: { teamId: 'T1', userId: 'U1', name: 'Emma' } },
      ' ',
      { person: { teamId: 'T1', userId: 'U2' } },
      ' ',
      { channel: 'C1' },
      ' ',
      { time: at },
      ' ',
      { time: at.toISOString(), style: 'time' },
    ]),
    'a b c here @Emma @U2 #C1 2026-03-01 08:09 2026-03-01 08:09',
  );
  assert.equal(spansToText('plain'), 'plain');
  assert.equal(spansToText([{ time: 'no date' }]), '');
});

test('every kind of part has a plain text, one line each', () => {
  const m = message(
    'warn',
    'Title',
    text('one ', { bold: 'two' }),
    fields([
      ['State', 'running'],
      ['Left out', undefined],
      ['Who', [{ person: { teamId: 'T', userId: 'U', name: 'Lars' } }]],
    ]),
    { kind: 'table', columns: ['a', 'b'], rows: [['1', [{ code: '2' }]]] },
    { kind: 'code', text: 'line 1\nline 2', label: 'log' },
    {
      kind: 'progress',
      steps: [
        { title: 'Build', state: 'done', note: '2.1 s' },
        { title: 'Start', state: 'waiting' },
      ],
    },
    actions({ label: 'Yes', command: 'yes' }, { label: 'No', command: 'no' }),
    context('small'),
  );
  assert.deepEqual(messageToText(m).split('\n'), [
    'Title',
    'one two',
    'State: running',
    'Who: @Lars',
    'a | b',
    '1 | 2',
    'line 1',
    'line 2',
    'done Build (2.1 s)',
    'waiting Start',
    '[Yes] [No]',
    'small',
  ]);
  assert.equal(messageToText(message('good', 'Alone')), 'Alone');
});

test('a field is left out only when it is undefined, not when it is empty', () => {
  assert.deepEqual(
    fields([
      ['A', ''],
      ['B', undefined],
      ['C', []],
    ]),
    {
      kind: 'fields',
      fields: [
        { label: 'A', value: '' },
        { label: 'C', value: [] },
      ],
    },
  );
});
