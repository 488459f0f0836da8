import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { message, text } from '../../src/core/message.ts';
import type { Delivery, Sender } from '../../src/outbox/sender.ts';
import { anyMessage } from '../slack/any-message.ts';
import { hostileStrings } from '../slack/hostile-corpus.ts';
import { type Receiver, startReceiver } from './http-receiver.ts';
import { channelsOf, deliveryOf, incidentMessage, senderOf } from './rig.ts';

type Kind = 'wecom' | 'dingtalk' | 'lark';
const ok: Record<Kind, string> = {
  wecom: '{"errcode":0,"errmsg":"ok"}',
  dingtalk: '{"errcode":0,"errmsg":"ok"}',
  lark: '{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}',
};
const token = '693a91f6-7ac4-4bc4-97a0-0ec2sifa5aaa';
interface Rig {
  receiver: Receiver;
  sender: Sender;
  clock: { ms: number };
}
async function rig(t: TestContext, kind: Kind, change: Record<string, unknown> = {}): Promise<Rig> {
  const receiver = await startReceiver(t, { body: ok[kind] });
  const clock = { ms: Date.parse('2026-11-26T10:00:00.123Z') };
  const path = kind === 'lark' ? `/open-apis/bot/v2/hook/${token}` : `/robot/send?access_token=${token}`;
  const env = { ROBOT: receiver.url + path, ROBOT_SECRET: 'SEC-of-the-robot' };
  const channels = channelsOf({ group: { kind, urlFrom: { env: 'ROBOT' }, timeout: '5s', ...change } }, env, { now: () => clock.ms });
  return { receiver, sender: senderOf(channels, kind), clock };
}
const failed = deliveryOf('group', incidentMessage('firing'));
const over = deliveryOf('group', incidentMessage('resolved'));
// biome-ignore lint/suspicious/noExplicitAny: bodies of three vendors, looked into by path
const last = ({ receiver }: Rig): any => receiver.received.at(-1)?.json;

test('WeCom: markdown with people called, text where everybody is called', async (t) => {
  const some = await rig(t, 'wecom', { mention: ['wangqing'] });
  assert.equal((await some.sender.post(failed)).is, 'sent');
  assert.equal(last(some).msgtype, 'markdown');
  const { content } = last(some).markdown;
  assert.match(content, /^🔴 \*\*etl-orders failed\*\*\n/);
  assert.match(content, /\[the dashboard\]\(https:\/\/grafana\.example\/d\/1\?a=1&b=2\)/);
  assert.match(content, /\[Resume\]\(https:\/\/sluice\.example\/jobs\/etl-orders\)/);
  assert.match(content, /\n<@wangqing>$/);
  await some.sender.post(over);
  assert.doesNotMatch(last(some).markdown.content, /wangqing/, 'nobody is called when it is over');

  const everybody = await rig(t, 'wecom', { mention: ['all', 'wangqing'] });
  await everybody.sender.post(failed);
  assert.deepEqual(last(everybody).text.mentioned_list, ['@all', 'wangqing']);
  assert.match(last(everybody).text.content, /^🔴 etl-orders failed\n/);
});

test('DingTalk: signed address, people called in the text and beside it', async (t) => {
  const group = await rig(t, 'dingtalk', { secret: { env: 'ROBOT_SECRET' }, mention: ['15000000000'], keyword: 'Sluice' });
  assert.equal((await group.sender.post(failed)).is, 'sent');
  const { searchParams } = new URL(group.receiver.received[0]?.path ?? '', 'http://x');
  assert.equal(searchParams.get('access_token'), token);
  assert.equal(searchParams.get('timestamp'), String(group.clock.ms));
  assert.equal(
    searchParams.get('sign'),
    createHmac('sha256', 'SEC-of-the-robot').update(`${group.clock.ms}\nSEC-of-the-robot`).digest('base64'),
  );
  assert.deepEqual(last(group).at, { atMobiles: ['15000000000'], isAtAll: false });
  assert.match(last(group).markdown.text, /^🔴 \*\*etl-orders failed\*\* · Sluice/);
  assert.match(last(group).markdown.text, /@15000000000$/);
  assert.equal(last(group).markdown.title, 'etl-orders failed');
  await group.sender.post(over);
  assert.deepEqual(last(group).at, { atMobiles: [], isAtAll: false });
});

