import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Action, actions, context, fields, type Message, message, type Part, type Span, text } from '../../src/core/message.ts';
import { decodeAction } from '../../src/slack/action-value.ts';
import { renderMessage } from '../../src/slack/render.ts';

interface AnyBlock {
  type: string;
  text?: { text: string };
  fields?: { text: string }[];
  elements?: { type: string; text: string | { text: string }; action_id?: string; value?: string; url?: string; confirm?: unknown }[];
}
function blocksOf(m: Message): AnyBlock[] {
  return renderMessage(m).blocks as unknown as AnyBlock[];
}
function textsOf(blocks: AnyBlock[]): string[] {
  return blocks.flatMap((b) => [
    ...(b.text ? [b.text.text] : []),
    ...(b.fields ?? []).map((f) => f.text),
    ...(b.elements ?? []).map((e) => (typeof e.text === 'string' ? e.text : e.text.text)),
  ]);
}
const strings = (m: Message) => textsOf(blocksOf(m)).join('\n');

test('a message of every part reads as written', () => {
  const m = message(
    'busy',
    'Starting etl-orders v8',
    text('On ', { code: 'flink-prod' }, ' for ', { person: { teamId: 'T1', userId: 'U0LEAD1' } }, ', see ', {
      link: 'the page',
      url: 'https://sluice.example/jobs/1?a=1&b=2',
    }),
    fields([
      ['Job', 'etl-orders'],
      ['Since', [{ time: new Date('2026-11-22T14:03:20Z') }]],
      ['Gone', undefined],
    ]),
    {
      kind: 'progress',
      steps: [
        { title: 'Plan', state: 'done' },
        { title: 'Submit', state: 'running', note: '2.1 s' },
        { title: 'Run', state: 'waiting' },
        { title: 'Build', state: 'skipped' },
        { title: 'Prove', state: 'failed' },
      ],
    },
    context('asked by ', { channel: 'C0FLINK' }),
  );
  const [title, prose, facts, steps, grey] = blocksOf(m);
  assert.equal(title?.text?.text, '⏳ *Starting etl-orders v8*');
  assert.equal(prose?.text?.text, 'On `flink-prod` for <@U0LEAD1>, see <https://sluice.example/jobs/1?a=1&amp;b=2|the page>');
  assert.deepEqual(
    facts?.fields?.map((f) => f.text),
    ['*Job*\netl-orders', '*Since*\n<!date^1795356200^{date_short_pretty} {time}|2026-11-22 14:03 UTC>'],
  );
  assert.equal(steps?.text?.text, '✓ Plan\n▸ *Submit*  2.1 s\n○ Run\n– Build\n✗ Prove');
  assert.deepEqual(textsOf([grey as AnyBlock]), ['asked by <#C0FLINK>']);
  assert.ok(renderMessage(m).text.startsWith('⏳ Starting etl-orders v8\nOn flink-prod'));
});

