import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import parseWords from 'string-argv';
import { quoteTyped } from '../../src/commands/typed-word.ts';
import type { Action } from '../../src/core/message.ts';
import { decodeAction, encodeAction } from '../../src/slack/action-value.ts';
import { askModal, lineOfForm } from '../../src/slack/modal.ts';

const origin = { channel: 'C0ETL', threadTs: '1.2', messageTs: '3.4', click: 'action:T1:U1:3.4:run:1:5.6' };
function modalOf(action: Action) {
  const value = decodeAction(encodeAction(action) ?? '');
  assert.ok(value);
  return askModal(value, action.label, origin);
}
const paths = (n: number) => Array.from({ length: n }, (_, i) => `s3://flink-state/prod/savepoints/etl-orders/savepoint-${i}-0123456789ab`);
const restore = (n: number): Action => ({
  label: 'Restore',
  command: 'restore etl-orders --from {choice} --reason {input}',
  input: { title: 'Why go back in time?', label: 'Reason', placeholder: 'bad deploy' },
  choice: {
    title: 'Restore etl-orders from a restore point',
    label: 'Restore point',
    options: paths(n).map((value, i) => ({ label: `${i} min old`, description: 'final, v3', value })),
  },
});

test('choice and typed value come from one form and go into the command as one word each', () => {
  const modal = modalOf(restore(3));
  assert.ok(modal.title.text.length <= 24);
  assert.deepEqual(
    modal.blocks.map((b) => b.type),
    ['input', 'input'],
  );
  const form = lineOfForm(modal.private_metadata ?? '', {
    choice: { choice: { selected_option: { value: '1' } } },
    input: { input: { value: 'wrong "prices" {choice} $& today' } },
  });
  assert.equal(form?.line, `restore etl-orders --from ${paths(3)[1]} --reason "wrong 'prices' {choice} $& today"`);
  assert.deepEqual(form?.origin, origin);
});

test('a long title is cut in the bar and shown whole in the form', () => {
  const { input: _, ...choiceOnly } = restore(1);
  const modal = modalOf(choiceOnly);
  assert.equal(modal.title.text, 'Restore etl-orders from…');
  assert.equal((modal.blocks[0] as { text: { text: string } }).text.text, 'Restore etl-orders from a restore point');
});

test('many options: descriptions go first, then the last options, and the form says how many are missing', () => {
  const modal = modalOf(restore(90));
  const select = modal.blocks.find((b) => b.type === 'input') as unknown as { element: { options: { value: string }[] } };
  const shown = select.element.options.length;
  assert.ok(shown >= 20, `${shown} options fit`);
  assert.ok(JSON.stringify(modal.blocks).includes(`${90 - shown} more are not shown here`));
  assert.ok((modal.private_metadata ?? '').length <= 3000);
  const form = lineOfForm(modal.private_metadata ?? '', { choice: { choice: { selected_option: { value: String(shown - 1) } } } });
  assert.ok(form?.line.includes(`--from ${paths(90)[shown - 1]} `));
});

test('what was not made here is refused: other metadata, no choice, a choice that is none, other button values', () => {
  const metadata = modalOf(restore(2)).private_metadata ?? '';
  assert.equal(lineOfForm('{"x":1}', {}), undefined);
  assert.equal(lineOfForm('not json', {}), undefined);
  assert.equal(lineOfForm(metadata, {}), undefined);
  assert.equal(lineOfForm(metadata, { choice: { choice: { selected_option: { value: '7' } } } }), undefined);
  assert.equal(decodeAction('start etl'), undefined);
  assert.equal(decodeAction('{"c":1}'), undefined);
  assert.equal(encodeAction({ label: 'x', command: 'y'.repeat(2000) }), undefined);
});

test('any typed text stays one word, with only double quotes changed', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('a "b" c', '“x”', "it's", '', '{choice}', '--flag x')),
      (typed) => {
        const words = parseWords(`ack ${quoteTyped(typed, false)} end`);
        assert.equal(words.length, 3);
        const expected = typed
          // biome-ignore lint/suspicious/noControlCharactersInRegex: those are removed
          .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '')
          .replace(/\s+/g, ' ')
          .trim()
          .replace(/["“”„‟«»]/g, "'");
        assert.equal(words[1], expected);
      },
    ),
  );
  assert.deepEqual(parseWords(`x ${quoteTyped('a\nb "c"', true)}`), ['x', "a\nb 'c'"]);
});

test('buttons and forms never exceed what Slack takes', () => {
  const word = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ minLength: 1, maxLength: 6 }).map((s) => s.repeat(60)),
  );
  const options = fc.array(fc.record({ label: word, description: word, value: word }), { maxLength: 130 });
  fc.assert(
    fc.property(word, word, word, options, (command, title, label, list) => {
      const value = encodeAction({ label, command, input: { title, label, placeholder: label }, choice: { title, label, options: list } });
      if (value === undefined) return;
      assert.ok(value.length <= 2000);
      const decoded = decodeAction(value);
      assert.ok(decoded);
      const modal = askModal(decoded, label || '–', origin);
      assert.ok(modal.title.text.length >= 1 && modal.title.text.length <= 24 && (modal.submit?.text.length ?? 0) <= 24);
      assert.ok((modal.private_metadata ?? '').length <= 3000);
      for (const block of modal.blocks as unknown as {
        label?: { text: string };
        element?: { options?: { text: { text: string }; description?: { text: string } }[] };
      }[]) {
        if (block.label) assert.ok(block.label.text.length >= 1 && block.label.text.length <= 2000);
        assert.ok((block.element?.options?.length ?? 1) >= 1 && (block.element?.options?.length ?? 0) <= 100);
        for (const o of block.element?.options ?? [])
          assert.ok(o.text.text.length >= 1 && o.text.text.length <= 75 && (o.description?.text.length ?? 0) <= 75);
      }
    }),
    { numRuns: 60 },
  );
});