test('Lark: a signed card of plain text with buttons', async (t) => {
  const group = await rig(t, 'lark', { secret: { env: 'ROBOT_SECRET' }, mention: ['all'], keyword: 'Flink' });
  assert.equal((await group.sender.post(failed)).is, 'sent');
  const { timestamp, sign, msg_type, card } = last(group);
  assert.equal(timestamp, String(Math.floor(group.clock.ms / 1000)));
  assert.equal(sign, createHmac('sha256', `${timestamp}\nSEC-of-the-robot`).update('').digest('base64'));
  assert.equal(msg_type, 'interactive');
  assert.deepEqual(card.header, { title: { tag: 'plain_text', content: '🔴 etl-orders failed' }, template: 'red' });
  assert.deepEqual(card.elements[1], { tag: 'div', text: { tag: 'lark_md', content: '<at id=all></at>' } });
  assert.deepEqual(card.elements[2].actions[0], {
    tag: 'button',
    text: { tag: 'plain_text', content: 'Resume' },
    type: 'default',
    url: 'https://sluice.example/jobs/etl-orders',
  });
  assert.match(card.elements[0].text.content, /Flink$/);
  await group.sender.post(over);
  assert.equal(last(group).card.header.template, 'green');
});

test('they refuse with status 200: the code in the body decides', async (t) => {
  const table: [Kind, string, string, RegExp][] = [
    ['wecom', '{"errcode":45009,"errmsg":"api freq out of limit"}', 'later', /^45009 api freq/],
    ['wecom', `{"errcode":93000,"errmsg":"invalid webhook url, key=${token}"}`, 'refused', /^93000 invalid webhook url, key=\*\*\*$/],
    ['wecom', '{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}', 'refused', /^40058/],
    ['wecom', '{"errcode":-1,"errmsg":"system busy"}', 'later', /^-1/],
    ['dingtalk', '{"status":1111,"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}', 'later', /^130101/],
    [
      'dingtalk',
      '{"errcode":310000,"errmsg":"keywords not in content, more: [https://ding-doc.dingtalk.com]"}',
      'refused',
      /^310000 keywords/,
    ],
    ['dingtalk', '{"errcode":310000,"errmsg":"sign not match"}', 'refused', /sign not match/],
    ['lark', '{"code":11232,"msg":"frequency limited psm"}', 'later', /^11232/],
    ['lark', '{"code":9499,"msg":"too many request","data":{}}', 'later', /^9499/],
    ['lark', '{"code":9499,"msg":"Bad Request","data":{}}', 'refused', /^9499 Bad Request/],
    ['lark', '{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}', 'refused', /^19021/],
    ['lark', '{"code":19024,"msg":"Key Words Not Found"}', 'refused', /^19024/],
    ['lark', `{"code":19001,"msg":"no hook /open-apis/bot/v2/hook/${token}"}`, 'refused', /^19001 no hook \*\*\*$/],
    ['wecom', '<html>captive portal</html>', 'unknown', /no readable answer/],
    ['lark', '[]', 'unknown', /no readable answer/],
    ['dingtalk', '', 'unknown', /no readable answer/],
  ];
  const rigs = { wecom: await rig(t, 'wecom'), dingtalk: await rig(t, 'dingtalk'), lark: await rig(t, 'lark') };
  for (const [kind, body, is, reason] of table) {
    rigs[kind].receiver.reply = { body };
    const result = await rigs[kind].sender.post(failed);
    assert.equal(result.is, is, body);
    assert.match(result.is === 'sent' ? '' : result.reason, reason);
  }
});

test('DingTalk that was written to too fast is left alone for its ten minutes', async (t) => {
  const group = await rig(t, 'dingtalk');
  group.receiver.reply = { body: '{"errcode":130101,"errmsg":"send too fast"}' };
  assert.deepEqual(await group.sender.post(failed), { is: 'later', afterMs: 600_000, reason: '130101 send too fast' });
});