test('data is escaped exactly once and cannot make mentions, links or close a code span', () => {
  const evil = '<!channel> & <https://evil|click> `x` &amp;';
  const out = strings(message('bad', evil, text(evil, { code: evil }), { kind: 'code', text: `${evil}\n\`\`\`\n*not out*` }));
  assert.ok(out.includes('&lt;!channel&gt; &amp; &lt;https://evil|click&gt;'));
  assert.ok(out.includes('&amp;amp;') && !out.includes('&amp;amp;amp;'));
  assert.ok(!/<[!@#h]/.test(out));
  assert.equal(out.split('```').length, 3);
  for (const block of blocksOf(message('bad', evil))) if (block.text) assert.equal((block.text as { verbatim?: boolean }).verbatim, true);
  assert.ok(!renderMessage(message('bad', evil)).text.includes('<'));
});

test('a link is http(s) only, with what would end it percent-encoded; ids that are none are text', () => {
  const out = strings(
    message(
      'neutral',
      't',
      text({ link: 'a', url: 'javascript:alert(1)' }, { link: 'b|>', url: 'https://x.example/q?a=<b>|c' }),
      text({ person: { teamId: 'T', userId: '!channel>', name: 'x' } }, { channel: 'C1|<!here>' }),
    ),
  );
  assert.ok(out.includes('a<https://x.example/q?a=%3Cb%3E%7Cc|b|&gt;>'));
  assert.ok(out.includes('@x#C1|&lt;!here&gt;'));
});

test('secrets are redacted wherever they stand, also split over spans and in fields', () => {
  const token = 'xoxb-1234567890-abcdef';
  const out = renderMessage(
    message(
      'bad',
      `used ${token}`,
      text(`password=hunter2`, { bold: token }),
      text('password=', { code: 'hunter3' }),
      fields([
        ['Password', 'hunter4'],
        ['Repository', 'https://git:hunter5@git.example/x.git'],
      ]),
      { kind: 'code', text: `-----BEGIN PRIVATE KEY-----\nhunter6\n-----END PRIVATE KEY-----` },
      { kind: 'table', columns: ['a'], rows: [[`secret: hunter7`]] },
      { kind: 'progress', steps: [{ title: token, state: 'done', note: 'pwd=hunter8' }] },
      actions({ label: `Use ${token}`, command: 'status' }, { label: 'Carry', command: `set x password=hunter9` }),
    ),
  );
  const all = JSON.stringify(out);
  assert.ok(!/hunter\d/.test(all), all.match(/.{40}hunter\d/)?.[0]);
  assert.ok(!all.includes(token));
  assert.ok(all.includes('type it instead: Carry'));
});

test('a small table is aligned in a fence, a wide one or one with markup is a line for each row', () => {
  const small = strings(
    message('good', 't', {
      kind: 'table',
      columns: ['Job', 'State'],
      rows: [
        ['etl-orders', 'RUNNING'],
        ['b', 'FAILED'],
      ],
    }),
  );
  assert.ok(small.includes('```\nJob         State\netl-orders  RUNNING\nb           FAILED\n```'));
  const linked = strings(
    message('good', 't', {
      kind: 'table',
      columns: ['Job', 'State', 'Version'],
      rows: [[[{ link: 'etl', url: 'https://x.example/' }], 'RUNNING', 'v3']],
    }),
  );
  assert.ok(linked.includes('<https://x.example/|etl> · RUNNING · version v3'));
  const long = strings(
    message('good', 't', { kind: 'table', columns: ['Job', 'S'], rows: Array.from({ length: 500 }, (_, i) => [`job-${i}`, 'RUNNING']) }),
  );
  const shown = long.match(/^job-\d+/gm)?.length ?? 0;
  assert.ok(shown > 50 && long.includes(`… ${500 - shown} more, see the page.`));
});

test('a long log keeps its head and its tail and says how much is left out', () => {
  const lines = Array.from({ length: 2000 }, (_, i) => `line ${i} of the log`);
  const out = strings(message('bad', 't', { kind: 'code', text: lines.join('\n'), label: 'Tail' }));
  assert.ok(out.includes('*Tail*\n```\nline 0 of the log'));
  assert.ok(out.includes('line 1999 of the log\n```'));
  const shown = out.match(/^line/gm)?.length ?? 0;
  assert.ok(out.includes(`(${2000 - shown} lines left out here)`));
});

test('buttons carry the command, five in a row, with confirmation and link', () => {
  const list: Action[] = Array.from({ length: 12 }, (_, i) => ({ label: `B${i}`, command: `status job-${i}` }));
  list.push({
    label: 'Stop',
    command: 'stop etl',
    style: 'danger',
    confirm: { title: 'Stop etl?', text: 'It is production.', yes: 'Stop it' },
  });
  list.push({ label: 'Page', url: 'https://sluice.example/jobs' }, { label: 'Bad', url: 'file:///etc/passwd' });
  const rows = blocksOf(message('neutral', 't', actions(...list), actions({ label: 'Other', command: 'help' }))).filter(
    (b) => b.type === 'actions',
  );
  assert.deepEqual(
    rows.map((r) => r.elements?.length),
    [5, 5, 4, 1],
  );
  const buttons = rows.flatMap((r) => r.elements ?? []);
  assert.equal(new Set(buttons.map((b) => b.action_id)).size, 15);
  assert.equal(decodeAction(buttons[3]?.value ?? '')?.c, 'status job-3');
  assert.equal(buttons[13]?.url, 'https://sluice.example/jobs');
  assert.deepEqual((buttons[12] as unknown as { confirm: { confirm: { text: string } } }).confirm.confirm.text, 'Stop it');
});

test('when a message is too long its buttons and steps stay and the cut is visible', () => {
  const log: Part = { kind: 'code', text: 'y'.repeat(90_000) };
  const m = message(
    'bad',
    't',
    text('x'.repeat(9000)),
    log,
    log,
    log,
    log,
    { kind: 'progress', steps: [{ title: 'Only', state: 'done' }] },
    actions({ label: 'Go', command: 'status' }),
  );
  const out = strings(m);
  assert.ok(out.includes('✓ Only') && out.includes('Go') && out.includes('… shortened here, see the page.'));
});

const nasty = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '<!channel>',
    '<@U0BAD>',
    '<!subteam^S1>',
    '&lt;',
    '```',
    '`',
    '*',
    '|',
    '<https://evil|x>',
    '\u202e',
    '\ud800',
    '👩‍👩‍👧‍👦',
    '',
  ),
  fc.string({ minLength: 1, maxLength: 8 }).map((s) => s.repeat(900)),
  fc.constantFrom('&'.repeat(4000), '👩‍👩‍👧‍👦'.repeat(900), 'a\n'.repeat(3000), `e${'\u0301'.repeat(5000)}`),
);
const span: fc.Arbitrary<Span> = fc.oneof(
  nasty,
  nasty.map((bold) => ({ bold })),
  nasty.map((code) => ({ code })),
  fc.record({ link: nasty, url: fc.oneof(nasty, fc.webUrl({ withQueryParameters: true, withFragments: true })) }),
  fc.record({ person: fc.record({ teamId: nasty, userId: nasty, name: nasty }) }),
  nasty.map((channel) => ({ channel })),
  fc.record({ time: fc.oneof(nasty, fc.date({ noInvalidDate: false })) }),
);
const spans = fc.array(span, { maxLength: 6 });
const cell = fc.oneof(nasty, spans);
const action: fc.Arbitrary<Action> = fc.record(
  {
    label: nasty,
    command: nasty,
    url: fc.oneof(nasty, fc.webUrl()),
    style: fc.constantFrom('primary' as const, 'danger' as const),
    confirm: fc.record({ title: nasty, text: nasty, yes: nasty }),
    input: fc.record({ title: nasty, label: nasty, placeholder: nasty }),
    choice: fc.record({ title: nasty, label: nasty, options: fc.array(fc.record({ label: nasty, value: nasty }), { maxLength: 150 }) }),
  },
  { requiredKeys: ['label'] },
);
const part: fc.Arbitrary<Part> = fc.oneof(
  spans.map((s): Part => ({ kind: 'text', spans: s })),
  spans.map((s): Part => ({ kind: 'context', spans: s })),
  fc.array(fc.record({ label: nasty, value: cell }), { maxLength: 25 }).map((f): Part => ({ kind: 'fields', fields: f })),
  fc
    .record({ columns: fc.array(nasty, { maxLength: 5 }), rows: fc.array(fc.array(cell, { maxLength: 5 }), { maxLength: 30 }) })
    .map((t): Part => ({ kind: 'table', ...t })),
  fc.record({ text: nasty, label: nasty }).map((c): Part => ({ kind: 'code', ...c })),
  fc
    .array(fc.record({ title: nasty, note: nasty, state: fc.constantFrom('waiting' as const, 'running' as const, 'done' as const) }), {
      maxLength: 30,
    })
    .map((steps): Part => ({ kind: 'progress', steps })),
  fc.array(action, { maxLength: 30 }).map((a): Part => ({ kind: 'actions', actions: a })),
);
const anyMessage: fc.Arbitrary<Message> = fc.record({
  tone: fc.constantFrom('neutral' as const, 'good' as const, 'warn' as const, 'bad' as const, 'busy' as const),
  title: nasty,
  parts: fc.array(part, { maxLength: 60 }),
});

