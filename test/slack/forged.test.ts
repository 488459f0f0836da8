import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { App, ReceiverEvent } from '@slack/bolt';
import { http } from '../../src/core/http.ts';
import { silentLog } from '../../src/core/log.ts';
import { HttpReceiver } from '../../src/slack/http-receiver.ts';
import { signatureOf } from '../../src/slack/signature.ts';
import { figure, type Random, randomOf } from './figures.ts';

const secret = '8f742231b10e8888abcd99yyyzzz85a5';
const form = 'application/x-www-form-urlencoded';
const windowS = 300;

interface Sent {
  headers: Record<string, string>;
  body: string;
}
/** A request as Slack would send it at this second. */
function genuine(random: Random, nth: number, nowS: number): Sent {
  const fields = {
    command: '/flink',
    text: `status job-${nth}`,
    team_id: 'T1',
    user_id: 'U1',
    trigger_id: `${nth}.${random.whole(1, 1e9)}.ab`,
  };
  const kinds = [
    () => [form, new URLSearchParams(fields).toString()],
    () => [form, new URLSearchParams({ payload: JSON.stringify({ type: 'block_actions', nth, ...fields }) }).toString()],
    () => [
      'application/json',
      JSON.stringify({ type: 'event_callback', event_id: `Ev${nth}`, event: { type: 'app_mention', text: 'hi' } }),
    ],
  ];
  const [type = form, body = ''] = random.pick(kinds)();
  return signed(body, String(nowS + random.whole(-200, 200)), type);
}
function signed(body: string, timestamp: string, type = form, key = secret): Sent {
  const signature = signatureOf(key, timestamp, body);
  return { headers: { 'content-type': type, 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature }, body };
}
const withHeader = (sent: Sent, name: string, value: string): Sent => ({ ...sent, headers: { ...sent.headers, [name]: value } });
function without(sent: Sent, ...names: string[]): Sent {
  return { ...sent, headers: Object.fromEntries(Object.entries(sent.headers).filter(([name]) => !names.includes(name))) };
}
function mutatedBody(random: Random, body: string): string {
  const at = random.whole(0, body.length - 1);
  const other = String.fromCharCode(33 + ((body.charCodeAt(at) - 33 + random.whole(1, 90)) % 93));
  return random.pick([
    () => body.slice(0, at) + (other === body[at] ? '~~' : other) + body.slice(at + 1),
    () => body.slice(0, at) + body.slice(at + 1),
    () => `${body}&text=stop+everything`,
    () => `text=stop+everything&${body}`,
    () => `${body}\n`,
    () => ` ${body}`,
    () => `${body}&ssl_check=0`,
  ])();
}

/** Ways to make a request that must have no effect, from a fresh genuine one or one that was sent before. */
const attacks: Record<string, (random: Random, fresh: Sent, former: Sent, nowS: number) => Sent> = {
  'no signature': (_r, fresh) => without(fresh, 'x-slack-signature'),
  'no timestamp': (_r, fresh) => without(fresh, 'x-slack-request-timestamp'),
  'neither of them': (_r, fresh) => without(fresh, 'x-slack-signature', 'x-slack-request-timestamp'),
  'signed with another secret': (random, fresh, _f, nowS) =>
    signed(
      fresh.body,
      String(nowS),
      form,
      random.pick(['', 'x', secret.slice(1), `${secret} `, secret.toUpperCase(), 'undefined', 'null']),
    ),
  'a random signature': (random, fresh) =>
    withHeader(fresh, 'x-slack-signature', `v0=${Array.from({ length: 64 }, () => random.whole(0, 15).toString(16)).join('')}`),
  'a bent signature': (random, fresh) => {
    const good = String(fresh.headers['x-slack-signature']);
    const hex = good.slice(3);
    const shifted = (((Number.parseInt(hex[0] ?? '0', 16) + random.whole(1, 15)) % 16) + 0).toString(16);
    const bent = [
      hex,
      `v1=${hex}`,
      `V0=${hex}`,
      `v0=${hex.slice(1)}`,
      `v0=${hex}0`,
      `v0=${shifted}${hex.slice(1)}`,
      'v0=',
      `${good},${good}`,
      `v0=${hex.toUpperCase()}x`,
    ];
    return withHeader(fresh, 'x-slack-signature', random.pick(bent));
  },
  'the signature of another request': (_r, fresh, former) =>
    withHeader(fresh, 'x-slack-signature', String(former.headers['x-slack-signature'])),
  'an exact replay': (_r, _fresh, former) => former,
  'a replay at another time': (random, _fresh, former) => {
    const moved = Number(former.headers['x-slack-request-timestamp']) + random.pick([-1, 1, random.whole(2, 600)]);
    return withHeader(former, 'x-slack-request-timestamp', String(moved));
  },
  'too old': (random, fresh, _f, nowS) => signed(fresh.body, String(nowS - windowS - random.pick([1, 2, random.whole(3, 1e6)])), form),
  'from the future': (random, fresh, _f, nowS) =>
    signed(fresh.body, String(nowS + windowS + random.pick([2, 3, random.whole(4, 1e6)])), form),
  'a timestamp that is no whole number': (random, fresh, _f, nowS) => {
    const odd = [
      `+${nowS}`,
      `-${nowS}`,
      `${nowS}.5`,
      `0x${nowS.toString(16)}`,
      `${nowS}e0`,
      `${nowS},${nowS}`,
      'now',
      'NaN',
      'Infinity',
      `${nowS}000`,
      '0',
    ];
    return signed(fresh.body, random.pick(odd));
  },
  'a mutated body': (random, fresh) => ({ ...fresh, body: mutatedBody(random, fresh.body) }),
  'a mutated body of a former request': (random, _fresh, former) => ({ ...former, body: mutatedBody(random, former.body) }),
  'another content type': (random, fresh) =>
    withHeader(
      fresh,
      'content-type',
      random.pick([`${form}; charset=utf-8`, 'text/plain', 'multipart/form-data', 'application/json; v=1', 'x']),
    ),
  'ssl_check, unsigned, with a command': (_r, fresh) => ({ headers: { 'content-type': form }, body: `${fresh.body}&ssl_check=1` }),
};

