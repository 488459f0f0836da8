import fc from 'fast-check';
import type { Action, Message, Part, Span } from '../../src/core/message.ts';

const family = '👩‍👩‍👧‍👦';
/** Texts that renderers get wrong: markup, halves of characters, things that grow when escaped, and far too much of everything. */
const nasty = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 60 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', ' ', '\n', '<!channel>', '&lt;', '```', '`', '*', '|', '<https://evil|x>', '\u202e', '\ud800', family),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.string({ minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 4000 })).map(([s, n]) => s.repeat(n)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('&'.repeat(40_000), family.repeat(900), 'a\n'.repeat(3000), `e${'\u0301'.repeat(5000)}`, '<>'.repeat(6000)),
  },
);
const url = fc.oneof(
  nasty,
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.integer({ min: 0, max: 4000 }).map((n) => `https://x.example/${'a'.repeat(n)}`),
);
const span: fc.Arbitrary<Span> = fc.oneof(
  nasty,
  nasty.map((bold) => ({ bold })),
  nasty.map((code) => ({ code })),
  fc.record({ link: nasty, url }),
  fc.record({ person: fc.record({ teamId: nasty, userId: fc.oneof(nasty, fc.constant('U0EMMA')), name: nasty }) }),
  nasty.map((channel) => ({ channel })),
  fc.record({ time: fc.oneof(nasty, fc.date({ noInvalidDate: false })), style: fc.constantFrom('full' as const, 'time' as const) }),
);
const spans = fc.array(span, { maxLength: 6 });
const cell = fc.oneof(nasty, spans);
const option = fc.record({ label: nasty, value: nasty, description: nasty }, { requiredKeys: ['label', 'value'] });
const action: fc.Arbitrary<Action> = fc.record(
  {
    label: nasty,
    command: fc.oneof(nasty, fc.constantFrom('stop etl {input}', 'restore {choice} {input}')),
    url,
    style: fc.constantFrom('primary' as const, 'danger' as const),
    confirm: fc.record({ title: nasty, text: nasty, yes: nasty }),
    input: fc.record({ title: nasty, label: nasty, placeholder: nasty, optional: fc.boolean(), multiline: fc.boolean() }),
    choice: fc.record({ title: nasty, label: nasty, options: fc.array(option, { maxLength: 150 }) }),
  },
  { requiredKeys: ['label'] },
);
const step = fc.record({
  title: nasty,
  note: nasty,
  state: fc.constantFrom('waiting' as const, 'running' as const, 'done' as const, 'skipped' as const, 'failed' as const),
});
const part: fc.Arbitrary<Part> = fc.oneof(
  spans.map((s): Part => ({ kind: 'text', spans: s })),
  spans.map((s): Part => ({ kind: 'context', spans: s })),
  fc.array(fc.record({ label: nasty, value: cell }), { maxLength: 25 }).map((f): Part => ({ kind: 'fields', fields: f })),
  fc
    .record({ columns: fc.array(nasty, { maxLength: 5 }), rows: fc.array(fc.array(cell, { maxLength: 5 }), { maxLength: 30 }) })
    .map((t): Part => ({ kind: 'table', ...t })),
  fc.record({ text: nasty, label: nasty }).map((c): Part => ({ kind: 'code', ...c })),
  fc.array(step, { maxLength: 30 }).map((steps): Part => ({ kind: 'progress', steps })),
  fc.array(action, { maxLength: 30 }).map((a): Part => ({ kind: 'actions', actions: a })),
);

/** Any message that a command could return, sane or not: up to `parts` parts. */
export function anyMessage(parts: number): fc.Arbitrary<Message> {
  return fc.record({
    tone: fc.constantFrom('neutral' as const, 'good' as const, 'warn' as const, 'bad' as const, 'busy' as const),
    title: nasty,
    parts: fc.array(part, { maxLength: parts }),
  });
}
