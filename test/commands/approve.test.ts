import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { putPerson } from '../../src/access/people.store.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { ada, createWorld, emma, hour, lars, lena, nina, omar, otto, vic, type World } from '../helpers/command-world.ts';

async function planned(w: World, by = emma): Promise<string> {
  await w.say(by, 'restore etl-orders --from s3://lake/sp-1 --reason "bad deploy"');
  return (await w.operations()).at(-1)!.id;
}

test('a lead approves: the operation begins, and everybody sees who approved what', async (t) => {
  const w = await createWorld(t);
  const id = await planned(w);
  const reply = await w.once(lena, `approve ${id} --reason "go ahead"`);
  assert.match(reply.text, /^Approved: restore of etl-orders begins/);
  assert.equal((await w.theOperation()).state, 'queued');
  const approval = await w.approval(id);
  assert.deepEqual([approval?.state, approval?.decidedBy?.userId], ['approved', lena.userId]);
  const { text } = await w.posted(`operation:${id}`);
  assert.match(text, /^Restoring etl-orders: queued\nAsked by @Emma, approved by @Lena\. Reason: bad deploy\n@Lena adds: go ahead/);
  assert.deepEqual((await w.audited('approval.approved'))[0]?.details['operation'], id);
  const told = await w.posted(`decided:${id}`);
  assert.equal(told.channel, emma.userId, 'a direct message to who asked');
  assert.match(told.text, /^Your restore of etl-orders was approved by Lena: go ahead\nIt begins now/);
});

test('the requester, outsiders and everybody who is no lead are refused', async (t) => {
  const w = await createWorld(t);
  const id = await planned(w);
  await w.refused(
    emma,
    `approve ${id}`,
    /^You asked for this yourself, so another lead has to approve it\.\nTo take it back: \/flink cancel etl-orders/,
  );
  for (const person of [omar, vic, ada, otto, nina, { teamId: 'T0NEW', userId: lena.userId, name: 'Lena' }])
    await w.refused(person, `approve ${id}`, /^You may not approve this: that needs a lead of team data/);
  assert.equal((await w.theOperation()).state, 'waiting');
});

test("a lead's own request needs another lead; an admin's needs a lead", async (t) => {
  const w = await createWorld(t);
  const id = await planned(w, lena);
  const plan = await w.posted(`operation:${id}`);
  assert.match(plan.text, /\n@Lars\n/);
  await w.refused(lena, `approve ${id}`, /You asked for this yourself/);
  await w.say(lars, `approve ${id}`);
  assert.equal((await w.theOperation()).state, 'queued');
  const other = await createWorld(t);
  const second = await planned(other, ada);
  await other.refused(ada, `approve ${second}`, /You asked for this yourself/);
  await other.say(lars, `approve ${second}`);
  assert.equal((await other.theOperation()).state, 'queued');
});

test('the second click is told who decided', async (t) => {
  const w = await createWorld(t);
  const id = await planned(w);
  await w.say(lena, `approve ${id}`);
  await w.refused(lars, `approve ${id}`, /^It is decided already: approved by Lena/);
  await w.refused(lars, `reject ${id} --reason no`, /^It is decided already: approved by Lena/);
});

test('of two leads at the same moment one decides; five deliveries of a click are one', async (t) => {
  const w = await createWorld(t);
  const id = await planned(w);
  const replies = await w.together(
    () => w.say(lena, `approve ${id}`),
    () => w.say(lars, `reject ${id} --reason no`),
  );
  assert.equal(replies.filter((r) => /It is decided already: (approved by Lena|rejected by Lars)/.test(r.text)).length, 1);
  const approval = await w.approval(id);
  assert.equal((await w.theOperation()).state, approval?.state === 'approved' ? 'queued' : 'canceled');
  const other = await createWorld(t);
  const again = await planned(other);
  await other.fiveAtOnce(lena, `approve ${again}`);
  assert.equal((await other.audited('approval.approved')).length, 1);
});

