import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { signingSecret, startHttpPractice } from '../rig.ts';

test('signature: v0 over timestamp and raw body, with the present time (docs.slack.dev/authentication/verifying-requests-from-slack)', async (t) => {
  const { app, emma } = await startHttpPractice(t);
  await emma.types('/flink "a & b" ü', { channel: 'etl' });
  await emma.says('@sluice hi', { channel: 'etl' });
  await app.until(2);
  for (const { headers, body } of app.received) {
    const timestamp = String(headers['x-slack-request-timestamp']);
    assert.ok(Math.abs(Date.now() / 1000 - Number(timestamp)) < 5);
    const expected = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex');
    assert.equal(headers['x-slack-signature'], `v0=${expected}`);
  }
});

test('content type: exactly the form type for commands and JSON for events, without a charset (slack.md 1.3)', async (t) => {
  const { app, emma } = await startHttpPractice(t);
  await emma.types('/flink x', { channel: 'etl' });
  await emma.says('@sluice hi', { channel: 'etl' });
  await app.until(2);
  assert.deepEqual(
    app.received.map((r) => r.headers['content-type']),
    ['application/x-www-form-urlencoded', 'application/json'],
  );
});

test('signature: an app that answers 401 is told to the person as dispatch_failed (docs.slack.dev/interactivity/implementing-slash-commands)', async (t) => {
  const { emma } = await startHttpPractice(t, { signingSecret: 'another' }, (request, response) => {
    const base = `v0:${String(request.headers['x-slack-request-timestamp'])}:${request.body}`;
    const good = request.headers['x-slack-signature'] === `v0=${createHmac('sha256', signingSecret).update(base).digest('hex')}`;
    response.writeHead(good ? 200 : 401).end();
  });
  assert.match((await emma.says('/flink x', { channel: 'etl' })).text, /dispatch_failed/);
});
