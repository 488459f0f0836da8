import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redeemSignInLink } from '../../src/access/sign-in.store.ts';
import { createWorld, emma, minute, nina, otto } from '../helpers/command-world.ts';

const codeOf = (url: string | undefined) => new URL(url ?? '').searchParams.get('code') ?? '';

test('web gives a link that works once, for five minutes, for its person', async (t) => {
  const w = await createWorld(t);
  const reply = await w.say(emma, 'web');
  assert.match(reply.text, /^Your sign-in link\nIt works once, for 5 minutes, for you alone/);
  assert.notEqual(reply.message.visibility, 'channel');
  const url = reply.actions[0]?.url;
  assert.match(url ?? '', /^https:\/\/sluice\.example\.com\/sign-in\?code=/);
  assert.ok(await redeemSignInLink(w.database, codeOf(url)));
  assert.equal(await redeemSignInLink(w.database, codeOf(url)), undefined);
  const late = await w.say(emma, 'web');
  await w.moveClock(6 * minute);
  assert.equal(await redeemSignInLink(w.database, codeOf(late.actions[0]?.url)), undefined);
});

test('web with a job leads to its page; not to one of another team', async (t) => {
  const w = await createWorld(t);
  const { actions } = await w.say(emma, 'web etl-orders');
  assert.equal(new URL(actions[0]?.url ?? '').searchParams.get('next'), '/jobs/etl-orders');
  await w.refused(nina, 'web etl-orders', /You may not use web on etl-orders/);
  await w.refused(otto, 'web', /You may not use web/);
});
