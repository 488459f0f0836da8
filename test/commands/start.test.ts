import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putPerson, putTeam } from '../../src/access/people.store.ts';
import { UnreachableError } from '../../src/core/errors.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { expireWaiting } from '../../src/operations/expire.ts';
import { ada, createWorld, emma, lars, lena, omar, otto, seen, stopped, vic, type World } from '../helpers/command-world.ts';

async function afterStop(w: World, job = 'etl-orders'): Promise<string> {
  const run = await w.run(job, { ...stopped, version: 1 });
  await w.restorePoint(job, run, { final: true });
  return run;
}

test('a first start makes one operation that holds the job', async (t) => {
  const w = await createWorld(t);
  const reply = await w.once(emma, 'start etl-orders');
  assert.match(reply.text, /^Accepted: starting etl-orders/);
  const op = await w.theOperation();
  assert.deepEqual([op.kind, op.state, op.holds, op.input], ['start', 'queued', true, { right: 'change' }]);
  assert.ok(reply.text.includes(op.id));
  assert.deepEqual(op.origin, { kind: 'typed', channel: 'C0ETL' });
  assert.ok(w.wakes() > 0);
  const posted = await w.posted(`operation:${op.id}`);
  assert.match(posted.text, /^Starting etl-orders: queued/);
  assert.match(posted.text, /Asked by @Emma/);
  assert.equal(posted.button('Cancel'), `cancel etl-orders --operation ${op.id}`);
  assert.equal((await w.audited('operation.accepted'))[0]?.actor.person?.userId, emma.userId);
});

test('delivered five times at the same moment it is one operation', async (t) => {
  const w = await createWorld(t);
  await w.fiveAtOnce(emma, 'start etl-orders');
  await w.theOperation();
});

test('said by two people at once one wins; the other is told who, with a link', async (t) => {
  const w = await createWorld(t);
  const replies = await w.together(...[emma, lena, ada].map((person) => () => w.say(person, 'start etl-orders')));
  assert.equal(replies.filter((r) => r.text.startsWith('Accepted')).length, 1);
  const op = await w.theOperation();
  for (const loser of replies.filter((r) => !r.text.startsWith('Accepted')))
    assert.match(loser.text, new RegExp(`etl-orders is busy: ${op.actor.name} asked for a start`));
});

test('after a stop on-call resumes what ran, without anybody', async (t) => {
  const w = await createWorld(t);
  await afterStop(w);
  await w.say(omar, 'resume etl-orders');
  const op = await w.theOperation();
  assert.deepEqual([op.state, op.input], ['queued', { right: 'operate' }]);
  assert.equal(await w.approval(op.id), undefined);
});

test('another version is for engineers and leads, not for on-call', async (t) => {
  const w = await createWorld(t);
  await afterStop(w);
  await w.refused(
    omar,
    'start etl-orders --version v2',
    /^You may not start etl-orders as v2: that needs engineer, lead or admin of team data/,
  );
  await w.refused(omar, 'start etl-orders --build', /with a new build: that needs engineer, lead or admin/);
  await w.say(emma, 'start etl-orders --version current');
  assert.deepEqual((await w.theOperation()).input, { right: 'change', version: 'current' });
});

test('viewers, strangers and people without a role start nothing', async (t) => {
  const w = await createWorld(t);
  await w.refused(vic, 'start etl-orders', /^You may not use start: that needs engineer, on-call, lead or admin/);
  await w.refused(otto, 'start etl-orders', /whoami/);
  await w.refused({ teamId: 'T0OTHER', userId: emma.userId, name: 'Emma' }, 'start etl-orders', /Sluice does not know you/);
});

test('somebody whom Slack calls a guest or deactivated starts nothing', async (t) => {
  const directory = { person: async () => ({ name: 'Emma', restricted: true }), groupMembers: async () => [] };
  const w = await createWorld(t, { directory });
  await w.refused(emma, 'start etl-orders', /You may not use start/);
});

