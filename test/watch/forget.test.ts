import assert from 'node:assert/strict';
import { it } from 'node:test';
import { record } from '../../src/access/audit.store.ts';
import type { Db } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import { forgetIncidents, forgetMessages } from '../../src/watch/forget.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const day = 86_400_000;

/** A message that was sent, or given up, so many days ago. */
async function message(db: Db, key: string, days: number, change: { state?: string; threadOf?: string } = {}) {
  const { state = 'sent', threadOf = null } = change;
  await db.execute(sql`insert into outbox_messages (id, dedupe_key, channel, desired, state, sent_ts, sent_at, thread_of, next_at, created_at, updated_at)
    select ${`m:${key}`}, ${key}, 'C1', '{"title": "t"}', ${state}, 'ts', at, ${threadOf}, at + interval '10 years', at, at
    from (select sluice_now() - make_interval(days => ${days}) as at) a`);
}
async function incident(db: Db, id: string, change: { state?: string; days?: number; leader?: string; message?: string } = {}) {
  const { state = 'resolved', days = 400, leader = null, message = null } = change;
  await db.execute(sql`insert into incidents (id, key, job, cause, state, title, facts, message_id, leader_id, first_seen, last_seen, resolved_at)
    select ${id}, ${id}, 'orders', 'failed', ${state}, 't', '{}', ${message}, ${leader}, at, at, case ${state} when 'resolved' then at end
    from (select sluice_now() - make_interval(days => ${days}) as at) a`);
  await db.execute(sql`insert into incident_events (incident_id, at, text) values (${id}, sluice_now(), 'began')`);
}
async function operation(db: Db, id: string, state: string) {
  await db.execute(sql`insert into operations (id, kind, job, state, holds, input, idem_key, actor, origin, message_id, created_at)
    values (${id}, 'start', 'orders', ${state}, false, '{}', ${id}, '{}', '{}', ${`m:operation:${id}`}, now())`);
}
async function run(db: Db, operationId: string, ended: boolean) {
  await db.execute(sql`insert into runs (id, job, version, cluster, flink_job_id, operation_id, state, state_at, ended, started_by, started_at, beginning)
    values (${`run_${operationId}`}, 'orders', 1, 'c', ${operationId}, ${operationId}, 'RUNNING', now(), ${ended}, '{}', now(), 'fresh')`);
}
const keys = async (db: Db) =>
  (await db.execute<{ k: string }>(sql`select dedupe_key as k from outbox_messages order by 1`)).rows.map((row) => row.k);

it('messages that nothing changes any more go after 90 days, those that may still be edited stay', async (t) => {
  const { db } = await sharedDb(t);
  for (const [id, state] of [
    ['over', 'succeeded'],
    ['runs', 'succeeded'],
    ['asks', 'waiting'],
  ] as const) {
    await operation(db, `op_${id}`, state);
    await message(db, `operation:op_${id}`, 100);
  }
  await run(db, 'op_over', true);
  await run(db, 'op_runs', false);
  await incident(db, 'inc_over');
  await incident(db, 'inc_open', { state: 'firing' });
  await incident(db, 'inc_led', { state: 'firing', leader: 'inc_over2' });
  await incident(db, 'inc_over2', { message: 'm:incident:inc_over2' });
  for (const id of ['over', 'open', 'over2']) await message(db, `incident:inc_${id}`, 100);
  await message(db, 'incident:inc_open:oncall-mail', 100);
  await message(db, 'left:incident:inc_over', 100, { state: 'failed' });
  await message(db, 'incident-event:7', 100, { threadOf: 'm:incident:inc_open' });
  await message(db, 'incident:inc_said', 100);
  await message(db, 'incident-event:8', 1, { state: 'failed', threadOf: 'm:incident:inc_said' });
  await message(db, 'handover:etl:1', 100);
  await message(db, 'handover:etl:2', 100);
  await db.execute(sql`insert into restore_points (id, job, run_id, version, kind, path, state, taken_at, goes_at, told_by, told_version)
    values ('sp', 'orders', 'run', 1, 'savepoint', '/sp', 'available', now(), now(), 'm:handover:etl:2', 1)`);
  await message(db, 'digest:new', 80);
  await message(db, 'digest:waits', 100, { state: 'pending' });
  await forgetMessages(db);
  assert.deepEqual(await keys(db), [
    'digest:new',
    'digest:waits',
    'handover:etl:2',
    'incident-event:8',
    'incident:inc_open',
    'incident:inc_open:oncall-mail',
    'incident:inc_over2',
    'incident:inc_said',
    'operation:op_asks',
    'operation:op_runs',
  ]);
});

it('incidents go with their timelines once they are over for long, a group only together; the audit stays', async (t) => {
  const { db, transaction } = await sharedDb(t);
  await transaction((tx) => record(tx, { actor: { origin: 'system' }, action: 'incident.acknowledged', subject: 'incident:inc_old' }));
  await incident(db, 'inc_old');
  await incident(db, 'inc_new', { days: 300 });
  await incident(db, 'inc_open', { state: 'firing' });
  await incident(db, 'inc_leads');
  await incident(db, 'inc_joined', { days: 300, leader: 'inc_leads' });
  await incident(db, 'inc_joined_old', { leader: 'inc_lead_open' });
  await incident(db, 'inc_lead_open', { state: 'firing' });
  await db.execute(sql`insert into incidents (id, key, cause, state, title, facts, first_seen, last_seen, resolved_at)
    select 'many_' || n, 'many_' || n, 'failed', 'resolved', 't', '{}', now(), now(), now() - interval '2 years' from generate_series(1, 2500) n`);
  await forgetIncidents(db, 365 * day);
  const { rows } = await db.execute<{ id: string; told: number }>(
    sql`select id, (select count(*) from incident_events e where e.incident_id = i.id)::int as told from incidents i order by 1`,
  );
  assert.deepEqual(
    rows.map((row) => [row.id, row.told]),
    ['inc_joined', 'inc_joined_old', 'inc_lead_open', 'inc_leads', 'inc_new', 'inc_open'].map((id) => [id, 1]),
  );
  const { rows: left } = await db.execute(
    sql`select (select count(*) from incident_events)::int as events, (select count(*) from audit)::int as audit`,
  );
  assert.deepEqual(left, [{ events: 6, audit: 1 }]);
});
