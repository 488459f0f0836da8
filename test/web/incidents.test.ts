import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record } from '../../src/access/audit.store.ts';
import { now } from '../../src/db/clock.ts';
import type { Db } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import { updateClusterView } from '../../src/deploy/cluster-views.store.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { stretchesOf } from '../../src/incidents/story.ts';
import { createRig, plainText } from './rig.ts';
import { emma, vic } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

/** Checkpoints that failed in the half hour before an incident, and restarts of its run in that time. */
async function troubled(db: Db, incident: string): Promise<void> {
  await db.execute(sql`insert into checkpoints (run_id, id, job, kind, state, triggered_at, ended_at, duration_ms, failure)
    select i.run_id, n, i.job, 'checkpoint', 'failed', at, at, 1000, 'Checkpoint expired before completing, token=hunter2'
    from incidents i, generate_series(5, 9) n, lateral (select i.first_seen - make_interval(mins => 30 - 2 * n) as at) a where i.id = ${incident}`);
  await db.execute(sql`delete from incidents where cause = 'restarting'`);
  await db.execute(sql`insert into incidents (id, key, job, cause, state, title, facts, first_seen, last_seen, resolved_at)
    select 'inc_restarts', 'restarts', job, 'restarting', 'resolved', 'restarts', '{}', r.started_at, r.started_at, r.ended_at - (r.ended_at - r.started_at) / 3
    from (select i.job, greatest(x.started_at, i.first_seen - interval '40 minutes') as started_at, x.ended_at
      from incidents i join runs x on x.job = i.job and x.ended where i.id = ${incident} order by x.ended_at desc limit 1) r`);
}
const textOf = (body: string) => plainText(body.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ');

test('incidents: what is wrong with who looks after it, what is silenced, what is over and how it ended', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const { body } = await (await rig.as(vic)).get('/incidents');
  const [open = '', silenced = '', over = ''] = body.split('<section').slice(1).map(textOf);
  assert.match(open, /Open .* payments-fraud-scoring failed looked after failed .* Lena/);
  assert.match(silenced, /Silenced .* cluster standalone .* Lena Lead new nodes/);
  assert.match(over, /Over .* payments-fraud-scoring keeps restarting over restarting .* It runs again on 4\/4 tasks\./);
});

test('one incident: its message with the buttons, the picture and the timeline of the hour around it', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const [incident] = await openIncidents(rig.database.db, 'payments-fraud-scoring');
  const { body } = await (await rig.as(emma)).get(`/incidents/${incident?.id}`);
  assert.match(body, /<svg[^>]*role="img"[\s\S]*<rect class="trouble"[\s\S]*v1 failed/);
  assert.match(
    textOf(body),
    /java\.lang\.OutOfMemoryError: Java heap space .* Resume .* Timeline .* The run ended: v1 failed .* Acknowledged by Lena Lead\./,
  );
  assert.equal((await (await rig.as(emma)).get('/incidents/inc_zzzzzzzzzzzz')).status, 404);
});

test('the picture crosses failed checkpoints, with why, and hatches the time in which not all tasks of a run ran', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const { db } = rig.database;
  const [incident] = await openIncidents(db, 'payments-fraud-scoring');
  await troubled(db, incident?.id ?? '');
  const { body } = await (await rig.as(emma)).get(`/incidents/${incident?.id}`);
  assert.match(body, /<path class="failed"[^>]*><title>checkpoint 7 failed: Checkpoint expired before completing, token=\*\*\*<\/title>/);
  assert.equal(body.match(/<rect class="stretch"/g)?.length, 1);
  assert.match(body, /<title>not all tasks ran, \d\d:\d\d to \d\d:\d\d<\/title>/);
});

test('what was done to a cluster, and a JobManager that was restarted, are flags in the picture of its incident', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const { db } = rig.database;
  await rig.database.transaction(async (tx) => {
    const actor = { origin: 'apply' as const };
    await record(tx, { actor, action: 'cluster.changed', subject: 'cluster:standalone', details: { fields: ['url'] } });
    await updateClusterView(tx, 'standalone', { jobManagerSince: now });
    await openIncident(tx, {
      key: 'cluster:standalone:unreachable',
      job: undefined,
      cluster: 'standalone',
      cause: 'unreachable',
      title: 'standalone does not answer',
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    });
  });
  const incident = (await openIncidents(db)).find((one) => one.cause === 'unreachable');
  const { body } = await (await rig.as(emma)).get(`/incidents/${incident?.id}`);
  assert.match(body, /<g class="act">[\s\S]*?<title>cluster standalone: url changed by apply<\/title>/);
  assert.match(body, /<title>cluster standalone: another JobManager answers, it was restarted<\/title>/);
  assert.match(textOf(body), /Timeline .* another JobManager answers/);
});

test('an incident can be kept as a text: its message and all that the picture shows, in order', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const { db } = rig.database;
  const [incident] = await openIncidents(db, 'payments-fraud-scoring');
  await troubled(db, incident?.id ?? '');
  const page = await (await rig.as(emma)).get(`/incidents/${incident?.id}`);
  assert.match(textOf(page.body), /Timeline .* Not all of its tasks run .* checkpoint 7 failed: .* As a text file/);
  const file = await (await rig.as(emma)).get(`/incidents/${incident?.id}/export.md`);
  assert.match(String(file.headers['content-disposition']), /attachment; filename="inc_\w+\.md"/);
  assert.match(
    file.body,
    /^# payments-fraud-scoring failed\n\ninc_\w+, since [\d :-]+, not over\. All times are UTC\.\n[\s\S]*OutOfMemoryError[\s\S]*## Timeline[\s\S]*\n- \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: checkpoint 7 failed/,
  );
  assert.doesNotMatch(file.body, /\[Resume\]|hunter2/);
  await db.execute(sql`update jobs set team = 'elsewhere' where name = 'payments-fraud-scoring'`);
  assert.equal((await (await rig.as(emma)).get(`/incidents/${incident?.id}/export.md`)).status, 403);
});

test('a problem that came back hatches each time that it was there, not what was between them', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 10, 25, 8, minute));
  const events = [
    { at: at(1), text: 'orders is restarting' },
    { at: at(2), text: 'Acknowledged by Ann.' },
    { at: at(5), text: 'All tasks run again.' },
    { at: at(10), text: 'Again: orders is restarting' },
    { at: at(12), text: 'Acknowledged by Ann.' },
  ];
  assert.deepEqual(stretchesOf({ firstSeen: at(0), resolvedAt: null }, events, at(30)), [
    { from: at(0), to: at(5) },
    { from: at(10), to: at(30) },
  ]);
});

test('incidents of jobs that are not a person’s are neither listed nor shown', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  await rig.database.transaction(async (tx) => {
    await tx.execute("update jobs set team = 'elsewhere' where name = 'payments-fraud-scoring'" as never);
    await openIncident(tx, {
      key: 'cluster:standalone:unreachable',
      job: undefined,
      cluster: 'standalone',
      cause: 'unreachable',
      title: 'standalone does not answer',
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    });
  });
  const [hidden] = await openIncidents(rig.database.db, 'payments-fraud-scoring');
  const page = textOf((await (await rig.as(emma)).get('/incidents')).body);
  assert.doesNotMatch(page, /payments-fraud-scoring/);
  assert.match(page, /standalone does not answer/);
  assert.equal((await (await rig.as(emma)).get(`/incidents/${hidden?.id}`)).status, 403);
});