test('from nothing on production: a reason is asked for, then a lead', async (t) => {
  const w = await createWorld(t);
  await afterStop(w);
  const asked = await w.refused(
    emma,
    'start etl-orders --fresh --version v2',
    /^To start etl-orders from nothing on production, a lead has to approve it/,
  );
  assert.equal(asked.button('Say why…'), 'start etl-orders --fresh --version v2 --reason {input}');
  const reply = await w.once(emma, 'start etl-orders --fresh --version v2 --reason "new schema"');
  assert.match(reply.text, /^Asked for approval to start etl-orders from nothing\nA lead has to approve it\. Nothing happens before/);
  const op = await w.theOperation();
  assert.deepEqual([op.state, op.holds], ['waiting', false]);
  assert.equal((await w.approval(op.id))?.state, 'pending');
  const plan = await w.posted(`operation:${op.id}`);
  assert.match(plan.text, /Approval needed to start etl-orders from nothing/);
  assert.match(plan.text, /@Emma asks: new schema/);
  assert.match(plan.text, /empty state/);
  assert.match(plan.text, /@Lars @Lena/);
  assert.match(plan.text, /Can be approved until /);
  assert.equal(plan.button('Approve'), `approve ${op.id}`);
  assert.equal(plan.button('Reject'), `reject ${op.id} --reason {input}`);
});

test('from nothing on development asks nobody', async (t) => {
  const w = await createWorld(t);
  await afterStop(w, 'customers');
  await w.say(emma, 'start customers --fresh');
  assert.deepEqual([(await w.theOperation()).state, (await w.theOperation()).input], ['queued', { right: 'rewind', fresh: true }]);
});

test('break-glass starts at once and tells all leads; a blank reason is none', async (t) => {
  const w = await createWorld(t);
  await afterStop(w);
  await w.refused(omar, 'start etl-orders --fresh --break-glass " "', /^Break-glass needs a reason/);
  await w.refused(vic, 'start etl-orders --fresh --break-glass "I want"', /You may not use start/);
  await w.once(omar, 'start etl-orders --fresh --break-glass "shop is down"');
  const op = await w.theOperation();
  assert.deepEqual([op.state, op.breakGlass], ['queued', 'shop is down']);
  const told = await w.posted(`break-glass:${op.id}`);
  assert.match(told.text, /^Break-glass: Omar acts without a second person to start etl-orders from nothing/);
  assert.match(told.text, /@Omar says: shop is down/);
  assert.match(told.text, /@Lars @Lena please review it afterwards/);
  assert.equal(told.button('Reviewed'), `review ${op.id}`);
  assert.equal((await w.audited('break-glass')).length, 1);
});

test('break-glass without a channel or another lead: the alert channel and every admin are told instead', async (t) => {
  const w = await createWorld(t);
  await afterStop(w);
  await w.database.transaction(async (tx) => {
    for (const lead of [lena, lars]) await putPerson(tx, { ...lead, memberships: [{ team: 'data', role: 'viewer' }] });
  });
  await w.once(omar, 'start etl-orders --fresh --break-glass "shop is down"');
  const first = await w.theOperation();
  const told = await w.posted(`break-glass:${first.id}`);
  assert.equal(told.channel, 'C0ALERTS');
  assert.match(told.text, /@Omar says: shop is down[\s\S]*@Ada Team data has no other lead: an admin can name one, who reviews it/);
  const direct = await w.posted(`break-glass:${first.id}:${ada.userId}`);
  assert.deepEqual([direct.channel, direct.text], [ada.userId, told.text]);
});

