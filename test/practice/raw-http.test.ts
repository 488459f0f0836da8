import assert from 'node:assert/strict';
import { test } from 'node:test';
import { http } from '../../src/core/http.ts';
import { botToken, section, startHttpPractice } from './rig.ts';

test('raw HTTP, JSON in and out, without any library of Slack: everything Sluice does with the Web API', async (t) => {
  const { practice, app, emma } = await startHttpPractice(t);
  type Body = Record<string, unknown>;
  const call = async (method: string, json: Body): Promise<Body> => {
    const answer = await http(practice.apiUrl + method, { method: 'POST', json, headers: { authorization: `Bearer ${botToken}` } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
    const body = JSON.parse(answer.body) as Body;
    assert.equal(body['ok'], true, `${method}: ${answer.body}`);
    return body;
  };
  const channel = 'C0ETL';
  const blocks = [section('*queued*')];
  assert.equal((await call('auth.test', {}))['user_id'], 'U0SLUICE');
  const { ts } = await call('chat.postMessage', {
    channel,
    text: 'queued',
    blocks,
    metadata: { event_type: 'm', event_payload: { n: 1 } },
  });
  await call('chat.update', { channel, ts, text: 'running' });
  await call('chat.postMessage', { channel, text: 'step 1', thread_ts: ts, reply_broadcast: true });
  await call('reactions.add', { channel, timestamp: ts, name: 'eyes' });
  await call('chat.postEphemeral', { channel, user: 'U0EMMA', text: 'only you' });
  const history = (await call('conversations.history', { channel, include_all_metadata: true }))['messages'] as Body[];
  assert.deepEqual(
    history.map((m) => [m['text'], m['subtype'], (m['metadata'] as Body | undefined)?.['event_type']]),
    [
      ['step 1', 'thread_broadcast', undefined],
      ['running', undefined, 'm'],
    ],
  );
  assert.equal(((await call('conversations.replies', { channel, ts }))['messages'] as Body[]).length, 2);
  assert.ok((await call('chat.getPermalink', { channel, message_ts: ts }))['permalink']);
  assert.equal(((await call('conversations.info', { channel }))['channel'] as Body)['is_member'], true);
  assert.equal(((await call('conversations.members', { channel }))['members'] as string[]).length, 9);
  assert.equal(((await call('conversations.list', { limit: 2 }))['channels'] as Body[]).length, 2);
  const dm = (await call('conversations.open', { users: 'U0EMMA' }))['channel'] as Body;
  await call('chat.postMessage', { channel: dm['id'], text: 'Approved.' });
  assert.equal(((await call('users.info', { user: 'U0LENA' }))['user'] as Body)['name'], 'lena');
  assert.equal(((await call('users.list', {}))['members'] as Body[]).length, 9);
  assert.equal(((await call('usergroups.list', { include_users: true }))['usergroups'] as Body[])[0]?.['user_count'], 2);
  assert.deepEqual((await call('usergroups.users.list', { usergroup: 'S0LEADS' }))['users'], ['U0LENA', 'U0LARS']);

  await emma.types('/flink x', { channel: 'etl' });
  const modal = (title: string) => ({ type: 'modal', title: { type: 'plain_text', text: title }, blocks });
  const opened = (await call('views.open', { trigger_id: app.received[0]?.form.get('trigger_id'), view: modal('Loading') }))[
    'view'
  ] as Body;
  await call('views.update', { view_id: opened['id'], hash: opened['hash'], view: modal('Ready') });
  assert.equal((await emma.seesModal('Ready')).title, 'Ready');
  await call('views.publish', { user_id: 'U0EMMA', view: { type: 'home', blocks } });
  const answer = await http(String(app.received[0]?.form.get('response_url')), { method: 'POST', json: { text: 'done' } });
  assert.deepEqual([answer.status, answer.body], [200, '{"ok":true}']);
  assert.equal((await emma.sees('done')).ephemeral, true);
  await call('chat.delete', { channel, ts });
  assert.deepEqual(
    practice.journal().filter((e) => e.refused),
    [],
  );
});
