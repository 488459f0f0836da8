import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { connectPractice } from '../../src/practice/client.ts';
import type { Practice } from '../../src/practice/server.ts';
import { api, appToken, atEnd, type Ending, startPractice } from './rig.ts';

interface Frame {
  type: string;
  envelope_id?: string;
  reason?: string;
  num_connections?: number;
  accepts_response_payload?: boolean;
  retry_attempt?: number;
  payload?: Record<string, unknown>;
}
/** A bare Socket Mode client: its frames in order, acknowledged by hand. */
async function connect(practice: Practice) {
  const { url } = await api(practice, 'apps.connections.open', {}, appToken);
  const socket = new WebSocket(String(url));
  const frames: Frame[] = [];
  const waiting: (() => void)[] = [];
  socket.on('message', (data) => {
    frames.push(JSON.parse(String(data)) as Frame);
    for (const wake of waiting.splice(0)) wake();
  });
  socket.on('error', () => {});
  const frame = async (index: number): Promise<Frame> => {
    while (frames.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
    return frames[index] as Frame;
  };
  const hello = await frame(0);
  return {
    url: String(url),
    socket,
    frames,
    hello,
    frame,
    ack: (id: string | undefined, payload?: object) => socket.send(JSON.stringify({ envelope_id: id, ...(payload ? { payload } : {}) })),
  };
}
async function start(t: Ending, ackTimeoutMs = 3000) {
  const practice = await startPractice(t, { transport: 'socket', ackTimeoutMs });
  const people = connectPractice(practice.url);
  atEnd(t, () => people.close());
  return { practice, people, emma: people.as('emma') };
}

test('a ticket works once; hello tells the number of connections; the eleventh is sent away', async (t) => {
  const { practice } = await start(t);
  const first = await connect(practice);
  assert.equal(first.hello.type, 'hello');
  assert.equal(first.hello.num_connections, 1);
  const again = new WebSocket(first.url);
  const [error] = (await once(again, 'error')) as [Error];
  assert.match(error.message, /401/);
  for (let i = 2; i <= 10; i++) assert.equal((await connect(practice)).hello.num_connections, i);
  const eleventh = await connect(practice);
  assert.deepEqual([eleventh.hello.type, eleventh.hello.reason], ['disconnect', 'too_many_websockets']);
  assert.equal(practice.sockets(), 10);
});

test('an envelope goes to exactly one socket, and its acknowledgement may carry the answer', async (t) => {
  const { practice, emma } = await start(t);
  const sockets = [await connect(practice), await connect(practice)];
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
    'both sockets get some',
  );
  assert.equal(commands.flat()[0]?.accepts_response_payload, true);
});

test('an envelope that nobody acknowledges is sent again with the same id, and the person is told', async (t) => {
  const { practice, emma } = await start(t, 120);
  const socket = await connect(practice);
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /operation_timeout/);
  const [first, second] = [await socket.frame(1), await socket.frame(2)];
  assert.equal(second.envelope_id, first.envelope_id);
  assert.equal(second.retry_attempt, 0);
  socket.ack(second.envelope_id);
});

test('a socket that goes away loses nothing: the other one gets the envelope', async (t) => {
  const { practice, emma } = await start(t);
  const sockets = [await connect(practice), await connect(practice)];
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

test('events are tried again with retry_attempt, under the same event id', async (t) => {
  const { practice, emma } = await start(t, 80);
  const socket = await connect(practice);
  await emma.says('@sluice hi', { channel: 'etl' });
  const [first, second] = [await socket.frame(1), await socket.frame(2)];
  assert.deepEqual([first.type, first.accepts_response_payload, first.retry_attempt], ['events_api', false, 0]);
  assert.deepEqual([second.retry_attempt, second.payload?.['event_id']], [1, first.payload?.['event_id']]);
});

test('duplicates of one envelope, a planned disconnect, a drop, and no socket at all', async (t) => {
  const { practice, people, emma } = await start(t);
  const socket = await connect(practice);
  practice.faults({ deliverTimes: 3 });
  const typed = emma.types('/flink x', { channel: 'etl' });
  const ids = [await socket.frame(1), await socket.frame(2), await socket.frame(3)].map((f) => f.envelope_id);
  assert.equal(new Set(ids).size, 1);
  socket.ack(ids[0]);
  await typed;
  await people.control('sockets', { action: 'refresh_requested' });
  assert.equal((await socket.frame(4)).reason, 'refresh_requested');
  await once(socket.socket, 'close');
  const other = await connect(practice);
  const closed = once(other.socket, 'close');
  await people.control('sockets', { action: 'drop' });
  await closed;
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /dispatch_failed/);
});
