import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createChanges } from '../../src/practice/changes.ts';
import { createClock } from '../../src/practice/clock.ts';
import { mrkdwnText, visibleText } from '../../src/practice/flatten.ts';
import { formatSlackDate } from '../../src/practice/page/mrkdwn.js';
import { defaultSeed } from '../../src/practice/seed.ts';
import { encodeTyped, escapeText } from '../../src/practice/typed-text.ts';
import { createWorkspace, freshState } from '../../src/practice/workspace.ts';

const ws = createWorkspace(freshState(defaultSeed), createClock(), createChanges());

test('mrkdwn reads as on screen', () => {
  const rows: [string, string][] = [
    ['*bold* _italic_ ~gone~ `code`', 'bold italic gone code'],
    ['latest_restored_path and 2*3*4 stay', 'latest_restored_path and 2*3*4 stay'],
    ['`*raw* <@U0LENA>` &lt;b&gt; &amp;amp;', '*raw* <@U0LENA> <b> &amp;'],
    ['<@U0LENA> <#C0ETL> <!subteam^S0LEADS> <!here>', '@lena #etl @flink-leads @here'],
    ['<https://x.example/a?b=1&amp;c=2|the log> <https://y.example>', 'the log https://y.example'],
    ['since <!date^1700000000^{time}|14 Nov 22:13 UTC>', 'since 14 Nov 22:13 UTC'],
    ['*running on 4/4 tasks*: _done_', 'running on 4/4 tasks: done'],
    ['```\n*raw* &lt;x&gt;\n```', '\n*raw* <x>\n'],
    ['*a <https://x.example|b> c*', 'a b c'],
  ];
  for (const [source, shown] of rows) assert.equal(mrkdwnText(source, ws.names), shown, source);
});

test('escaped text reads as it was written, whatever it holds', () => {
  const quiet = fc.string({ unit: 'binary' }).map((s) => s.replace(/[*_~`:>\r\n]/g, ' '));
  fc.assert(fc.property(quiet, (text) => assert.equal(mrkdwnText(escapeText(text)), text)));
  fc.assert(fc.property(fc.string(), (text) => typeof mrkdwnText(text) === 'string'));
});

test('a message shows its blocks, not its notification text', () => {
  const blocks = [
    { type: 'header', text: { type: 'plain_text', text: 'Head *not bold*' } },
    { type: 'section', text: { type: 'mrkdwn', text: '*v6* by <@U0EMMA>' }, fields: [{ type: 'mrkdwn', text: '*Run*\n1' }] },
    { type: 'context', elements: [{ type: 'mrkdwn', text: 'small' }] },
    { type: 'actions', elements: [{ type: 'button', text: { type: 'plain_text', text: 'Go' } }] },
    {
      type: 'rich_text',
      elements: [
        {
          type: 'rich_text_section',
          elements: [
            { type: 'text', text: 'rich ' },
            { type: 'user', user_id: 'U0LENA' },
          ],
        },
      ],
    },
  ];
  assert.equal(visibleText({ text: 'unseen', blocks }, ws.names), 'Head *not bold*\nv6 by @emma\nRun\n1\nsmall\nrich @lena');
  assert.equal(visibleText({ text: 'seen', attachments: [{ blocks: [blocks[2]] }] }, ws.names), 'seen\nsmall');
});

test('what people type is encoded as Slack encodes it', () => {
  const rows: [string, 'message' | 'command', string][] = [
    ['ask @lena in #etl', 'command', 'ask <@U0LENA|lena> in <#C0ETL|etl>'],
    ['ask @lena', 'message', 'ask <@U0LENA>'],
    ['hey <@U0SLUICE> logs', 'message', 'hey <@U0SLUICE> logs'],
    ['a & b < c', 'command', 'a &amp; b &lt; c'],
    ['see https://x.example/a?b=1&c=2.', 'command', 'see <https://x.example/a?b=1&amp;c=2|https://x.example/a?b=1&amp;c=2>.'],
    ['s3://b/p and me@lena.example', 'command', 's3://b/p and me@lena.example'],
    ['@flink-leads @nobody', 'message', '<!subteam^S0LEADS|@flink-leads> @nobody'],
  ];
  for (const [typed, where, encoded] of rows) assert.equal(encodeTyped(ws, typed, where), encoded);
});

test('dates are shown in words', () => {
  const now = Date.UTC(2026, 10, 25, 12);
  assert.match(formatSlackDate(now / 1000, '{date_short_pretty} {time}', now), /^today \d\d:00$/);
  assert.match(formatSlackDate(now / 1000 - 86_400, '{date_pretty}', now), /^yesterday$/);
  assert.equal(formatSlackDate(now / 1000, 'at {nothing}', now), 'at {nothing}');
});
