import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, modal, rawApi, respond, startHttpPractice, withButton } from './rig.ts';
import { connectSocket, startSocketPractice } from './socket-client.ts';

const postArgs = { channel: 'C0ETL', text: 'x' };

test('429 with Retry-After: so many calls of one method, or of any', async (t) => {
  const { practice, people } = await startHttpPractice(t);
  await people.control('faults', { rateLimitNext: 1, retryAfterS: 7 });
  assert.equal((await rawApi(practice, 'auth.test')).status, 200);
  const limited = await rawApi(practice, 'chat.postMessage', postArgs);
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '7']);
  assert.equal((await rawApi(practice, 'chat.postMessage', postArgs)).status, 200);
  await people.control('faults', { rateLimitNext: 1, rateLimitMethod: '*' });
  assert.equal((await rawApi(practice, 'auth.test')).status, 429);
});

test('5xx: so many calls fail with that status and do nothing', async (t) => {
  const { practice, people } = await startHttpPractice(t);
  await people.control('faults', { serverErrorNext: 2, serverErrorStatus: 500 });
  for (const status of [500, 500, 200]) assert.equal((await rawApi(practice, 'chat.postMessage', postArgs)).status, status);
  assert.equal(practice.messages('etl').length, 1);
});

test('an answer that is lost: the call is carried out, the connection is cut', async (t) => {
  const { practice, people } = await startHttpPractice(t);
  await people.control('faults', { dropAfterAcceptNext: 1 });
  await assert.rejects(rawApi(practice, 'chat.postMessage', postArgs));
  assert.equal(practice.messages('etl').length, 1, 'the message is there');
  assert.equal(practice.journal().at(-1)?.status, 'answer lost');
});

test('a slow acknowledgement: the app did its work, the person is told of a timeout, over both transports', async (t) => {
  const http = await startHttpPractice(t, { ackTimeoutMs: 200 });
  await http.people.control('faults', { slowAckMs: 4000 });
  assert.match((await http.emma.says('/flink x', { channel: 'etl' })).text, /operation_timeout/);
  assert.equal(http.app.received.length, 1);
  await http.people.control('faults', { slowAckMs: 50 });
  const { ack } = await http.emma.types('/flink y', { channel: 'etl' });
  assert.ok(ack?.['ok'] === true && Number(ack['durationMs']) >= 50);

  const { practice, people, emma } = await startSocketPractice(t, { ackTimeoutMs: 200 });
  const socket = await connectSocket(practice);
  await people.control('faults', { slowAckMs: 300 });
  const typed = emma.says('/flink x', { channel: 'etl' });
  const { envelope_id } = await socket.frame(1);
  socket.ack(envelope_id);
  assert.match((await typed).text, /operation_timeout/);
  assert.equal((await socket.frame(2)).envelope_id, envelope_id, 'and the envelope comes again');
});

test('duplicates: commands, clicks and events come several times, as one and the same', async (t) => {
  const { practice, app, emma, people } = await startHttpPractice(t, {}, (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('accepted'),
  );
  await people.control('faults', { deliverTimes: 3 });
  assert.equal((await emma.says('/flink start', { channel: 'etl' })).text, 'accepted');
  await app.until(3);
  assert.equal(new Set(app.received.map((r) => r.form.get('trigger_id'))).size, 1);
  assert.equal(practice.messages('etl').length, 1, 'one answer is shown');
  await emma.says('@sluice hi', { channel: 'etl' });
  await app.until(6);
  assert.equal(new Set(app.received.slice(3).map((r) => JSON.parse(r.body).event_id)).size, 1);
});

test('duplicates over Socket Mode have one envelope id', async (t) => {
  const { practice, emma, people } = await startSocketPractice(t);
  const socket = await connectSocket(practice);
  await people.control('faults', { deliverTimes: 3 });
  const typed = emma.types('/flink x', { channel: 'etl' });
  const ids = [await socket.frame(1), await socket.frame(2), await socket.frame(3)].map((f) => f.envelope_id);
  assert.equal(new Set(ids).size, 1);
  for (const id of ids) socket.ack(id);
  await typed;
});

test('the wrong order: a delivery is held back until the next one has overtaken it, or for 2 s', async (t) => {
  const { app, emma, lena, people } = await startHttpPractice(t);
  await people.control('faults', { reorderNext: 1 });
  await Promise.all([
    emma.types('/flink first', { channel: 'etl' }),
    (async () => {
      await emma.history('etl');
      await lena.types('/flink second', { channel: 'etl' });
    })(),
  ]);
  const texts = app.received.map((r) => r.form.get('text'));
  assert.deepEqual(texts.toSorted(), ['first', 'second']);
  assert.equal(texts[1], 'first');
});

test('dropped sockets: a cut without a word; without one, nothing is delivered', async (t) => {
  const { practice, people, emma } = await startSocketPractice(t);
  const socket = await connectSocket(practice);
  await people.control('sockets', { action: 'drop' });
  await socket.closed;
  assert.deepEqual(
    socket.frames.map((f) => f.type),
    ['hello'],
  );
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /dispatch_failed/);
});

