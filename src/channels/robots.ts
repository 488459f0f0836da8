import { createHmac } from 'node:crypto';
import type { SettingsOf } from '../config/channels.ts';
import type { HttpAnswer } from '../core/http.ts';
import type { Action, Tone } from '../core/message.ts';
import type { Channel, ChannelDeps, Outgoing, SendResult } from './channel.ts';
import { bytes, cleanLine, fitLines, scrub, secretsOfUrl } from './clean.ts';
import { linesOf, plain, titleOf } from './flatten.ts';
import { postJson, readSecrets, resultOfStatus } from './http-channel.ts';
import { markdown, tame } from './markdown.ts';
import { linkOf, pageOf } from './page-links.ts';
import { createWindow } from './pauses.ts';

/** What one vendor's group robot takes and answers. */
interface Preset<S> {
  /** Messages a minute that it takes; more are held back here. */
  perMinute: number;
  /** The request for a message; `now` in milliseconds. */
  request(
    robot: { settings: S; url: string; secret: string | undefined; now: number; publicUrl: string },
    outgoing: Outgoing,
  ): {
    url: string;
    body: unknown;
  };
  /** Where an answer with status 200 says whether it worked. */
  codeKeys: readonly string[];
  textKeys: readonly string[];
  /** Codes that mean "not now", with how long to wait. */
  later: Readonly<Record<number, number>>;
  isBusyText?: RegExp;
}
type RobotSettings = SettingsOf<'wecom'> | SettingsOf<'dingtalk'> | SettingsOf<'lark'>;

const marks: Record<Tone, string> = { neutral: '', busy: '⏳ ', good: '✅ ', warn: '⚠️ ', bad: '🔴 ' };
const minuteMs = 60_000;

/**
 * WeCom: `markdown` of at most 4,096 bytes, or, to call everybody, which markdown cannot, `text` of at most 2,048; 20 messages a minute.
 * Errors come with status 200: 45009 too often, 93000 the robot is gone, 40058 too long.
 * Sources: https://developer.work.weixin.qq.com/document/path/99110 (formats, limits, `<@userid>`), dromara/domain-admin#82 (40058),
 * wes-lin/Cloud189Checkin#175 (93000).
 */
const wecom: Preset<SettingsOf<'wecom'>> = {
  perMinute: 20,
  request({ settings, url, publicUrl }, outgoing) {
    const place = { publicUrl, incident: outgoing.incident };
    const called = callsOf(settings, outgoing);
    if (called.includes('all')) {
      const lines = [plainTitle(outgoing, settings.keyword), ...linesOf(outgoing.message, plain, place)];
      const content = fitLines(lines, 2_048, bytes);
      return { url, body: { msgtype: 'text', text: { content, mentioned_list: called.map((who) => (who === 'all' ? '@all' : who)) } } };
    }
    const tail = called.length === 0 ? '' : `\n${called.map((who) => `<@${who}>`).join(' ')}`;
    const lines = [boldTitle(outgoing, settings.keyword), ...linesOf(outgoing.message, markdown, place)];
    return { url, body: { msgtype: 'markdown', markdown: { content: fitLines(lines, 4_096 - bytes(tail), bytes) + tail } } };
  },
  codeKeys: ['errcode'],
  textKeys: ['errmsg'],
  later: { [-1]: 30_000, 45009: minuteMs, 45033: minuteMs },
};

/**
 * DingTalk: `markdown` within a request of 20,000 bytes; 20 messages a minute, else nothing is taken for ten. With a secret, the address
 * gets `timestamp` (ms) and `sign`, the Base64 of HMAC-SHA256(secret, timestamp + "\n" + secret). Who is called must stand in the text
 * too. Errors come with status 200: 130101 and 410100 too often, 310000 signature, keyword or address not allowed.
 * Sources: https://open.dingtalk.com/document/robots/custom-robot-access and .../customize-robot-security-settings,
 * ccfos/nightingale#369 (130101), timonwong/prometheus-webhook-dingtalk#197 and jenkinsci/dingtalk-plugin#116 (310000).
 */