test('no more is sent in a minute than the robot takes', async (t) => {
  const group = await rig(t, 'wecom');
  for (let i = 0; i < 20; i++) {
    assert.equal((await group.sender.post(failed)).is, 'sent');
    group.clock.ms += 1_000;
  }
  assert.deepEqual(await group.sender.post(failed), { is: 'later', afterMs: 40_000, reason: 'it takes 20 messages a minute' });
  assert.equal(group.receiver.received.length, 20);
  group.clock.ms += 40_000;
  assert.equal((await group.sender.post(failed)).is, 'sent');
});

test('nothing in a message makes a mention, a font, a link or a picture', async (t) => {
  const rigs = { wecom: await rig(t, 'wecom'), dingtalk: await rig(t, 'dingtalk'), lark: await rig(t, 'lark') };
  const nasty = [
    '<@wangqing>',
    '@all',
    '@15000000000',
    '<font color="warning">x</font>',
    '[x](https://evil.example)',
    '![x](https://evil.example/a.png)',
    '# big',
    '**bold**',
    '<at id=all></at>',
  ];
  for (const [i, hostile] of [...nasty, ...hostileStrings.filter((_, i) => i % 11 === 0)].entries()) {
    const what = message(
      'bad',
      hostile,
      text(hostile, { bold: hostile }, { code: hostile }, { link: hostile, url: 'https://ok.example/' }),
      { kind: 'code', text: hostile },
    );
    for (const kind of ['wecom', 'dingtalk', 'lark'] as const) {
      rigs[kind].clock.ms += 60_000;
      assert.equal((await rigs[kind].sender.post(deliveryOf('group', what, { outboxId: `msg_${i}` }))).is, 'sent');
    }
    for (const written of [last(rigs.wecom).markdown.content, last(rigs.dingtalk).markdown.text] as string[]) {
      assert.doesNotMatch(written, /<[^ ]|!\[|@all|@\d|hunter2/);
      for (const [, url] of written.matchAll(/\]\(([^)]*)\)/g)) assert.equal(url, 'https://ok.example/');
      assert.doesNotMatch(written, /^ *#/m);
    }
    const card = last(rigs.lark).card;
    assert.ok(
      card.elements.every((element: { text?: { tag: string } }) => element.text === undefined || element.text.tag === 'plain_text'),
    );
  }
});

test("any message keeps within the vendors' limits", async (t) => {
  const wecom = await rig(t, 'wecom', { mention: ['wangqing'] });
  const wecomAll = await rig(t, 'wecom', { mention: ['all'] });
  const dingtalk = await rig(t, 'dingtalk', { mention: ['15000000000'] });
  const lark = await rig(t, 'lark', { mention: ['all'] });
  await fc.assert(
    fc.asyncProperty(anyMessage(8), async (what) => {
      const delivery: Delivery = deliveryOf('group', { ...what, tone: 'bad' });
      for (const each of [wecom, wecomAll, dingtalk, lark]) {
        each.clock.ms += 60_000;
        assert.equal((await each.sender.post(delivery)).is, 'sent');
      }
      assert.ok(Buffer.byteLength(last(wecom).markdown.content) <= 4_096);
      assert.ok(Buffer.byteLength(last(wecomAll).text.content) <= 2_048);
      assert.ok(Buffer.byteLength(dingtalk.receiver.received.at(-1)?.body ?? '') <= 20_000);
      assert.ok(Buffer.byteLength(lark.receiver.received.at(-1)?.body ?? '') <= 20 * 1024);
    }),
    { numRuns: 50 },
  );
});

test('news is a new message, a repaint is none', async (t) => {
  for (const kind of ['wecom', 'dingtalk', 'lark'] as const) {
    const group = await rig(t, kind);
    const first = await group.sender.post(failed);
    assert.ok(first.is === 'sent');
    await group.sender.update({ ...deliveryOf('group', { ...incidentMessage('firing'), parts: [text('seen 9 times')] }), ts: first.ts });
    assert.equal(group.receiver.received.length, 1, kind);
    await group.sender.update({ ...over, ts: first.ts });
    assert.equal(group.receiver.received.length, 2, kind);
  }
});
