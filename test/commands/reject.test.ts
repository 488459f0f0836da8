import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, lars, lena, omar } from '../helpers/command-world.ts';

test('a lead rejects with a reason, and the requester reads it', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'restore etl-orders --from s3://lake/sp-1 --reason "bad deploy"');
  const { id } = await w.theOperation();
  await w.refused(lena, `reject ${id}`, /^A rejection needs a reason\.\nAdd --reason/);
  await w.refused(lena, `reject ${id} --reason " "`, /^A rejection needs a reason/);
  await w.refused(emma, `reject ${id} --reason "changed my mind"`, /You asked for this yourself.*reject[\s\S]*\/flink cancel etl-orders/);
  await w.refused(omar, `reject ${id} --reason no`, /^You may not reject this: that needs a lead of team data/);
  const reply = await w.once(lena, `reject ${id} --reason "wait for the release"`);
  assert.match(reply.text, /^Rejected: restore of etl-orders/);
  assert.equal((await w.theOperation()).state, 'canceled');
  const { text, actions } = await w.posted(`operation:${id}`);
  assert.match(
    text,
    /^Rejected: restore of etl-orders\nAsked by @Emma, rejected by @Lena\. Reason: bad deploy\nWhy not: wait for the release/,
  );
  assert.deepEqual(actions, []);
  await w.refused(lars, `approve ${id}`, /^It is decided already: rejected by Lena/);
  const told = await w.posted(`decided:${id}`);
  assert.equal(told.channel, emma.userId, 'a direct message to who asked');
  assert.match(told.text, /^Your restore of etl-orders was rejected by Lena: wait for the release\nNothing was done\./);
});

test('five deliveries of a rejection are one', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'restore etl-orders --from s3://lake/sp-1 --reason "bad deploy"');
  const { id } = await w.theOperation();
  await w.fiveAtOnce(lena, `reject ${id} --reason no`);
  assert.equal((await w.posted(`decided:${id}`)).version, 1, 'told once');
  assert.equal((await w.audited('approval.rejected')).length, 1);
});