const dingtalk: Preset<SettingsOf<'dingtalk'>> = {
  perMinute: 20,
  request({ settings, url, secret, now, publicUrl }, outgoing) {
    const called = callsOf(settings, outgoing);
    const mobiles = called.filter((who) => who !== 'all');
    const tail = mobiles.length === 0 ? '' : `\n\n${mobiles.map((mobile) => `@${mobile}`).join(' ')}`;
    const lines = [
      boldTitle(outgoing, settings.keyword),
      ...linesOf(outgoing.message, markdown, { publicUrl, incident: outgoing.incident }),
    ];
    // A line break alone is none in its markdown.
    const text =
      fitLines(
        lines.map((line) => `${line}  `),
        18_000 - bytes(tail),
        jsonBytes,
      ) + tail;
    const body = {
      msgtype: 'markdown',
      markdown: { title: tame(titleOf(outgoing.message, 100)), text },
      at: { atMobiles: mobiles, isAtAll: called.includes('all') },
    };
    if (secret === undefined) return { url, body };
    const signed = new URL(url);
    signed.searchParams.set('timestamp', String(now));
    signed.searchParams.set('sign', createHmac('sha256', secret).update(`${now}\n${secret}`).digest('base64'));
    return { url: signed.href, body };
  },
  codeKeys: ['errcode'],
  textKeys: ['errmsg'],
  later: { [-1]: 30_000, 130101: 10 * minuteMs, 410100: 10 * minuteMs },
};

/**
 * Lark and Feishu: a card within a request of 20 KB; 100 messages a minute. With a secret, the body gets `timestamp` (s) and `sign`, the
 * Base64 of HMAC-SHA256 of nothing with the key timestamp + "\n" + secret. Data stands in `plain_text`, which knows no markup. Errors come
 * with status 200: 11232 and 9499 "too many request" too often, 19021 signature, 19022 address, 19024 keyword.
 * Source: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (limits, signature, codes).
 */
const lark: Preset<SettingsOf<'lark'>> = {
  perMinute: 100,
  request({ settings, url, secret, now, publicUrl }, outgoing) {
    const { message, incident } = outgoing;
    const seconds = String(Math.floor(now / 1000));
    const signature =
      secret === undefined ? {} : { timestamp: seconds, sign: createHmac('sha256', `${seconds}\n${secret}`).update('').digest('base64') };
    const words = linesOf({ ...message, parts: message.parts.filter((part) => part.kind !== 'actions') }, plain, { publicUrl, incident });
    if (settings.keyword !== undefined) words.push(settings.keyword);
    const text = fitLines(words, 9_000, jsonBytes);
    const called = callsOf(settings, outgoing);
    const card = {
      config: { wide_screen_mode: true },
      header: { title: plainText(plainTitle(outgoing, undefined)), template: larkColours[message.tone] },
      elements: [
        ...(text === '' ? [] : [{ tag: 'div', text: plainText(text) }]),
        ...(called.length === 0
          ? []
          : [{ tag: 'div', text: { tag: 'lark_md', content: called.map((who) => `<at id=${who}></at>`).join(' ') } }]),
        { tag: 'action', actions: larkButtons(outgoing, publicUrl) },
      ],
    };
    return { url, body: { ...signature, msg_type: 'interactive', card } };
  },
  codeKeys: ['code', 'StatusCode'],
  textKeys: ['msg', 'StatusMessage'],
  later: { 11232: minuteMs },
  isBusyText: /too many|frequen/i,
};
const larkColours: Record<Tone, string> = { neutral: 'blue', busy: 'blue', good: 'green', warn: 'orange', bad: 'red' };
function larkButtons({ message, incident }: Outgoing, publicUrl: string): object[] {
  const buttons: Pick<Action, 'label' | 'command' | 'url'>[] = message.parts
    .flatMap((part) => (part.kind === 'actions' ? part.actions : []))
    .slice(0, 5);
  const all = buttons.length > 0 ? buttons : [{ label: 'Page', url: pageOf(publicUrl, incident) }];
  return all.map((action) => ({
    tag: 'button',
    text: plainText(cleanLine(action.label, 60) || 'Open'),
    type: 'default',
    url: linkOf(action, publicUrl, incident).slice(0, 1_000),
  }));
}
function plainText(content: string): object {
  return { tag: 'plain_text', content };
}

