import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Channel } from '../../src/channels/channel.ts';
import { decodeMark } from '../../src/channels/mark.ts';
import { createSender } from '../../src/channels/sender.ts';
import { runTest } from '../../src/channels/test-message.ts';
import type { Environment } from '../../src/config/environment.ts';
import type { Sender } from '../../src/outbox/sender.ts';
import { createNtfy, Ntfy } from './example-ntfy.ts';
import { closedPort, type Received, startReceiver } from './http-receiver.ts';
import { startMailServer } from './mail-server.ts';
import { caFile, channelsOf, deliveryOf, incidentMessage, noteLog, publicUrl, senderOf } from './rig.ts';

type Mood = 'takes' | 'busy' | 'refuses' | 'drops after accepting' | 'is slow';
interface Rig {
  sender: Sender;
  mood(mood: Mood): void;
  /** Deliveries that reached the other side. */
  count(): number;
  secrets: string[];
  log: string[];
  test(): Promise<{ result: { is: string }; text: string }>;
}
interface Options {
  /** Secrets that are set; all by default. */
  env?: Environment;
  /** Nobody listens. */
  isDown?: boolean;
}
type Setup = (t: TestContext, options: Options) => Promise<Rig>;

/** Everything that was sent, as a careless receiver might repeat it. */
const echo = (got: Received) => `you sent ${got.path} ${JSON.stringify(got.headers)} ${got.body}`;
function overHttp(
  kind: string,
  secrets: Record<string, string>,
  settings: (url: string) => Record<string, unknown>,
  replies: Partial<Record<'takes' | 'busy' | 'refuses', (got: Received) => { status?: number; body: string }>> = {},
): Setup {
  return async (t, { env, isDown }) => {
    const receiver = await startReceiver(t);
    const base = isDown ? `http://127.0.0.1:${await closedPort()}` : receiver.url;
    const known: Environment =
      env ?? Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, value.replace('BASE', base)]));
    const { log, lines } = noteLog();
    const typed = settings(base);
    const made = (): { sender: Sender; test(): ReturnType<typeof runTest> } => {
      const deps = { publicUrl, log, env: known };
      if (kind === 'ntfy') {
        const channel: Channel = createNtfy(Ntfy.parse({ kind, ...typed }), deps);
        return { sender: createSender(kind, new Map([['it', channel]]), log), test: () => runTest({ name: 'it', kind, channel }, deps) };
      }
      const channels = channelsOf({ it: { kind, timeout: '1s', ...typed } }, known, { log });
      return { sender: senderOf(channels, kind as 'webhook'), test: () => channels.test('it') };
    };
    const { sender, test: run } = made();
    return {
      sender,
      mood(mood) {
        if (mood === 'drops after accepting') receiver.reply = 'cut';
        else if (mood === 'is slow') receiver.reply = 'hang';
        else receiver.reply = replies[mood] ?? ((got) => ({ status: { takes: 200, busy: 503, refuses: 400 }[mood], body: echo(got) }));
      },
      count: () => receiver.received.length,
      secrets: Object.values(secrets).flatMap((value) => [value.replace(/^BASE.*[=/]/, ''), value.replace(/^Bearer /, '')]),
      log: lines,
      test: async () => {
        const { result, reply } = await run();
        return { result, text: JSON.stringify({ result, reply }) };
      },
    };
  };
}
const robotReplies = (code: string, words: string) => ({
  takes: (got: Received) => ({ body: JSON.stringify({ [code]: 0, [words]: echo(got) }) }),
  refuses: (got: Received) => ({ body: JSON.stringify({ [code]: 310000, [words]: echo(got) }) }),
});

const overSmtp: Setup = async (t, { env, isDown }) => {
  const password = 'correct-horse-battery';
  const server = await startMailServer(t, password);
  const { log, lines } = noteLog();
  const port = isDown ? await closedPort() : server.port;
  const it = {
    kind: 'email',
    host: '127.0.0.1',
    port,
    caFile: caFile(t),
    user: 'sluice',
    password: { env: 'SECRET_A' },
    from: 'a@example.com',
    to: ['b@example.com'],
    timeout: '2s',
  };
  const channels = channelsOf({ it }, env ?? { SECRET_A: password }, { log });
  return {
    sender: senderOf(channels, 'email'),
    mood(mood) {
      server.onMail = ({ takes: 'take', busy: 421, refuses: 550, 'drops after accepting': 'cut', 'is slow': 'hang' } as const)[mood];
    },
    count: () => server.mails.length,
    secrets: [password, Buffer.from(password).toString('base64'), Buffer.from(`\0sluice\0${password}`).toString('base64')],
    log: lines,
    test: async () => {
      const { result, reply } = await channels.test('it');
      return { result, text: JSON.stringify({ result, reply }) };
    },
  };
};

