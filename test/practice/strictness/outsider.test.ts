import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSeed } from '../../../src/practice/seed.ts';
import { api, startHttpPractice, withButton } from '../rig.ts';

const source = 'docs.slack.dev/apis/slack-connect';
/** The demo's workspace with a guest, somebody who left, and Sam of another company, who shares #etl. */
const workspace = structuredClone(defaultSeed);
workspace.people.push(
  { id: 'U0SAM', name: 'sam', realName: 'Sam Other', otherTeamId: 'T0OTHER' },
  { id: 'U0GINA', name: 'gina', realName: 'Gina Guest', guest: true },
  { id: 'U0LEFT', name: 'lee', realName: 'Lee Left', deleted: true },
);
workspace.channels[0]?.members.push('U0SAM', 'U0GINA');

test(`outsider: a click of another workspace's person carries that workspace's id (${source})`, async (t) => {
  const { practice, app, people } = await startHttpPractice(t, { workspace });
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: withButton('b') });
  const sam = people.as('sam');
  await sam.clicks(await sam.sees('b', { since: 'start' }), 'Go');
  const payload = JSON.parse(app.received[0]?.form.get('payload') ?? '{}');
  assert.deepEqual([payload.team.id, payload.user.id, payload.user.team_id], ['T0PRACTICE', 'U0SAM', 'T0OTHER']);
  const { user } = await api(practice, 'users.info', { user: 'U0SAM' });
  assert.deepEqual([(user as { is_stranger: boolean }).is_stranger, (user as { team_id: string }).team_id], [true, 'T0OTHER']);
});

test(`outsider: a shared channel says so, in conversations.info and in events (${source})`, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t, { workspace });
  const info = async (channel: string) => (await api(practice, 'conversations.info', { channel }))['channel'] as { is_ext_shared: boolean };
  assert.deepEqual([(await info('C0ETL')).is_ext_shared, (await info('C0ALERTS')).is_ext_shared], [true, false]);
  await emma.says('@sluice hi', { channel: 'etl' });
  await app.until(1);
  assert.equal(JSON.parse(app.received[0]?.body ?? '{}').is_ext_shared_channel, true);
});

test(`outsider: sees only the channels that are shared, as a guest does (slack.com/help/articles/202518103)`, async (t) => {
  const { people } = await startHttpPractice(t, { workspace });
  for (const name of ['sam', 'gina']) {
    const person = people.as(name);
    assert.deepEqual(await person.history('etl'), []);
    await assert.rejects(person.history('general'), /sees no channel/);
    await assert.rejects(person.says('hi', { channel: 'flink-alerts' }), /sees no channel/);
  }
});

test('outsider: a person who left does nothing any more, and users.info says deleted (docs.slack.dev/reference/objects/user-object)', async (t) => {
  const { practice, people } = await startHttpPractice(t, { workspace });
  assert.equal(((await api(practice, 'users.info', { user: 'U0LEFT' }))['user'] as { deleted: boolean }).deleted, true);
  await assert.rejects(people.control('say', { as: 'lee', channel: 'etl', text: '/flink x' }), /Nobody called lee/);
  assert.equal((await api(practice, 'conversations.open', { users: 'U0LEFT' })).error, 'user_disabled');
});
