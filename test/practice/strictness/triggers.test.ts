import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, modal, refuses, startHttpPractice } from '../rig.ts';

const source = 'docs.slack.dev/interactivity/handling-user-interaction#modal_responses';

test(`triggers: a trigger opens one view (exchanged_trigger_id; ${source})`, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t);
  await emma.types('/flink x', { channel: 'etl' });
  const trigger_id = String(app.received[0]?.form.get('trigger_id'));
  assert.match(trigger_id, /^\d+\.\d+\.[0-9a-f]{32}$/);
  assert.equal((await api(practice, 'views.open', { trigger_id, view: modal() })).ok, true);
  await refuses(practice, 'views.open', { trigger_id, view: modal() }, 'exchanged_trigger_id');
});

test(`triggers: a trigger lives 3 seconds of the workspace's clock (expired_trigger_id; ${source})`, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t);
  await emma.types('/flink x', { channel: 'etl' });
  practice.advance(3001);
  await refuses(practice, 'views.open', { trigger_id: app.received[0]?.form.get('trigger_id'), view: modal() }, 'expired_trigger_id');
});

test(`triggers: a made-up trigger is invalid_trigger_id (${source})`, async (t) => {
  const { practice } = await startHttpPractice(t);
  await refuses(practice, 'views.open', { trigger_id: '1.2.abc', view: modal() }, 'invalid_trigger_id');
});
