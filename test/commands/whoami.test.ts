import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, createWorld, emma, otto } from '../helpers/command-world.ts';

test('whoami tells identity and roles', async (t) => {
  const w = await createWorld(t);
  assert.equal((await w.say(emma, 'whoami')).text, 'You are Emma\nSlack identity: T0TEAM / U0EMMA\nRoles: engineer of data');
  assert.match((await w.say(ada, 'whoami')).text, /Roles: admin/);
  assert.match((await w.say(otto, 'whoami')).text, /Roles: none/);
});

test('a stranger learns the identity that an admin needs', async (t) => {
  const w = await createWorld(t);
  const { text } = await w.say({ teamId: 'T0NEW', userId: 'U0NEW', name: 'New' }, 'whoami');
  assert.match(text, /^Sluice does not know you\nYour Slack identity is T0NEW \/ U0NEW\. An admin can give you a role/);
});
