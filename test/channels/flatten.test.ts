import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytes, fitLines, safeUrl, scrub, secretsOfUrl } from '../../src/channels/clean.ts';
import { htmlOf } from '../../src/channels/email-html.ts';
import { linesOf, plain, titleOf } from '../../src/channels/flatten.ts';
import { markdown } from '../../src/channels/markdown.ts';
import { outgoingOf } from '../../src/channels/sender.ts';
import { fields, type Message, message, text } from '../../src/core/message.ts';
import { anyMessage } from '../slack/any-message.ts';
import { hostileStrings } from '../slack/hostile-corpus.ts';
import { deliveryOf, incidentMessage, publicUrl } from './rig.ts';

const place = { publicUrl, incident: undefined };
const everywhere = (what: Message) => [
  titleOf(what, 1_000),
  linesOf(what, plain, place).join('\n'),
  linesOf(what, markdown, place).join('\n'),
  htmlOf(outgoingOf(deliveryOf('it', what), undefined), publicUrl),
];

test('a secret is blanked wherever it stands, also when it is split over spans, a label or a column', () => {
  const what = message(
    'bad',
    'password=hunter2secret',
    text({ bold: 'password=' }, { code: 'hunter2secret' }, ' and token=hunter2secret'),
    fields([
      ['Password', 'hunter2secret'],
      ['api_key', [{ code: 'hunter2secret' }]],
    ]),
    { kind: 'table', columns: ['user', 'secret'], rows: [['ada', 'hunter2secret']] },
    { kind: 'code', text: 'jdbc:postgresql://u:hunter2secret@db/x\n-----BEGIN PRIVATE KEY-----\nhunter2secret' },
    { kind: 'progress', steps: [{ title: 'secret: hunter2secret', state: 'done', note: 'token=hunter2secret' }] },
    { kind: 'actions', actions: [{ label: 'pwd=hunter2secret', url: 'https://x.example/?token=hunter2secret' }] },
  );
  for (const written of everywhere(what)) assert.doesNotMatch(written, /hunter2/);
  // What only sounds like a secret stays.
  assert.deepEqual(linesOf(message('good', 'x', fields([['Token rotation', 'done']])), plain, place), ['Token rotation: done']);
});

test('hostile strings lose their control and bidi characters, and links go to http(s) only', () => {
  for (const hostile of hostileStrings) {
    const what = message('bad', hostile, text(hostile, { link: 'x', url: hostile }), fields([[hostile, hostile]]));
    for (const written of everywhere(what)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
      assert.doesNotMatch(written, /[\u0000-\u0008\u200b-\u200f\u202a-\u202e]|\]\(javascript:|href="(?!https?:)/);
      assert.ok(written.isWellFormed());
    }
    assert.equal(titleOf(what, 1_000).includes('\n'), false);
  }
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'ftp://x/', '//x', 'https://', `https://x/${'a'.repeat(3_000)}`, ''])
    assert.equal(safeUrl(bad), undefined, bad);
  assert.equal(safeUrl('https://x.example/a(b)"<c>'), 'https://x.example/a%28b%29%22%3Cc%3E');
});

test('any message becomes lines, each in one line, in every dialect', () => {
  fc.assert(
    fc.property(anyMessage(8), (what) => {
      for (const dialect of [plain, markdown]) for (const line of linesOf(what, dialect, place)) assert.doesNotMatch(line, /\n/);
    }),
    { numRuns: 100 },
  );
});

test('what does not fit is cut at a line and marked, whatever the measure', () => {
  assert.equal(fitLines(['a', 'b'], 3, bytes), 'a\nb');
  assert.equal(fitLines(['a'.repeat(10), 'b'.repeat(100)], 60, bytes), `${'a'.repeat(10)}\n… shortened here, see the page.`);
  const measures = [bytes, (value: string) => Buffer.byteLength(JSON.stringify(value))];
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { maxLength: 20 }),
      fc.integer({ min: 60, max: 2_000 }),
      (lines, limit) => {
        for (const measure of measures) {
          const fitted = fitLines(lines, limit, measure);
          assert.ok(measure(fitted) <= limit, `${measure(fitted)} > ${limit}`);
          if (measure(lines.join('\n')) <= limit) assert.equal(fitted, lines.join('\n'));
        }
      },
    ),
  );
});

test('what the other side repeats of our secrets is blanked in every spelling', () => {
  const url = 'https://open.feishu.cn/open-apis/bot/v2/hook/5e3d587e-d78e-4a07?key=a%2Bb%2Fc1&x=1';
  const secrets = [...secretsOfUrl(url), 'p"ss w/rd+1'];
  const said = `no ${url} nor 5e3d587e-d78e-4a07, a+b/c1, a%2Bb%2Fc1, p"ss w/rd+1, ${JSON.stringify('p"ss w/rd+1')}, ${encodeURIComponent('p"ss w/rd+1')}, ${Buffer.from('p"ss w/rd+1').toString('base64')}!`;
  assert.equal(scrub(said, secrets), 'no *** nor ***, ***, ***, ***, "***", ***, ***!');
});

test('buttons lead to the operation they name, to the job, or to the page', () => {
  const lines = linesOf(
    message('bad', 'x', {
      kind: 'actions',
      actions: [
        { label: 'Try again', command: 'retry op_4k2m9x7qw3tz' },
        { label: 'Resume', command: 'start etl-orders' },
        { label: 'Docs', url: 'https://docs.example/' },
        { label: 'Bad', url: 'javascript:x' },
      ],
    }),
    plain,
    { publicUrl, incident: incidentMessage('firing').incident },
  );
  assert.deepEqual(lines, [
    'On the page: Try again (https://sluice.example/operations/op_4k2m9x7qw3tz) · Resume (https://sluice.example/jobs/etl-orders) · Docs (https://docs.example/) · Bad (https://sluice.example/jobs/etl-orders)',
  ]);
});
