import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, emma, lars, lena, omar, type Somebody, type World } from '../helpers/command-world.ts';

async function broken(w: World, by: Somebody): Promise<string> {
  await w.say(by, 'restore etl-orders --from s3://lake/sp-1 --break-glass "shop is down"');
  return (await w.theOperation()).id;
}

test('another lead reviews a break-glass action, once', async (t) => {
  const w = await createWorld(t);
  const id = await broken(w, lena);
  await w.refused(lena, `review ${id}`, /^You did this yourself, so another lead has to review it/);
  for (const person of [emma, omar]) await w.refused(person, `review ${id}`, /^Only a lead of the team reviews/);
  assert.match((await w.once(lars, `review ${id}`)).text, /^Marked as reviewed/);
  assert.match(
    (await w.posted(`break-glass:${id}`)).text,
    /^Break-glass reviewed: restore of etl-orders\n@Lena said: shop is down\nReviewed by @Lars/,
  );
  assert.equal((await w.audited('break-glass.reviewed')).length, 1);
  await w.refused(lars, `review ${id}`, /^Lars has reviewed it already/);
});

test('of two leads at the same moment one reviews', async (t) => {
  const w = await createWorld(t);
  const id = await broken(w, omar);
  const replies = await w.together(
    () => w.say(lena, `review ${id}`),
    () => w.say(lars, `review ${id}`),
  );
  assert.equal(replies.filter((r) => /has reviewed it already/.test(r.text)).length, 1);
  assert.equal((await w.audited('break-glass.reviewed')).length, 1);
});

test('what was no break-glass is not reviewed', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'start etl-orders');
  await w.refused(lena, `review ${(await w.theOperation()).id}`, /^There is no break-glass action op_/);
});