test('a revoked token is refused until it is restored', async (t) => {
  const { practice, people } = await startHttpPractice(t);
  await people.control('faults', { tokenRevoked: true });
  assert.equal((await api(practice, 'chat.postMessage', postArgs)).error, 'token_revoked');
  await people.control('faults', { tokenRevoked: false });
  assert.equal((await api(practice, 'chat.postMessage', postArgs)).ok, true);
});

test('an archived channel and a kicked bot, and both undone', async (t) => {
  const { practice, people, emma } = await startHttpPractice(t);
  await people.control('channels', { channel: 'etl', archived: true });
  assert.equal((await api(practice, 'chat.postMessage', postArgs)).error, 'is_archived');
  await assert.rejects(emma.says('x', { channel: 'etl' }), /archived/);
  await people.control('channels', { channel: 'etl', archived: false, kickBot: true });
  assert.equal((await api(practice, 'conversations.history', postArgs)).error, 'not_in_channel');
  await people.control('channels', { channel: 'etl', inviteBot: true });
  assert.equal((await api(practice, 'conversations.history', postArgs)).ok, true);
});

test('an outage of an hour: nothing answers, sockets go, nobody can type; afterwards all is as before', async (t) => {
  const { practice, people, emma } = await startSocketPractice(t);
  const socket = await connectSocket(practice);
  await people.control('faults', { outage: true });
  await socket.closed;
  await assert.rejects(api(practice, 'chat.postMessage', postArgs));
  await assert.rejects(respond(`${practice.url}/commands/T0PRACTICE/1/x`, { text: 'x' }));
  await assert.rejects(emma.says('/flink x', { channel: 'etl' }), /cannot be reached/);
  await people.control('clock', { advanceMs: 3_600_000 });
  await people.control('faults', { outage: false });
  assert.equal((await api(practice, 'chat.postMessage', postArgs)).ok, true);
  assert.equal((await connectSocket(practice)).hello.type, 'hello');
});

test('the clock moves forward: triggers and response URLs expire, time stamps follow; never back', async (t) => {
  const { practice, app, people, emma } = await startHttpPractice(t);
  await emma.types('/flink x', { channel: 'etl' });
  const form = app.received[0]?.form;
  const before = await api(practice, 'chat.postMessage', postArgs);
  await people.control('clock', { advanceMs: 31 * 60_000 });
  assert.equal((await api(practice, 'views.open', { trigger_id: form?.get('trigger_id'), view: modal() })).error, 'expired_trigger_id');
  assert.equal((await respond(String(form?.get('response_url')), { text: 'x' })).status, 404);
  const after = await api(practice, 'chat.postMessage', postArgs);
  assert.ok(Number(after['ts']) - Number(before['ts']) > 31 * 60 - 1);
  await assert.rejects(people.control('clock', { advanceMs: -1 }), /only goes forward/);
});

test('the inspector knows each request, its answer, its time, and whether Slack would refuse it', async (t) => {
  const { practice, people, emma } = await startHttpPractice(t);
  await emma.types('/flink x', { channel: 'etl' });
  await api(practice, 'chat.postMessage', { ...postArgs, blocks: withButton('') });
  const entries = (await people.control('faults', {})) && practice.journal();
  const [command, post] = entries as typeof entries & [(typeof entries)[number], (typeof entries)[number]];
  assert.deepEqual([command.direction, command.what, command.status, command.refused], ['out', 'slash command /flink', '200', false]);
  assert.ok(command.durationMs > 0 && command.durationMs < 3000);
  assert.deepEqual([post.direction, post.status, post.refused], ['in', 'invalid_blocks', true]);
  assert.match(JSON.stringify(post.answer), /json-pointer:\/blocks\/0\/text\/text/);
});
