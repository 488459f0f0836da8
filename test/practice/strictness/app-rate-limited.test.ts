import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifest, startHttpPractice } from '../rig.ts';

test('app_rate_limited: beyond 30,000 events an hour they are dropped, and that is told once a minute (docs.slack.dev/reference/events/app_rate_limited)', async (t) => {
  // three an hour instead of 30,000
  const limits = { events: { burst: 3, perMinute: 3 / 60 } };
  const { practice, app, emma } = await startHttpPractice(t, { manifest: manifest(), limits });
  for (let i = 1; i <= 6; i++) await emma.says(`@sluice ${i}`, { channel: 'etl' });
  await app.until(4);
  await emma.types('/flink next', { channel: 'etl' });
  const [told] = app.received.map((r) => (r.form.has('command') ? {} : JSON.parse(r.body))).filter((b) => b.type === 'app_rate_limited');
  assert.deepEqual(Object.keys(told), ['token', 'type', 'team_id', 'minute_rate_limited', 'api_app_id']);
  assert.equal(told.minute_rate_limited % 60, 0);
  assert.equal(app.received.length, 5, 'three mentions, one notice, one command');
  practice.advance(3_600_000);
  await emma.says('@sluice again', { channel: 'etl' });
  await app.until(6);
  assert.equal(JSON.parse(app.received[5]?.body ?? '{}').event.text, '<@U0SLUICE> again');
});
