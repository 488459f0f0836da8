import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, startHttpPractice, withButton } from '../rig.ts';
import { connectSocket, startSocketPractice } from '../socket-client.ts';

const source = 'docs.slack.dev/interactivity/implementing-slash-commands#responding_basic_receipt';
/** The window is 3 s by default; a short one keeps these tests short. */
const ackTimeoutMs = 150;

test(`acknowledgement: none within 3 seconds over HTTP is told to the person (${source})`, { timeout: 20_000 }, async (t) => {
  const { practice, emma } = await startHttpPractice(t, {}, () => {});
  const started = Date.now();
  assert.equal((await emma.says('/flink x', { channel: 'etl' })).text, '/flink failed with the error "operation_timeout"');
  const ms = Date.now() - started;
  assert.ok(ms > 2900 && ms < 5000, `${ms} ms`);
  assert.ok(practice.messages('etl').every((m) => m.to === 'U0EMMA'));
  assert.equal(practice.journal().at(-1)?.refused, true);
});

test(`acknowledgement: a refusal over HTTP is told to the person (${source})`, async (t) => {
  const { emma } = await startHttpPractice(t, {}, (_request, response) => response.writeHead(500).end());
  assert.equal((await emma.says('/flink x', { channel: 'etl' })).text, '/flink failed with the error "dispatch_failed"');
});

test(`acknowledgement: none in time over Socket Mode is told to the person, though Bolt has no clock there (slack.md 1.1)`, async (t) => {
  const { practice, emma } = await startSocketPractice(t, { ackTimeoutMs });
  const socket = await connectSocket(practice);
  assert.equal((await emma.says('/flink x', { channel: 'etl' })).text, '/flink failed with the error "operation_timeout"');
  const { envelope_id } = await socket.frame(2);
  socket.ack(envelope_id);
});

test('acknowledgement: a click that nobody takes is told to the person (docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response)', async (t) => {
  const { practice, emma } = await startHttpPractice(t, { ackTimeoutMs }, () => {});
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: withButton('b') });
  const { ack } = await emma.clicks(await emma.sees('b', { since: 'start' }), 'Go');
  assert.deepEqual({ ...(ack as object), durationMs: 0 }, { ok: false, error: 'operation_timeout', durationMs: 0 });
});

test('acknowledgement: its message is checked like any other (invalid_command_response; slack.md 1.2)', async (t) => {
  const { practice, emma } = await startHttpPractice(t, {}, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ blocks: [{ type: 'fancy' }] }));
  });
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /invalid_command_response/);
  assert.ok(practice.journal().some((e) => e.what === 'answer in the acknowledgement' && e.refused));
});

test('acknowledgement: JSON without its content type is shown as text, as Slack does (slack.md 1.3)', async (t) => {
  const { emma } = await startHttpPractice(t, {}, (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('{"text":"x"}'),
  );
  assert.equal((await emma.says('/flink x', { channel: 'etl' })).text, '{"text":"x"}');
});