const a = { env: 'SECRET_A' };
const b = { env: 'SECRET_B' };
const kinds: Record<string, Setup> = {
  email: overSmtp,
  webhook: overHttp('webhook', { SECRET_A: 'shared-secret-of-hook', SECRET_B: 'Bearer t0k3n-of-the-hook' }, (url) => ({
    url,
    secret: a,
    authorization: b,
  })),
  'webhook at a secret address': overHttp('webhook', { SECRET_A: 'BASE/hooks/T0KEN-of-the-address-1234' }, () => ({ urlFrom: a })),
  events: overHttp('events', { SECRET_A: 'R0UT1NGK3Y0123456789abcdef012345' }, (url) => ({ url, routingKey: a })),
  wecom: overHttp('wecom', { SECRET_A: 'BASE/send?key=693a91f6-7ac4-4bc4' }, () => ({ urlFrom: a }), robotReplies('errcode', 'errmsg')),
  dingtalk: overHttp(
    'dingtalk',
    { SECRET_A: 'BASE/send?access_token=566cc69da782ec', SECRET_B: 'SECf2451c70775c065e' },
    () => ({ urlFrom: a, secret: b }),
    robotReplies('errcode', 'errmsg'),
  ),
  lark: overHttp(
    'lark',
    { SECRET_A: 'BASE/open-apis/bot/v2/hook/5e3d587e-d78e-4a07-bd07', SECRET_B: 'nIMtb7r3N9pkXyXd' },
    () => ({ urlFrom: a, secret: b }),
    robotReplies('code', 'msg'),
  ),
  'the example of the docs': overHttp('ntfy', { SECRET_A: 'tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2' }, (url) => ({
    url,
    topic: 'flink',
    token: a,
  })),
};
const failed = deliveryOf('it', incidentMessage('firing'));

for (const [name, setup] of Object.entries(kinds)) {
  test(`${name}: taken, busy, refused, dropped, slow, each says what it is and none of the secrets`, async (t) => {
    const rig = await setup(t, {});
    const results: unknown[] = [];
    const expected: Record<Mood, string> = {
      takes: 'sent',
      busy: 'later',
      refuses: 'refused',
      'drops after accepting': 'unknown',
      'is slow': 'unknown',
    };
    for (const [mood, is] of Object.entries(expected) as [Mood, string][]) {
      rig.mood(mood);
      const before = rig.count();
      const result = await rig.sender.post(failed);
      results.push(result);
      assert.equal(result.is, is, `${mood}: ${JSON.stringify(result)}`);
      assert.ok(rig.count() > before, `${mood}: it reached the other side`);
      if (result.is === 'later') assert.ok(result.afterMs >= 1_000);
      if (result.is !== 'sent') assert.match(result.reason, /\w/);
      rig.mood(mood === 'is slow' ? 'drops after accepting' : mood);
      const tested = await rig.test();
      assert.equal(tested.result.is, is, `the test of a channel that ${mood}`);
      results.push(tested.text);
    }
    assertNoSecret(rig, results);
  });

  test(`${name}: what was sent is known by its mark, and never sent twice for the same news`, async (t) => {
    const rig = await setup(t, {});
    rig.mood('takes');
    const first = await rig.sender.post(failed);
    assert.ok(first.is === 'sent');
    assert.equal(first.channel, 'it');
    assert.equal(decodeMark(first.ts)?.outboxId, failed.outboxId);
    const again = await rig.sender.update({ ...deliveryOf('it', incidentMessage('resolved')), ts: first.ts });
    assert.ok(again.is === 'sent');
    assert.equal(decodeMark(again.ts)?.edition, 2);
    assert.equal(await rig.sender.find(failed, new Date(0)), undefined);
    // A mark of another kind, or one that was cut off, is no reason to fail.
    assert.equal((await rig.sender.update({ ...failed, ts: '1700000000.000100' })).is, 'sent');
    assert.equal((await rig.sender.post({ ...failed, threadTs: 'a~b~%~' })).is, 'sent');
  });

  test(`${name}: nobody there, no such channel, no secret, a broken message`, async (t) => {
    const down = await setup(t, { isDown: true });
    const results: unknown[] = [await down.sender.post(failed)];
    assert.equal((results[0] as { is: string }).is, 'later', JSON.stringify(results));
    const rig = await setup(t, {});
    rig.mood('takes');
    assert.deepEqual(await rig.sender.post(deliveryOf('other', incidentMessage('firing'))), {
      is: 'refused',
      reason: `no channel other of kind ${rig.sender.kind} is configured`,
    });
    const bare = await setup(t, { env: {} });
    assert.deepEqual(await bare.sender.post(failed), {
      is: 'later',
      afterMs: 60_000,
      reason: 'The secret in the variable SECRET_A is not set.',
    });
    assert.equal(bare.count(), 0);
    const broken = deliveryOf('it', { ...incidentMessage('firing'), parts: [{ kind: 'text' } as never] });
    const result = await rig.sender.post(broken);
    assert.ok(result.is === 'unknown' && /fault of Sluice/.test(result.reason), JSON.stringify(result));
    results.push(result);
    assertNoSecret(rig, results);
    assertNoSecret(down, results);
  });
}

function assertNoSecret(rig: Rig, results: unknown[]): void {
  const told = JSON.stringify(results) + rig.log.join('\n');
  for (const secret of rig.secrets)
    for (const spelling of [secret, encodeURIComponent(secret)]) assert.ok(!told.includes(spelling), `${spelling} is told: ${told}`);
}
