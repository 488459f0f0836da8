import assert from 'node:assert/strict';
import { test } from 'node:test';
import { message } from '../../src/core/message.ts';
import { ada, createWorld, emma } from '../helpers/command-world.ts';

test('an admin sees the channels beside Slack, and sends a test message to one', async (t) => {
  const tested: string[] = [];
  const w = await createWorld(t, {
    channels: {
      list: () => [{ name: 'oncall-mail', kind: 'email' }],
      test: async (name) => {
        tested.push(name);
        return { reply: message('good', `${name} took it`) };
      },
    },
  });
  const said = await w.say(ada, 'channel');
  assert.match(said.text, /^1 channel beside Slack\noncall-mail, email/);
  assert.equal(said.button('Test oncall-mail'), 'channel test oncall-mail');
  assert.equal((await w.once(ada, 'channel test oncall-mail')).text, 'oncall-mail took it');
  const [row] = await w.audited('channel.tested');
  assert.deepEqual([row?.subject, row?.actor.person?.name, row?.details], ['channel:oncall-mail', 'Ada', { said: 'oncall-mail took it' }]);
  assert.deepEqual(tested, ['oncall-mail']);
  await w.refused(ada, 'channel tset oncall-mail', /^That is not how a channel is tested/);
  await w.refused(emma, 'channel', /You may not use channel/);
});

test('without one it says where they are set up', async (t) => {
  const w = await createWorld(t);
  assert.match((await w.say(ada, 'channel')).text, /^There is no channel beside Slack[\s\S]*sluice\.yaml/);
});
