import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'node:querystring';
import { test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import type { CommandRequest } from '../../src/commands/request.ts';
import { silentLog } from '../../src/core/log.ts';
import { message } from '../../src/core/message.ts';
import { createSlack } from '../../src/slack/app.ts';

type Json = Record<string, unknown>;

/** The far side of Socket Mode, able to send anything: both of Sluice's sockets, and every acknowledgement that came. */
async function startFarSide() {
  const sockets: WebSocket[] = [];
  const acks: { id: string; socket: WebSocket; payload?: Json }[] = [];
  const wakes = new Set<() => void>();
  const changed = () => {
    for (const wake of [...wakes]) wake();
  };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const method = (request.url ?? '').replace('/api/', '');
    const { port } = server.address() as AddressInfo;
    const answers: Record<string, Json> = {
      'auth.test': { team_id: 'T1', user_id: 'U0BOT', bot_id: 'B1' },
      'apps.connections.open': { url: `ws://127.0.0.1:${port}/link` },
    };
    calls.push({ method, args: { ...parse(body) } });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, ts: '1.1', ...answers[method] }));
  });
  const calls: { method: string; args: Json }[] = [];
  const far = new WebSocketServer({ server });
  far.on('connection', (socket) => {
    socket.on('message', (data) => {
      const { envelope_id: id, payload } = JSON.parse(String(data)) as { envelope_id: string; payload?: Json };
      acks.push({ id, socket, ...(payload ? { payload } : {}) });
      changed();
    });
    socket.on('close', () => {
      sockets.splice(sockets.indexOf(socket), 1);
      changed();
    });
    sockets.push(socket);
    socket.send(JSON.stringify({ type: 'hello', num_connections: sockets.length, connection_info: { app_id: 'A1' } }));
    changed();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`,
    sockets,
    acks,
    calls,
    async until(done: () => boolean): Promise<void> {
      while (!done()) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            wakes.delete(wake);
            resolve();
          };
          wakes.add(wake);
        });
      }
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function start(t: { after(run: () => Promise<void>): void }) {
  const far = await startFarSide();
  const asked: CommandRequest[] = [];
  const slack = createSlack({
    botToken: 'xoxb-1',
    appToken: 'xapp-1',
    apiUrl: far.apiUrl,
    log: silentLog,
    handle: async (request) => {
      asked.push(request);
      return { message: message('good', `did ${request.line}`) };
    },
  });
  await slack.start();
  await far.until(() => far.sockets.length === 2);
  t.after(async () => {
    await slack.stop();
    await far.close();
  });
  return { far, asked, slack };
}

let made = 0;
function command(text: string, extra: Json = {}): Json {
  const n = ++made;
  const payload = {
    command: '/flink',
    text,
    team_id: 'T1',
    channel_id: 'C1',
    user_id: 'U1',
    trigger_id: `${n}.1.ab`,
    response_url: 'https://x.invalid/',
  };
  return { envelope_id: `e${n}`, type: 'slash_commands', accepts_response_payload: true, payload: { ...payload, ...extra } };
}
function mention(text: string): Json {
  const n = ++made;
  const event = { type: 'app_mention', user: 'U1', text: `<@U0BOT> ${text}`, ts: `${n}.1`, channel: 'C1' };
  const payload = {
    type: 'event_callback',
    team_id: 'T1',
    event_id: `Ev${n}`,
    event,
    authorizations: [{ team_id: 'T1', enterprise_id: null }],
  };
  return { envelope_id: `e${n}`, type: 'events_api', accepts_response_payload: false, retry_attempt: 0, retry_reason: '', payload };
}
function click(actionTs: string): Json {
  const n = ++made;
  const payload = {
    type: 'block_actions',
    team: { id: 'T1' },
    user: { id: 'U1', team_id: 'T1', username: 'emma' },
    channel: { id: 'C1' },
    container: { type: 'message', message_ts: '5.5', channel_id: 'C1' },
    trigger_id: `${n}.1.a`,
    actions: [
      {
        type: 'button',
        action_id: 'run:1',
        block_id: 'b',
        action_ts: actionTs,
        value: '{"c":"status"}',
        text: { type: 'plain_text', text: 'Status' },
      },
    ],
  };
  return { envelope_id: `e${n}`, type: 'interactive', accepts_response_payload: true, payload };
}

test('an envelope that comes again, on either socket, under its own or a new id, is handled once and acknowledged each time', {
  timeout: 30_000,
}, async (t) => {
  const { far, asked } = await start(t);
  const [one, two] = far.sockets as [WebSocket, WebSocket];
  const all = [command('start etl'), mention('logs etl'), click('7.7')];
  for (const envelope of all) {
    const copies = [envelope, envelope, { ...envelope, envelope_id: `${String(envelope['envelope_id'])}-again`, retry_attempt: 1 }];
    for (const copy of copies) for (const socket of [one, two]) socket.send(JSON.stringify(copy));
  }
  await far.until(() => far.acks.length === all.length * 6);
  assert.deepEqual(asked.map((r) => r.line).sort(), ['logs etl', 'start etl', 'status']);
  const answers = far.acks.filter((a) => a.id.startsWith(String(all[0]?.['envelope_id']))).map((a) => JSON.stringify(a.payload));
  assert.match(answers[0] ?? '', /did start etl/);
  assert.equal(new Set(answers).size, 1, 'each copy of the command is told the same');
});

const malformed: [what: string, frame: string | Buffer][] = [
  ['no JSON', '{"envelope_id":'],
  ['nothing', ''],
  ['null', 'null'],
  ['a number', '42'],
  ['a list', '[{"envelope_id":"x"}]'],
  ['no type', '{"envelope_id":"m1","payload":{}}'],
  ['an unknown type', '{"envelope_id":"m2","type":"surprise","payload":{}}'],
  ['a type that is no text', '{"envelope_id":"m3","type":{"a":1},"payload":{}}'],
  ['no payload', '{"envelope_id":"m4","type":"slash_commands"}'],
  ['a payload of null', '{"envelope_id":"m5","type":"slash_commands","payload":null}'],
  ['a payload that is text', '{"envelope_id":"m6","type":"slash_commands","payload":"/flink stop etl"}'],
  ['a payload that is a list', '{"envelope_id":"m7","type":"interactive","payload":[]}'],
  ['an empty command', '{"envelope_id":"m8","type":"slash_commands","payload":{}}'],
  ['an empty event', '{"envelope_id":"m9","type":"events_api","payload":{"type":"event_callback"}}'],
  ['an event without its kind', '{"envelope_id":"m10","type":"events_api","payload":{"type":"event_callback","event":{}}}'],
  ['an interaction without actions', '{"envelope_id":"m11","type":"interactive","payload":{"type":"block_actions","actions":[]}}'],
  ['an interaction of an unknown kind', '{"envelope_id":"m12","type":"interactive","payload":{"type":"telepathy"}}'],
  ['a submission of nothing', '{"envelope_id":"m13","type":"interactive","payload":{"type":"view_submission"}}'],
  ['an id that is no text', '{"envelope_id":{"a":1},"type":"events_api","payload":{"type":"event_callback","event":{"type":"x"}}}'],
  ['a prototype', '{"envelope_id":"m14","type":"slash_commands","payload":{"__proto__":{"command":"/flink","text":"stop etl"}}}'],
  [
    'a command that is a list',
    '{"envelope_id":"m15","type":"slash_commands","payload":{"command":["/flink"],"text":["stop"],"user_id":"U1"}}',
  ],
  ['bytes', Buffer.from([0, 255, 1, 254])],
  ['deep nesting', `{"envelope_id":"m16","type":"events_api","payload":${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}}`],
];

test('a malformed envelope has no effect, and what comes after it is handled as ever', { timeout: 60_000 }, async (t) => {
  const { far, asked, slack } = await start(t);
  const crashes: unknown[] = [];
  const crashed = (error: unknown) => crashes.push(error);
  process.on('unhandledRejection', crashed);
  t.after(async () => void process.off('unhandledRejection', crashed));
  for (const [what, frame] of malformed) {
    await far.until(() => far.sockets.length === 2);
    for (const socket of [...far.sockets]) socket.send(frame);
    // a ping answered on each socket: it has read what was sent before
    await Promise.all(
      far.sockets.map(async (socket) => {
        socket.ping();
        await once(socket, 'pong');
      }),
    );
    const before = asked.length;
    const next = command(`status after-${before}`);
    far.sockets[before % 2]?.send(JSON.stringify(next));
    await far.until(() => far.acks.some((a) => a.id === next['envelope_id']));
    assert.deepEqual(
      asked.slice(before).map((r) => r.line),
      [`status after-${before}`],
      what,
    );
  }
  assert.deepEqual(crashes, []);
  assert.equal(slack.state().sockets.connected, 2);
  assert.equal(
    far.calls.filter((c) => c.method.startsWith('chat.') || c.method.startsWith('views.')).length,
    0,
    'and nobody is told anything',
  );
});