test('after its time it cannot be approved, also before anybody has cleaned up', async (t) => {
  const w = await createWorld(t);
  const id = await planned(w);
  await w.moveClock(hour + 1000);
  await w.refused(
    lena,
    `approve ${id}`,
    /^Its time is over, so it cannot be decided any more\.\nNothing was done\. Emma has to ask for the restore of etl-orders again/,
  );
  assert.equal((await w.theOperation()).state, 'waiting');
});

test('what was taken back cannot be approved', async (t) => {
  const w = await createWorld(t);
  const id = await planned(w);
  await w.say(emma, 'cancel etl-orders');
  await w.refused(lena, `approve ${id}`, /^The request was taken back/);
});

test('when the world changed since the plan, approving does nothing and says so', async (t) => {
  const changes: [string, (w: World) => Promise<unknown>][] = [
    ['another run', (w) => w.run('etl-orders')],
    ['another current version', (w) => w.say(emma, 'set etl-orders parallelism=8')],
  ];
  for (const [what, change] of changes) {
    const w = await createWorld(t);
    const id = await planned(w);
    await change(w);
    const reply = await w.once(lena, `approve ${id}`);
    assert.match(reply.text, /^Not done: the world changed since it was planned/, what);
    assert.equal((await w.theOperation()).state, 'canceled');
    const posted = await w.posted(`operation:${id}`);
    assert.match(posted.text, /^Not done: the world changed since restore of etl-orders was planned/);
    assert.match(posted.button('Ask again'), /^restore etl-orders --version v\d --from s3:\/\/lake\/sp-1 --reason \{input\}$/);
  }
});

test('when the restore point is gone since the plan, approving does nothing and says so', async (t) => {
  const w = await createWorld(t, { pathsReadable: true });
  const point = join(w.dir, 'sp-1');
  await mkdir(point);
  await writeFile(join(point, '_metadata'), 'x');
  await w.say(emma, `restore etl-orders --from ${point} --reason "bad deploy"`);
  const { id } = await w.theOperation();
  await rm(point, { recursive: true });
  const reply = await w.once(lena, `approve ${id}`);
  assert.match(
    reply.text,
    /^Not done: the restore point is no longer there\n.*sp-1 is no longer there: there is no such folder\. Nothing was stopped/,
  );
  assert.equal((await w.theOperation()).state, 'canceled');
  const posted = await w.posted(`operation:${id}`);
  assert.match(posted.text, /^Not done: the restore point of etl-orders is no longer there\n/);
  assert.equal(posted.button('Restore points'), 'restore etl-orders');
});

test('somebody who lost the role since the plan cannot approve', async (t) => {
  const w = await createWorld(t);
  const id = await planned(w);
  await w.database.transaction((tx) => putPerson(tx, { ...lena, memberships: [{ team: 'data', role: 'engineer' }] }));
  await w.refused(lena, `approve ${id}`, /You may not approve this/);
});

test('without another lead nobody can approve, and the requester learns that at once', async (t) => {
  const w = await createWorld(t);
  await w.database.transaction((tx) => putPerson(tx, { ...lars, memberships: [] }));
  const reply = await w.say(lena, 'restore etl-orders --from s3://lake/sp-1 --reason x');
  assert.match(reply.text, /Team data has no other lead, so nobody can approve it\. An admin can name one/);
});

test('an id that is not there waits for nobody', async (t) => {
  const w = await createWorld(t);
  await w.refused(lena, 'approve op_zzzzzzzzzzzz', /^Nothing waits for approval under op_zzzzzzzzzzzz/);
  await w.say(emma, 'start etl-orders');
  await w.refused(lena, `approve ${(await w.theOperation()).id}`, /^Nothing waits for approval/);
  assert.equal((await findJob(w.database.db, 'etl-orders'))?.currentVersion, 2);
});