test('break-glass where no channel is set up at all is written to every lead and admin', async (t) => {
  const w = await createWorld(t, { defaultChannel: undefined });
  await afterStop(w);
  await w.database.transaction((tx) => putTeam(tx, { name: 'data', channel: null, alertChannel: null }));
  await w.say(lena, 'start etl-orders --fresh --break-glass "shop is down"', { kind: 'web', channel: undefined });
  const { id } = await w.theOperation();
  for (const person of [lars, ada]) {
    const direct = await w.posted(`break-glass:${id}:${person.userId}`);
    assert.equal(direct.channel, person.userId);
    assert.match(direct.text, /^Break-glass: Lena acts without a second person[\s\S]*@Lars please review it afterwards/);
  }
  await assert.rejects(w.posted(`break-glass:${id}:${lena.userId}`), 'who did it needs no telling');
  await assert.rejects(w.posted(`break-glass:${id}`), 'there is no channel for it');
});

test('what already runs is not started; what cannot be told is not either', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  w.cluster.sight = seen;
  await w.refused(
    emma,
    'start etl-orders',
    /^etl-orders is already running: v2 on standalone, started 3 h ago\.\nTo start it anew: \/flink restart etl-orders/,
  );
  w.cluster.sight = { is: 'unknown', why: 'standalone does not answer.' };
  await w.refused(emma, 'start etl-orders', /It cannot be told whether etl-orders still runs: standalone does not answer/);
});

test('what stands in the way is said with the next step', async (t) => {
  const w = await createWorld(t);
  await w.refused(emma, 'start etl-orders --version v9', /etl-orders has no version v9\.\nIts current version is v2/);
  await w.refused(emma, 'start etl-orders --version six', /six is no version/);
  await w.refused(emma, 'start etl-orders --build --version v1', /--version has no meaning beside it/);
  await w.refused(emma, 'start etl-orders --branch x', /\/flink start etl-orders --build --branch x/);
  await w.refused(emma, 'start customers --build', /customers is not built from a git project/);
  w.cluster.facts = { flinkVersion: '1.20.5', slotsTotal: 3, slotsAvailable: 3, taskManagers: 1, jobsRunning: 0 };
  await w.refused(
    emma,
    'start etl-orders',
    /wants parallelism 4, but standalone has 3 slots in all\.\nLower it: \/flink set etl-orders parallelism=3/,
  );
  w.cluster.facts = new UnreachableError('connect ECONNREFUSED');
  await w.refused(emma, 'start etl-orders', /The cluster standalone does not answer, so nothing was started/);
  const run = await w.run('etl-orders', { ...stopped, endReason: 'failed', state: 'FAILED' });
  assert.ok(run);
  w.cluster.facts = { flinkVersion: '1.20.5', slotsTotal: 8, slotsAvailable: 8, taskManagers: 1, jobsRunning: 0 };
  await w.refused(emma, 'start etl-orders', /has no restore point: it ended before its first checkpoint\.\n.*--fresh/);
});

test('a job without a build says how to get one; --build is that', async (t) => {
  const w = await createWorld(t);
  await w.say(ada, 'set etl-orders parallelism=2');
  const job = (await findJob(w.database.db, 'etl-orders'))!;
  const { artifact: _, ...without } = job.current.definition;
  await w.database.transaction((tx) => addVersion(tx, job.name, { definition: without, origin: 'apply', createdBy: ada }));
  await w.refused(emma, 'start etl-orders', /has no build yet.*\n.*\/flink build etl-orders.*--build/);
  await w.say(emma, 'start etl-orders --build --branch fix');
  const [op] = await w.operations('etl-orders');
  assert.deepEqual([op?.input, op?.holds], [{ right: 'change', build: true, branch: 'fix' }, false]);
});

test('nobody decided in time: the plan expires, and nothing was done', async (t) => {
  const w = await createWorld(t);
  await afterStop(w);
  await w.say(emma, 'start etl-orders --fresh --reason "new schema"');
  const op = await w.theOperation();
  await w.moveClock(2 * 3_600_000);
  assert.equal(await expireWaiting(w.database), 1);
  assert.equal((await w.theOperation()).state, 'canceled');
  assert.match((await w.posted(`operation:${op.id}`)).text, /^Expired: nobody decided about start of etl-orders in time/);
  await w.refused(lena, `approve ${op.id}`, /Its time is over/);
});
