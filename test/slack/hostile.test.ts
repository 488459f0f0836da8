import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, context, fields, type Message, message, text } from '../../src/core/message.ts';
import { validateMessage } from '../../src/practice/blocks/validate.ts';
import { type MrkdwnNode, parseMrkdwn } from '../../src/practice/page/mrkdwn.js';
import { askModal } from '../../src/slack/modal.ts';
import { renderMessage } from '../../src/slack/render.ts';
import { hostileStrings } from './hostile-corpus.ts';

/** One message with the string in every place where data of a job, a log or a person can stand. */
function everywhere(s: string): Message {
  return message(
    'bad',
    s,
    text(s, ' ', { bold: s }, ' ', { code: s }, ' ', { person: { teamId: s, userId: s, name: s } }, ' ', { channel: s }, ' ', { time: s }),
    fields([
      [s, s],
      ['Reason', [{ bold: s }, s]],
    ]),
    { kind: 'table', columns: [s, 'Job', 'State'], rows: [[s, s, [{ code: s }]]] },
    { kind: 'table', columns: ['a', 'b'], rows: [[s.slice(0, 8), s.slice(-8)]] },
    { kind: 'code', text: s, label: s },
    { kind: 'progress', steps: [{ title: s, state: 'running', note: s }] },
    actions(
      { label: s, command: 'status etl', confirm: { title: s, text: s, yes: s } },
      { label: 'Why', command: 'stop etl {input}', input: { title: s, label: s, placeholder: s } },
    ),
    context(s),
  );
}
/** The same with links: their address is ours, their label is not; and the other way round, where no link may come of it. */
function linked(s: string): Message {
  return message('neutral', 'Links', text({ link: s, url: 'https://sluice.example/jobs/1' }, ' ', { link: 'page', url: s }));
}

type Texts = { mrkdwn: string[]; plain: string[]; verbatim: boolean };
/** Every text object in blocks. */
function textsOf(value: unknown, found: Texts = { mrkdwn: [], plain: [], verbatim: true }): Texts {
  if (Array.isArray(value)) for (const item of value) textsOf(item, found);
  else if (typeof value === 'object' && value !== null) {
    const { type, text: content, verbatim } = value as { type?: string; text?: unknown; verbatim?: boolean };
    if (type === 'mrkdwn' && typeof content === 'string') {
      found.mrkdwn.push(content);
      found.verbatim &&= verbatim === true;
    } else if (type === 'plain_text' && typeof content === 'string') found.plain.push(content);
    for (const inner of Object.values(value)) textsOf(inner, found);
  }
  return found;
}
/** What in mrkdwn would call somebody or lead somewhere. */
function calls(nodes: readonly MrkdwnNode[]): string[] {
  return nodes.flatMap((node) => {
    if ('children' in node) return calls(node.children);
    if (node.type === 'link' || (node.type === 'date' && node.url !== '')) return [`link ${node.url}`];
    return ['user', 'channel', 'group', 'broadcast'].includes(node.type) ? [JSON.stringify(node)] : [];
  });
}
/** Anything at all in angle brackets that our own dates are not: judged without the parser above. */
function brackets(mrkdwn: string): string[] {
  return [...mrkdwn.matchAll(/<[^<>]*>?|>/g)].map((m) => m[0]).filter((found) => !/^<!date\^\d+\^[{}a-z_ ]+\|[\d\- :UTC]+>$/.test(found));
}

test('no string of the corpus mentions or links anybody, wherever it stands', (t) => {
  assert.ok(hostileStrings.length >= 1000 && new Set(hostileStrings).size === hostileStrings.length, `${hostileStrings.length}`);
  for (const s of hostileStrings) {
    const { text: fallback, blocks } = renderMessage(everywhere(s));
    const { mrkdwn, verbatim } = textsOf(blocks);
    const where = JSON.stringify(s);
    assert.ok(verbatim, 'Slack must not look for links and names by itself');
    for (const one of [...mrkdwn, fallback]) {
      assert.deepEqual(calls(parseMrkdwn(one)), [], where);
      assert.deepEqual(brackets(one), [], where);
    }
    assert.deepEqual(validateMessage(blocks, undefined), { problems: [], tooLong: false }, where);
    const form = askModal(
      { c: 'stop etl {input}', i: { t: s.slice(0, 60), l: s.slice(0, 150), p: s.slice(0, 100) } },
      s.slice(0, 75) || '–',
      {
        click: 'c',
      },
    );
    assert.deepEqual(textsOf(form.blocks).mrkdwn, [], 'a form shows data as plain text');
  }
  t.diagnostic(`0 mentions or links from ${hostileStrings.length} strings`);
});

test('a link leads where Sluice says, whatever its label; an address that is none becomes text', () => {
  for (const s of hostileStrings) {
    const { blocks, text: fallback } = renderMessage(linked(s));
    const found = [...textsOf(blocks).mrkdwn, fallback].flatMap((one) => calls(parseMrkdwn(one)));
    for (const call of found) {
      const url = call.replace(/^link /, '');
      const wanted =
        /^https:\/\/sluice\.example\/jobs\/1$/.test(url) || (/^https?:\/\//.test(s) && url.startsWith('https://evil.example/'));
      assert.ok(wanted, `${JSON.stringify(s)} made ${call}`);
      assert.ok(!/[<>|\s]/.test(url), `${url} is encoded`);
    }
  }
});

test('escaped exactly once: what was written is read again', () => {
  for (const s of ['a < b && c > d', '&lt;!channel&gt;', 'R&D', '<T extends Foo<Bar>>', '&amp;amp;']) {
    const { blocks } = renderMessage(message('neutral', 'x', text(s)));
    const shown = parseMrkdwn(textsOf(blocks).mrkdwn[1] ?? '');
    assert.deepEqual(shown, [{ type: 'text', text: s }]);
  }
});
