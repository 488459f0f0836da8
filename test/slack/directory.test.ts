import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { webClient } from '../../src/slack/client.ts';
import { createDirectory, type SlackDirectory } from '../../src/slack/directory.ts';
import { type FakeSlack, fakeSlack } from './fake-slack.ts';

let slack: FakeSlack;
let directory: SlackDirectory;
let now = 0;
before(async () => {
  slack = await fakeSlack();
});
after(() => slack.close());
beforeEach(() => {
  slack.calls.length = 0;
  now = 1_000_000;
  directory = createDirectory({ web: webClient('xoxb-1', slack.apiUrl, silentLog), log: silentLog, teamId: () => 'T1', now: () => now });
});
const user = (extra: object) => ({
  json: { ok: true, user: { id: 'U1', team_id: 'T1', name: 'emma', real_name: 'Emma O', profile: {}, ...extra } },
});

test('members may act; guests, deactivated people and strangers may not', async () => {
  const cases: [object, boolean][] = [
    [{}, false],
    [{ is_restricted: true }, true],
    [{ is_ultra_restricted: true }, true],
    [{ deleted: true }, true],
    [{ is_stranger: true }, true],
    [{ team_id: 'T2' }, true],
  ];
  for (const [i, [extra, restricted]] of cases.entries()) {
    slack.on('users.info', user(extra));
    assert.deepEqual(await directory.person('T1', `U${i}`), { name: 'Emma O', restricted }, JSON.stringify(extra));
  }
  slack.on('users.info', user({}));
  assert.equal((await directory.person('T2', 'U9'))?.restricted, true, 'asked as a person of another workspace');
});

test('what cannot be read is undefined, is not remembered, and a stranger stays one', async () => {
  slack.on('users.info', { json: { ok: false, error: 'ratelimited' } });
  assert.equal(await directory.person('T1', 'U1'), undefined);
  assert.deepEqual(await directory.person('T2', 'U1'), { name: 'U1', restricted: true });
  slack.on('users.info', user({}));
  assert.equal((await directory.person('T1', 'U1'))?.restricted, false);
  slack.on('usergroups.users.list', 'cut');
  assert.equal(await directory.groupMembers('S1'), undefined);
});

test('answers are remembered for five minutes, asked for once at a time, and forgotten when Slack says so', async () => {
  slack.on('usergroups.users.list', { json: { ok: true, users: ['U1', 'U2'] } });
  const both = await Promise.all([directory.groupMembers('S1'), directory.groupMembers('S1')]);
  assert.deepEqual(both, [
    ['U1', 'U2'],
    ['U1', 'U2'],
  ]);
  now += 299_000;
  await directory.groupMembers('S1');
  assert.equal(slack.callsOf('usergroups.users.list').length, 1);
  now += 2_000;
  slack.on('usergroups.users.list', { json: { ok: false, error: 'ratelimited' } });
  assert.equal(await directory.groupMembers('S1'), undefined, 'an old answer is not used');
  slack.on('usergroups.users.list', { json: { ok: true, users: ['U3'] } });
  assert.deepEqual(await directory.groupMembers('S1'), ['U3']);
  slack.on('usergroups.users.list', { json: { ok: true, users: [] } });
  directory.forgetGroup('S1');
  assert.deepEqual(await directory.groupMembers('S1'), []);
});