test('no message, however hostile, exceeds a limit of Slack or makes a mention', () => {
  fc.assert(
    fc.property(anyMessage, (m) => {
      const { text: fallback, blocks } = renderMessage(m);
      const all = blocks as unknown as AnyBlock[];
      assert.ok(all.length >= 1 && all.length <= 50);
      assert.ok(fallback.length >= 1 && fallback.length <= 3000);
      const ids = new Set<string>();
      for (const block of all) {
        if (block.type === 'section' && block.text) assert.ok(block.text.text.length >= 1 && block.text.text.length <= 3000);
        if (block.fields) {
          assert.ok(block.fields.length >= 1 && block.fields.length <= 10);
          for (const f of block.fields) assert.ok(f.text.length >= 1 && f.text.length <= 2000);
        }
        if (block.elements) assert.ok(block.elements.length >= 1 && block.elements.length <= 10);
        for (const e of block.elements ?? []) {
          if (block.type !== 'actions') continue;
          const label = (e.text as unknown as { text: string }).text;
          assert.ok(label.length >= 1 && label.length <= 75);
          assert.ok((e.value ?? '').length <= 2000 && (e.url ?? '').length <= 3000);
          assert.ok(e.action_id && !ids.has(e.action_id));
          ids.add(e.action_id);
        }
      }
      const texts = textsOf(all);
      assert.ok(texts.join('').length < 10_000);
      for (const t of [...texts, fallback]) {
        assert.ok(t.isWellFormed());
        if (all.some((b) => b.type === 'actions' && b.elements?.some((e) => typeof e.text !== 'string' && e.text.text === t))) continue;
        // Buttons are plain_text, where nothing is markup; everywhere else only our own dates and http(s) links are left.
        const rest = t.replace(/<!date\^\d+\^[^<>|]+\|[^<>|]+>/g, '').replace(/<https?:\/\/[^<>|]+\|[^<>]*>/g, '');
        assert.ok(!/[<>]/.test(rest), rest);
      }
    }),
    { numRuns: 40 },
  );
});

test('a space at the end of bold text stands outside the asterisks, where Slack still makes it bold', () => {
  assert.match(
    strings(message('neutral', 'x', text({ bold: 'No checkpointing: ' }, 'a crash loses all'))),
    /\*No checkpointing:\* a crash/,
  );
});
