import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, omar, vic } from '../helpers/command-world.ts';

test('silences lists what is silenced, the one that ends first at the top, each with a button that ends it', async (t) => {
  const w = await createWorld(t);
  assert.match((await w.say(vic, 'silences')).text, /^Nothing is silenced/);
  await w.once(omar, 'silence customers 3h moving house');
  await w.once(omar, 'silence cluster:standalone 1h "new nodes"');
  const said = await w.say(emma, 'silences');
  assert.match(said.text, /^2 silences\ncluster standalone until .* by @Omar: new nodes\njob customers until .* by @Omar: moving house/);
  assert.equal(said.button('End standalone'), 'unsilence cluster:standalone');
});
