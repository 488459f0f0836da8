import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { connectSocket, type Frame, startSocketPractice } from '../socket-client.ts';

const source = 'docs.slack.dev/apis/events-api/using-socket-mode';

test(`sockets: a ticket works once (${source})`, async (t) => {
  const { practice } = await startSocketPractice(t);
  const { url } = await connectSocket(practice);
  const again = new WebSocket(url);
  const [error] = (await once(again, 'error')) as [Error];
  assert.match(error.message, /401/);
  assert.equal(practice.sockets(), 1);
});

test(`sockets: hello tells the number of connections, the eleventh is sent away (too_many_websockets; ${source})`, async (t) => {
  const { practice } = await startSocketPractice(t);
  for (let i = 1; i <= 10; i++) {
    const { hello } = await connectSocket(practice);
    assert.deepEqual([hello.type, hello.num_connections], ['hello', i]);
  }
  const { hello } = await connectSocket(practice);
  assert.deepEqual([hello.type, hello.reason], ['disconnect', 'too_many_websockets']);
  assert.equal(practice.sockets(), 10);
});

test(`sockets: an app without Socket Mode is sent away (link_disabled; ${source})`, async (t) => {
  const { practice } = await startSocketPractice(t, { transport: 'http' });
  const { hello } = await connectSocket(practice);
  assert.deepEqual([hello.type, hello.reason], ['disconnect', 'link_disabled']);
});

test(`sockets: an envelope goes to exactly one of them, its acknowledgement may answer (${source})`, async (t) => {
  const { practice, emma } = await startSocketPractice(t);
  const sockets = [await connectSocket(practice), await connectSocket(practice)];
  for (const socket of sockets)
    socket.socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.type === 'slash_commands') socket.ack(frame.envelope_id, { text: `got ${String(frame.payload?.['text'])}` });
    });
  for (const n of [1, 2, 3, 4]) assert.equal((await emma.says(`/flink ${n}`, { channel: 'etl' })).text, `got ${n}`);
  const commands = sockets.map((s) => s.frames.filter((f) => f.type === 'slash_commands'));
  assert.equal(commands.flat().length, 4);
  assert.ok(
    commands.every((list) => list.length > 0),
    'both get some',
  );
});

test('sockets: an envelope that nobody acknowledges comes again with the same id (bolt-js #2188, #2487; slack.md 1.1)', async (t) => {
  const { practice, emma } = await startSocketPractice(t, { ackTimeoutMs: 120 });
  const socket = await connectSocket(practice);
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /operation_timeout/);
  const [first, second] = [await socket.frame(1), await socket.frame(2)];
  assert.deepEqual([second.envelope_id, second.retry_attempt], [first.envelope_id, 0]);
  socket.ack(second.envelope_id);
});

test(`sockets: one that goes away loses nothing, another gets the envelope (${source})`, async (t) => {
  const { practice, emma } = await startSocketPractice(t);
  const sockets = [await connectSocket(practice), await connectSocket(practice)];
  let dropped: string | undefined;
  for (const socket of sockets)
    socket.socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.type !== 'slash_commands') return;
      if (dropped === undefined) {
        dropped = frame.envelope_id;
        socket.socket.terminate();
      } else socket.ack(frame.envelope_id, { text: `same: ${frame.envelope_id === dropped}` });
    });
  assert.equal((await emma.says('/flink x', { channel: 'etl' })).text, 'same: true');
});

test(`sockets: events come again with retry_attempt and the same event id (${source})`, async (t) => {
  const { practice, emma } = await startSocketPractice(t, { ackTimeoutMs: 80 });
  const socket = await connectSocket(practice);
  await emma.says('@sluice hi', { channel: 'etl' });
  const [first, second] = [await socket.frame(1), await socket.frame(2)];
  assert.deepEqual([first.type, first.accepts_response_payload, first.retry_attempt], ['events_api', false, 0]);
  assert.deepEqual([second.retry_attempt, second.payload?.['event_id']], [1, first.payload?.['event_id']]);
});

test(`sockets: a warning comes ahead of the end, refresh_requested just before it (${source}#disconnect)`, async (t) => {
  const { practice, people } = await startSocketPractice(t);
  const socket = await connectSocket(practice);
  await people.control('sockets', { action: 'warning' });
  assert.equal((await socket.frame(1)).reason, 'warning');
  await people.control('sockets', { action: 'refresh_requested' });
  assert.equal((await socket.frame(2)).reason, 'refresh_requested');
  await socket.closed;
});

test('sockets: what acknowledges nothing is ignored and marked: no JSON, no id, an unknown id (slack.md 1.4)', async (t) => {
  const { practice, emma } = await startSocketPractice(t);
  const socket = await connectSocket(practice);
  for (const nonsense of ['{', '[]', '{"envelope_id":7}', '{"envelope_id":"made-up"}']) socket.socket.send(nonsense);
  const typed = emma.types('/flink x', { channel: 'etl' });
  const { envelope_id } = await socket.frame(1);
  socket.ack(envelope_id);
  assert.equal((await typed).ack?.['ok'], true);
  const strays = practice.journal().filter((e) => e.refused);
  assert.deepEqual(
    strays.map((e) => e.what),
    [
      'socket message that is no JSON',
      'socket message without an envelope id',
      'socket message without an envelope id',
      'acknowledgement that is late or of no envelope',
    ],
  );
});
