import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import type { CommandReply, CommandRequest } from '../../src/commands/request.ts';
import { type HttpAnswer, http } from '../../src/core/http.ts';
import { silentLog } from '../../src/core/log.ts';
import { message } from '../../src/core/message.ts';
import { createSlack, type SlackState } from '../../src/slack/app.ts';
import { isResponseUrl } from '../../src/slack/replies.ts';
import { signatureOf } from '../../src/slack/signature.ts';
import { type FakeSlack, fakeSlack } from './fake-slack.ts';

const secret = 'practice-signing-secret';
const form = 'application/x-www-form-urlencoded';
let slack: FakeSlack;
let state: () => SlackState;
let url = '';
let close = async () => {};
let asked: CommandRequest[] = [];
let handle: (request: CommandRequest) => Promise<CommandReply>;

before(async () => {
  slack = await fakeSlack();
  slack.on('auth.test', { json: { ok: true, team_id: 'T1', user_id: 'U0BOT', bot_id: 'B1' } });
  const adapter = createSlack({
    botToken: 'xoxb-1',
    signingSecret: secret,
    apiUrl: slack.apiUrl,
    log: silentLog,
    handle: (request) => {
      asked.push(request);
      return handle(request);
    },
  });
  state = adapter.state;
  await adapter.start();
  const server = createServer((request, response) => void adapter.route?.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`;
  close = async () => {
    await adapter.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await slack.close();
  };
});
after(() => close());
beforeEach(() => {
  asked = [];
  handle = async (request) => ({ message: message('good', `did ${request.line}`) });
});

let triggers = 0;
function commandBody(extra: Record<string, string> = {}): string {
  return new URLSearchParams({
    command: '/flink',
    text: 'status etl-orders',
    team_id: 'T1',
    channel_id: 'C1',
    user_id: 'U1',
    user_name: 'emma',
    response_url: `${slack.apiUrl.replace('/api/', '')}/response/1`,
    trigger_id: `1.${++triggers}.ab`,
    ...extra,
  }).toString();
}
interface Send {
  type?: string;
  ageSeconds?: number;
  signWith?: string;
  signedBody?: string;
}
function send(body: string, { type = form, ageSeconds = 0, signWith = secret, signedBody = body }: Send = {}): Promise<HttpAnswer> {
  const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds);
  const headers = {
    'content-type': type,
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': signatureOf(signWith, timestamp, signedBody),
  };
  return http(url, { method: 'POST', headers, body });
}

test('a signed command is answered in its acknowledgement', async () => {
  const answer = await send(commandBody({ text: 'start &lt;x&gt; <https://a.example|a.example>' }));
  assert.equal(answer.status, 200);
  const reply = JSON.parse(answer.body) as { response_type: string; text: string };
  assert.equal(reply.response_type, 'ephemeral');
  assert.equal(reply.text, '✅ did start &lt;x&gt; https://a.example');
  assert.equal(asked[0]?.line, 'start <x> https://a.example');
  assert.deepEqual(asked[0]?.person, { teamId: 'T1', userId: 'U1', name: 'emma' });
  assert.equal(asked[0]?.deliveryKey, `slash:T1:1.${triggers}.ab`);
});

test('an unsigned, wrongly signed, altered, old or future request is refused and reaches no command', async () => {
  const body = commandBody();
  const unsigned = await http(url, { method: 'POST', headers: { 'content-type': form }, body });
  const refused = [unsigned, await send(body, { signWith: 'other' }), await send(body, { signedBody: `${body}x` })];
  refused.push(await send(body, { ageSeconds: 310 }), await send(body, { ageSeconds: -310 }));
  assert.deepEqual(
    refused.map((a) => a.status),
    [401, 401, 401, 401, 401],
  );
  assert.equal(asked.length, 0);
  assert.equal((await send(body, { ageSeconds: -280 })).status, 200, 'clocks may differ a little');
});

test('an exact replay gets the first answer and has no effect, also while the first is under way', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let n = 0;
  handle = async () => {
    await gate;
    return { message: message('good', `run ${++n}`) };
  };
  const body = commandBody();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const headers = {
    'content-type': form,
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': signatureOf(secret, timestamp, body),
  };
  const both = [http(url, { method: 'POST', headers, body }), http(url, { method: 'POST', headers, body })];
  release();
  const [first, second] = await Promise.all(both);
  const third = await http(url, { method: 'POST', headers, body });
  assert.equal(first?.body, second?.body);
  assert.equal(first?.body, third.body);
  assert.ok(first?.body.includes('run 1'));
  assert.equal(asked.length, 1);
});

test('the same command signed anew (a retry of Slack) is handled once', async () => {
  const body = commandBody();
  const answers = [await send(body), await send(body, { ageSeconds: 2 })];
  assert.equal(answers[0]?.body, answers[1]?.body);
  assert.equal(asked.length, 1);
});

test("only Slack's content types, readable bodies and sane sizes are taken", async () => {
  const body = commandBody();
  assert.equal((await send(body, { type: `${form}; charset=utf-8` })).status, 400);
  assert.equal((await send(body, { type: 'text/plain' })).status, 400);
  assert.equal((await send('payload=%7Bnot', {})).status, 400);
  assert.equal((await send('[1]', { type: 'application/json' })).status, 400);
  assert.equal((await send(`text=${'x'.repeat(1024 * 1024)}`)).status, 413);
  assert.equal((await send('{"type":"never_heard_of"}', { type: 'application/json' })).status, 404);
  assert.equal(asked.length, 0);
});

test('the handshakes of Slack are answered: url_verification when signed, ssl_check always and without anything else', async () => {
  const challenge = await send('{"type":"url_verification","challenge":"abc"}', { type: 'application/json' });
  assert.deepEqual(JSON.parse(challenge.body), { challenge: 'abc' });
  const unsigned = await http(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"type":"url_verification","challenge":"abc"}',
  });
  assert.equal(unsigned.status, 401);
  const ssl = await http(url, { method: 'POST', headers: { 'content-type': form }, body: `${commandBody()}&ssl_check=1` });
  assert.equal(ssl.status, 200);
  assert.equal(ssl.body, '');
  assert.equal(asked.length, 0);
});

test('a command of another name is told which one is ours', async () => {
  const answer = await send(commandBody({ command: '/flonk' }));
  assert.ok(answer.body.includes('Sluice has no command /flonk') && answer.body.includes('/flink help'));
  assert.equal(asked.length, 0);
});

test('an unexpected fault becomes a sentence with a reference, not a stack', async () => {
  handle = () => Promise.reject(new TypeError('cannot read properties of undefined'));
  const answer = await send(commandBody());
  assert.equal(answer.status, 200);
  assert.match(answer.body, /Something went wrong inside Sluice/);
  assert.match(answer.body, /err_[0-9a-z]{12}/);
  assert.ok(!answer.body.includes('undefined'));
});

test('a slow command is acknowledged in time and answered by the response address', { timeout: 20_000 }, async () => {
  let finish = (_: CommandReply) => {};
  handle = () =>
    new Promise((resolve) => {
      finish = resolve;
    });
  const arrived = new Promise<Record<string, unknown>>((resolve) => {
    slack.on('/response/slow', (args) => {
      resolve(JSON.parse(Object.keys(args)[0] ?? '{}') as Record<string, unknown>);
      return { json: { ok: true } };
    });
  });
  const started = Date.now();
  const answer = await send(commandBody({ response_url: `${slack.apiUrl.replace('/api/', '')}/response/slow` }));
  const ms = Date.now() - started;
  assert.ok(ms > 2_000 && ms < 3_000, `${ms} ms`);
  assert.match(answer.body, /Still working on it/);
  finish({ message: message('good', 'Done at last') });
  const late = await arrived;
  assert.equal(late['replace_original'], true);
  assert.equal(late['text'], '✅ Done at last');
});

test("an answer goes to Slack's hosts only; elsewhere it takes another road", async () => {
  assert.ok(isResponseUrl('https://hooks.slack.com/commands/T1/2/3', 'https://slack.com/api/'));
  assert.ok(isResponseUrl('http://127.0.0.1:9/r', 'http://127.0.0.1:9/api/'));
  for (const evil of [
    'http://hooks.slack.com/x',
    'https://hooks.slack.com.evil.example/x',
    'https://evil.example/hooks.slack.com',
    'https://user@evil.example',
    'nonsense',
    'file:///etc',
  ])
    assert.ok(!isResponseUrl(evil, 'https://slack.com/api/'), evil);

  let told = (_: Record<string, string>) => {};
  const ephemeral = new Promise<Record<string, string>>((resolve) => {
    told = resolve;
  });
  slack.on('chat.postEphemeral', (args) => {
    told(args);
    return { json: { ok: true, message_ts: '1.1' } };
  });
  const payload = {
    type: 'block_actions',
    team: { id: 'T1' },
    user: { id: 'U1', team_id: 'T1', username: 'emma' },
    channel: { id: 'C1' },
    container: { type: 'message', message_ts: '5.5', channel_id: 'C1' },
    response_url: 'http://127.0.0.1:1/evil',
    trigger_id: '1.1.a',
    actions: [
      {
        type: 'button',
        action_id: 'run:1',
        block_id: 'b',
        action_ts: '9.9',
        value: '{"c":"status"}',
        text: { type: 'plain_text', text: 'Status' },
      },
    ],
  };
  const answer = await send(new URLSearchParams({ payload: JSON.stringify(payload) }).toString());
  assert.equal(answer.status, 200);
  assert.equal(answer.body, '');
  assert.equal(asked[0]?.deliveryKey, 'action:T1:U1:5.5:run:1:9.9');
  assert.deepEqual(asked[0]?.origin, { kind: 'button', channel: 'C1', messageTs: '5.5' });
  const args = await ephemeral;
  assert.equal(args['user'], 'U1');
  assert.equal(args['text'], '✅ did status');
});

function clickBody(actionTs: string, change: object = {}): string {
  const payload = {
    type: 'block_actions',
    team: { id: 'T1' },
    user: { id: 'U7', team_id: 'T2', username: 'guest' },
    channel: { id: 'C1' },
    container: { type: 'message', message_ts: '5.5', channel_id: 'C1', thread_ts: '4.4' },
    response_url: `${slack.apiUrl.replace('/api/', '')}/response/${actionTs}`,
    trigger_id: '1.1.a',
    actions: [
      {
        type: 'button',
        action_id: 'run:1',
        block_id: 'b',
        action_ts: actionTs,
        value: '{"c":"status"}',
        text: { type: 'plain_text', text: 'Status' },
        ...change,
      },
    ],
  };
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
}

test('a click that is delivered again is answered once; a person of another workspace is named as such', async () => {
  await send(clickBody('7.7'));
  await send(clickBody('7.7'), { ageSeconds: 2 });
  await send(clickBody('8.8'), { ageSeconds: 1 });
  assert.deepEqual(
    asked.map((r) => [r.person.teamId, r.person.userId, r.origin.threadTs, r.deliveryKey]),
    [
      ['T2', 'U7', '4.4', 'action:T2:U7:5.5:run:1:7.7'],
      ['T2', 'U7', '4.4', 'action:T2:U7:5.5:run:1:8.8'],
    ],
  );
});

test('a button of a former version is answered, a link button is not', async () => {
  const told = new Promise<string>((resolve) => {
    slack.on('/response/1.1', (args) => {
      resolve(JSON.stringify(args));
      return { json: { ok: true } };
    });
  });
  assert.equal((await send(clickBody('1.1', { value: 'start etl' }))).status, 200);
  assert.match(await told, /another version of Sluice/);
  assert.equal((await send(clickBody('2.2', { action_id: 'open:1', value: undefined, url: 'https://x.example/' }))).status, 200);
  assert.equal(asked.length, 0);
  assert.equal(slack.callsOf('/response/2.2').length, 0);
});

function eventBody(eventId: string, event: object): string {
  return JSON.stringify({
    type: 'event_callback',
    team_id: 'T1',
    event_id: eventId,
    event,
    authorizations: [{ team_id: 'T1', enterprise_id: null }],
  });
}
const json = { type: 'application/json' };

test('a mention is answered once however often it is delivered, in its thread; bots are not obeyed', async () => {
  const posts = () => slack.callsOf('chat.postMessage');
  slack.on('chat.postMessage', { json: { ok: true, channel: 'C1', ts: '20.1' } });
  handle = async (request) => ({ message: { ...message('good', `did ${request.line}`), visibility: 'channel' } });
  const mention = { type: 'app_mention', user: 'U1', text: '<@U0BOT> logs etl', ts: '6.6', channel: 'C1' };
  assert.equal((await send(eventBody('Ev1', mention), json)).status, 200);
  assert.equal((await send(eventBody('Ev1', mention), { ...json, ageSeconds: 3 })).status, 200);
  assert.equal((await send(eventBody('Ev2', { ...mention, bot_id: 'B9' }), json)).status, 200);
  assert.deepEqual(
    asked.map((r) => [r.line, r.deliveryKey, r.origin]),
    [['logs etl', 'event:Ev1', { kind: 'mention', channel: 'C1', messageTs: '6.6' }]],
  );
  assert.deepEqual(
    posts().map((p) => [p['thread_ts'], p['text']]),
    [['6.6', '✅ did logs etl']],
  );
});

test('the home tab is published for who opens it, once for an exact replay', async () => {
  slack.on('views.publish', { json: { ok: true } });
  const body = eventBody('Ev3', { type: 'app_home_opened', user: 'U1', tab: 'home', channel: 'D1' });
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = signatureOf(secret, timestamp, body);
  const headers = { 'content-type': 'application/json', 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature };
  const answers = [await http(url, { method: 'POST', headers, body }), await http(url, { method: 'POST', headers, body })];
  assert.deepEqual(
    answers.map((a) => a.status),
    [200, 200],
  );
  const calls = slack.callsOf('views.publish');
  assert.equal(calls.length, 1);
  assert.equal(calls[0]?.['user_id'], 'U1');
  assert.match(calls[0]?.['view'] ?? '', /did home/);
  assert.deepEqual(
    asked.map((r) => [r.line, r.person.userId]),
    [['home', 'U1']],
  );
});

test('a notice of dropped events is taken, when it is signed, and said', async () => {
  const notice = JSON.stringify({
    token: 't',
    type: 'app_rate_limited',
    team_id: 'T1',
    minute_rate_limited: 1_518_467_820,
    api_app_id: 'A1',
  });
  assert.equal((await send(notice, { type: 'application/json', signWith: 'other' })).status, 401);
  assert.equal(state().droppedEvents, undefined);
  assert.equal((await send(notice, { type: 'application/json' })).status, 200);
  assert.match(state().droppedEvents ?? '', /^Slack drops events since 20:37 UTC/);
});

test('tokens of people that were revoked are not the bot’s', async () => {
  const revoked = (tokens: object) => send(eventBody(`Ev${++triggers}`, { type: 'tokens_revoked', tokens }), { type: 'application/json' });
  assert.equal((await revoked({ oauth: ['U1'], bot: [] })).status, 200);
  assert.equal((await revoked({ oauth: ['U1'] })).status, 200);
  assert.equal(state().problem, undefined);
});
