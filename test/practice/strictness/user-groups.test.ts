import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, manifest, refuses, startHttpPractice } from '../rig.ts';

const source = 'docs.slack.dev/reference/events/subteam_members_changed';

test('user groups: listed with usergroups:read only, an unknown one is refused (docs.slack.dev/reference/methods/usergroups.users.list)', async (t) => {
  const { practice } = await startHttpPractice(t);
  assert.deepEqual((await api(practice, 'usergroups.users.list', { usergroup: 'S0LEADS' }))['users'], ['U0LENA', 'U0LARS']);
  await refuses(practice, 'usergroups.users.list', { usergroup: 'flink-leads' }, 'no_such_subteam');
  const without = await startHttpPractice(t, { manifest: manifest({ scopes: ['commands'] }) });
  await refuses(without.practice, 'usergroups.users.list', { usergroup: 'S0LEADS' }, 'missing_scope');
});

test(`user groups: a change is told as subteam_members_changed, with who came and who went (${source})`, async (t) => {
  const { app, people } = await startHttpPractice(t, { manifest: manifest() });
  await people.control('groups', { group: 'flink-leads', users: ['U0LENA', 'U0OMAR'] });
  await app.until(1);
  const { event } = JSON.parse(app.received[0]?.body ?? '{}');
  assert.deepEqual(
    [event.type, event.subteam_id, event.added_users, event.added_users_count, event.removed_users, event.removed_users_count],
    ['subteam_members_changed', 'S0LEADS', ['U0OMAR'], 1, ['U0LARS'], 1],
  );
});

test(`user groups: a change is not told to an app that did not subscribe or lacks the scope (${source})`, async (t) => {
  for (const parts of [{ events: [] }, { scopes: ['commands'] }]) {
    const { app, people, emma } = await startHttpPractice(t, {
      manifest: manifest(parts.scopes ? parts : { ...parts, scopes: ['commands'] }),
    });
    await people.control('groups', { group: 'flink-leads', users: [] });
    await emma.types('/flink next', { channel: 'etl' });
    assert.equal(app.received[0]?.form.get('text'), 'next');
  }
});
