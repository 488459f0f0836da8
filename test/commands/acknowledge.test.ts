import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findIncident, openIncidents } from '../../src/incidents/incidents.store.ts';
import { openIncident, resolveIncidents } from '../../src/incidents/open.ts';
import { createWorld, emma, nina, omar, vic, type World } from '../helpers/command-world.ts';

async function incident(w: World, job: string | null = 'etl-orders'): Promise<string> {
  const key = `job:${job}:failed`;
  await w.database.transaction((tx) =>
    openIncident(tx, {
      key,
      job: job ?? undefined,
      cluster: 'standalone',
      cause: job ? 'failed' : 'unreachable',
      title: job ? `${job} failed` : 'standalone does not answer',
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    }),
  );
  return (await openIncidents(w.database.db)).find((i) => i.key === key)!.id;
}

test('on-call acknowledges; the message says who looks after it', async (t) => {
  const w = await createWorld(t);
  const id = await incident(w);
  const before = await w.posted(`incident:${id}`);
  assert.equal(before.button('Acknowledge'), `acknowledge ${id}`);
  assert.equal((await w.once(omar, `ack ${id}`)).text, 'You look after: etl-orders failed');
  const after = await w.posted(`incident:${id}`);
  assert.match(after.text, /Acknowledged by @Omar/);
  assert.ok(!after.actions.some((a) => a.label === 'Acknowledge'));
  await w.refused(emma, `acknowledge ${id}`, /^Omar looks after it already/);
});

test('by the name of the job or of the cluster, while something is wrong with it', async (t) => {
  const w = await createWorld(t);
  const id = await incident(w);
  await incident(w, null);
  assert.equal((await w.say(omar, 'ack etl-orders')).text, 'You look after: etl-orders failed');
  assert.equal((await findIncident(w.database.db, id))?.ackedBy?.userId, omar.userId);
  assert.equal((await w.say(omar, 'ack cluster:standalone')).text, 'You look after: standalone does not answer');
  await w.refused(omar, 'ack customers', /^Nothing is wrong with customers, as far as anybody was told/);
  await w.refused(nina, 'ack customers', /not yours|may not|no job/i);
  await w.refused(omar, 'ack etl-order', /^There is no incident etl-order/);
});

test('of two at the same moment one looks after it; five deliveries are one', async (t) => {
  const w = await createWorld(t);
  const id = await incident(w);
  const replies = await w.together(
    () => w.say(emma, `ack ${id}`),
    () => w.say(omar, `ack ${id}`),
  );
  assert.equal(replies.filter((r) => r.text.startsWith('You look after')).length, 1);
  const other = await incident(w, 'customers');
  await w.fiveAtOnce(omar, `ack ${other}`);
  assert.equal((await findIncident(w.database.db, other))?.ackedBy?.userId, omar.userId);
});

test('viewers and other teams do not acknowledge; what is over or unknown says so', async (t) => {
  const w = await createWorld(t);
  const id = await incident(w);
  await w.refused(vic, `acknowledge ${id}`, /You may not use acknowledge/);
  await w.refused(nina, `acknowledge ${id}`, /You may not use acknowledge on etl-orders/);
  await w.refused(omar, 'acknowledge inc_zzzzzzzzzzzz', /^There is no incident inc_zzzzzzzzzzzz/);
  await w.refused(omar, 'acknowledge inc_zzzzzzzzzzzz', /^That is too old/, { kind: 'button' });
  await w.refused(omar, 'resume-all inc_zzzzzzzzzzzz', /^That is too old/, { kind: 'button' });
  await w.database.transaction((tx) => resolveIncidents(tx, ['job:etl-orders:failed'], 'It runs again.'));
  await w.refused(omar, `acknowledge ${id}`, /^It is over already/);
});

test('an incident of a cluster is acknowledged by anybody who operates jobs', async (t) => {
  const w = await createWorld(t);
  await w.say(omar, `acknowledge ${await incident(w, null)}`);
  const [open] = await openIncidents(w.database.db);
  assert.deepEqual([open?.job, open?.ackedBy?.userId], [null, omar.userId]);
});

test('of a message that tells of two teams each takes what is theirs', async (t) => {
  const w = await createWorld(t);
  const facts = { exception: 'java.io.IOException: broker is gone' };
  await w.database.transaction(async (tx) => {
    await tx.execute("update jobs set team = 'ads' where name = 'customers'" as never);
    for (const job of ['etl-orders', 'customers'])
      await openIncident(tx, {
        key: `job:${job}:failed`,
        job,
        cluster: 'standalone',
        cause: 'failed',
        title: `${job} failed`,
        facts,
        runId: undefined,
        channel: 'C0ALERTS',
        fallbackChannels: [],
      });
  });
  const leader = (await openIncidents(w.database.db)).find((one) => one.leaderId === null)!;
  assert.equal((await w.say(omar, `acknowledge ${leader.id}`)).text, 'You look after: etl-orders failed');
  const half = await w.posted(`incident:${leader.id}`);
  assert.match(half.text, /Acknowledged by @Omar: etl-orders/);
  assert.equal(half.button('Acknowledge'), `acknowledge ${leader.id}`);
  await w.refused(omar, `acknowledge ${leader.id}`, /^Omar looks after it already/);
  assert.equal((await w.say(nina, `acknowledge ${leader.id}`)).text, 'You look after: customers failed');
  assert.ok(!(await w.posted(`incident:${leader.id}`)).actions.some((action) => action.label === 'Acknowledge'));
});
