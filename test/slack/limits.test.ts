import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { validateMessage, validateView } from '../../src/practice/blocks/validate.ts';
import { decodeAction } from '../../src/slack/action-value.ts';
import { askModal } from '../../src/slack/modal.ts';
import { renderMessage } from '../../src/slack/render.ts';
import { anyMessage } from './any-message.ts';
import { figure } from './figures.ts';

/** chat.update refuses a longer text, chat.postMessage cuts one (slack.md 1.2). */
const textLimit = 4000;
const origin = { channel: 'C0123456789', threadTs: '1700000000.000001', messageTs: '1700000000.000002', click: 'x'.repeat(60) };

test('no message, no home tab and no form is over any limit of Slack', { timeout: 900_000 }, (t) => {
  const { count, seed } = figure('LIMIT_MESSAGES', 2000);
  let blockCount = 0;
  let forms = 0;
  const property = fc.property(anyMessage(30), (m) => {
    const { text, blocks } = renderMessage(m);
    blockCount += blocks.length;
    assert.ok(text.length >= 1 && text.length <= textLimit, `text of ${text.length} characters`);
    const verdict = validateMessage(blocks, undefined);
    assert.deepEqual(verdict.problems, []);
    assert.equal(verdict.tooLong, false, 'too much text in all blocks');
    assert.deepEqual(validateView({ type: 'home', blocks }), { problems: [], tooLarge: false });
    for (const block of blocks) {
      if (block.type !== 'actions') continue;
      for (const element of block.elements) {
        if (element.type !== 'button' || element.value === undefined) continue;
        const value = decodeAction(element.value);
        assert.ok(value, 'a button must be readable again');
        if (!value.i && !value.o) continue;
        forms++;
        assert.deepEqual(validateView({ ...askModal(value, element.text.text, origin) }), { problems: [], tooLarge: false });
      }
    }
  });
  fc.assert(property, { numRuns: count, seed });
  t.diagnostic(`0 of ${count} messages over a limit (${blockCount} blocks, ${forms} forms), seed ${seed}`);
});
