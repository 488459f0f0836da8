import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHttpPractice } from '../rig.ts';

const source = 'docs.slack.dev/apis/events-api#retries';

test(`event retries: at once, after 1 and after 5 minutes of the workspace's clock, then never (${source})`, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t, {}, (_request, response) => response.writeHead(500).end());
  await emma.says('@sluice hello', { channel: 'etl' });
  await app.until(2);
  practice.advance(59_000);
  assert.equal(app.received.length, 2);
  practice.advance(1000);
  await app.until(3);
  practice.advance(300_000);
  await app.until(4);
  practice.advance(3_600_000);
  assert.deepEqual(
    app.received.map((r) => [r.headers['x-slack-retry-num'], r.headers['x-slack-retry-reason']]),
    [
      [undefined, undefined],
      ['1', 'http_error'],
      ['2', 'http_error'],
      ['3', 'http_error'],
    ],
  );
  assert.equal(new Set(app.received.map((r) => JSON.parse(r.body).event_id)).size, 1);
});

test(`event retries: x-slack-no-retry ends them (${source})`, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t, {}, (_request, response) =>
    response.writeHead(500, { 'x-slack-no-retry': '1' }).end(),
  );
  await emma.says('@sluice hello', { channel: 'etl' });
  await app.until(1);
  practice.advance(3_600_000);
  await emma.types('/flink next', { channel: 'etl' });
  assert.deepEqual(
    app.received.map((r) => r.form.get('command')),
    [null, '/flink'],
  );
});

test(`event retries: a command or a click is never sent again over HTTP (slack.md 1.1)`, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t, {}, (_request, response) => response.writeHead(500).end());
  await emma.says('/flink x', { channel: 'etl' });
  practice.advance(3_600_000);
  await emma.says('/flink y', { channel: 'etl' });
  assert.deepEqual(
    app.received.map((r) => r.form.get('text')),
    ['x', 'y'],
  );
});