/** A group robot of WeCom. */
export function createWecom(settings: SettingsOf<'wecom'>, deps: ChannelDeps): Channel {
  return createRobot(wecom, settings, deps);
}
/** A group robot of DingTalk. */
export function createDingtalk(settings: SettingsOf<'dingtalk'>, deps: ChannelDeps): Channel {
  return createRobot(dingtalk, settings, deps);
}
/** A group robot of Lark or Feishu. */
export function createLark(settings: SettingsOf<'lark'>, deps: ChannelDeps): Channel {
  return createRobot(lark, settings, deps);
}

/** Robots cannot change what they said and know no threads: news is a new message, a repeated one may be seen twice. */
function createRobot<S extends RobotSettings>(preset: Preset<S>, settings: S, deps: ChannelDeps): Channel {
  const clock = deps.now ?? Date.now;
  const room = createWindow(preset.perMinute, minuteMs, clock);
  return {
    takesRepaints: false,
    async send(outgoing) {
      const read = readSecrets({ url: settings.urlFrom, secret: 'secret' in settings ? settings.secret : undefined }, deps);
      if ('failed' in read) return read.failed;
      const { url = '', secret } = read.values;
      if (!/^https?:\/\//.test(url) || !URL.canParse(url))
        return { is: 'refused', reason: 'the address of the robot does not begin with http:// or https://' };
      const waitMs = room.takeMs();
      if (waitMs > 0) return { is: 'later', afterMs: waitMs, reason: `it takes ${preset.perMinute} messages a minute` };
      const request = preset.request({ settings, url, secret, now: clock(), publicUrl: deps.publicUrl }, outgoing);
      const posted = await postJson({ url: request.url, body: JSON.stringify(request.body), timeoutMs: settings.timeout });
      if ('failed' in posted) return posted.failed;
      return resultOfAnswer(
        preset,
        posted.answer,
        [...secretsOfUrl(request.url), ...secretsOfUrl(url), ...(secret ? [secret] : [])],
        clock(),
      );
    },
  };
}

/** Robots answer with status 200 also when they refuse: the code in the body decides. */
function resultOfAnswer<S>(preset: Preset<S>, answer: HttpAnswer, secrets: readonly string[], now: number): SendResult {
  if (answer.status !== 200) return resultOfStatus(answer, secrets, now);
  const said = parsed(answer.body);
  const code = preset.codeKeys.map((key) => said?.[key]).find((value) => typeof value === 'number');
  const told = scrub(answer.body, secrets);
  if (code === undefined) return { is: 'unknown', reason: 'no readable answer', answer: told };
  if (code === 0) return { is: 'sent', answer: told };
  const words = scrub(String(preset.textKeys.map((key) => said?.[key]).find((value) => typeof value === 'string') ?? ''), secrets);
  const reason = `${code}${words ? ` ${words}` : ''}`;
  const waitMs = preset.later[code] ?? (preset.isBusyText?.test(words) ? minuteMs : undefined);
  return waitMs === undefined ? { is: 'refused', reason, answer: told } : { is: 'later', afterMs: waitMs, reason, answer: told };
}
function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** People are called when something is bad, not when it is over, nor for what is said in its thread. */
function callsOf(settings: { mention: string[] }, { message, thread }: Outgoing): string[] {
  return message.tone === 'bad' && thread === undefined ? settings.mention : [];
}
function plainTitle({ message }: Outgoing, keyword: string | undefined): string {
  return `${marks[message.tone]}${titleOf(message, 400)}${keyword === undefined ? '' : ` · ${keyword}`}`;
}
function boldTitle({ message }: Outgoing, keyword: string | undefined): string {
  return `${marks[message.tone]}${markdown.bold(titleOf(message, 400))}${keyword === undefined ? '' : ` · ${keyword}`}`;
}
/** Bytes of a text inside of JSON. */
function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