test('forged, replayed, future-dated and mutated requests have no effect; genuine ones have exactly one', {
  timeout: 900_000,
}, async (t) => {
  const { count, seed } = figure('FORGED_REQUESTS', 5000);
  const random = randomOf(seed);
  let offsetMs = 0;
  const nowS = () => Math.floor((Date.now() + offsetMs) / 1000);
  const receiver = new HttpReceiver({ signingSecret: secret, log: silentLog, now: () => Date.now() + offsetMs });
  /** What came through to the listeners, by the raw fields that make it one of its kind. */
  let effects = 0;
  receiver.init({
    processEvent: async (event: ReceiverEvent) => {
      effects++;
      await event.ack('done');
    },
  } as unknown as App);
  const server = createServer((request, response) => void receiver.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`;
  const send = ({ headers, body }: Sent) => http(url, { method: 'POST', headers, body });

  const kinds = Object.keys(attacks);
  const tried = Object.fromEntries(kinds.map((kind) => [kind, 0]));
  const accepted: string[] = [];
  const formers: Sent[] = [];
  let genuineCount = 0;
  for (let done = 0; done < count; ) {
    // a genuine one first, so that the receiver is seen to be alive and there is something to replay
    const former = genuine(random, ++genuineCount, nowS());
    const before = effects;
    const answer = await send(former);
    assert.deepEqual([answer.status, answer.body, effects - before], [200, 'done', 1], `genuine request ${genuineCount}, seed ${seed}`);
    formers.push(former);
    if (formers.length > 200) formers.shift();
    const batch = Array.from({ length: Math.min(50, count - done) }, (_, i) => {
      const kind = kinds[(done + i) % kinds.length] as string;
      tried[kind] = (tried[kind] ?? 0) + 1;
      const made = attacks[kind]?.(random, genuine(random, 1e6 + done + i, nowS()), random.pick(formers), nowS());
      return { kind, sent: made as Sent };
    });
    const effectsBefore = effects;
    const answers = await Promise.all(batch.map(({ sent }) => send(sent)));
    answers.forEach(({ status, body }, i) => {
      const { kind, sent } = batch[i] as (typeof batch)[number];
      // an exact replay is told what the first was told; ssl_check is Slack's own probe and is told nothing
      const harmless = status >= 400 || (kind === 'an exact replay' && body === 'done') || (kind.startsWith('ssl_check') && body === '');
      if (!harmless) accepted.push(`${kind}: ${status} ${JSON.stringify(sent)}`);
    });
    if (effects !== effectsBefore) accepted.push(`${effects - effectsBefore} effects among ${batch.map((b) => b.kind).join(', ')}`);
    done += batch.length;
    // replays come at every age within the window and beyond it
    offsetMs += random.whole(0, 20_000);
  }
  assert.deepEqual(accepted, [], `seed ${seed}`);
  assert.equal(effects, genuineCount);
  t.diagnostic(`0 of ${count} accepted, ${genuineCount} genuine ones handled once each, seed ${seed}`);
  t.diagnostic(
    Object.entries(tried)
      .map(([kind, n]) => `${kind} ${n}`)
      .join(', '),
  );
});
