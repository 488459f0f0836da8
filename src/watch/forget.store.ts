import { inMs } from '../db/clock.ts';
import type { Db } from '../db/db.ts';
import { type SQL, sql } from '../db/query.ts';

const day = 24 * 3_600_000;
/** A message that nobody has changed for so long, and that nothing will change any more, is forgotten. */
const messagesKeptMs = 90 * day;
/** Rows that one statement deletes: each has 3 s. */
const batch = 1000;

/**
 * Forgets messages of which the last change was sent, or given up, 90 days ago. Those that may still be edited stay, however old they are: of an incident or an
 * operation that is not over, of the run that an operation started as long as it lives, with something in their thread that is not sent, or announcing savepoints
 * that are still to go. In small statements; after the signal no further one is begun.
 */
export async function forgetMessages(db: Db, signal?: AbortSignal): Promise<void> {
  const old = inMs(-messagesKeptMs);
  // `operation:op_x`, `decided:op_x`, `incident:inc_y:oncall-mail`, `left:incident:inc_y`: what a message is about stands in its key.
  const about = sql`split_part(regexp_replace(m.dedupe_key, '^left:', ''), ':', 2)`;
  const isDone = sql`not exists (select 1 from outbox_messages c where c.thread_of = m.id and c.state in ('pending', 'failed'))
    and not exists (select 1 from incidents i where (i.id = ${about} or i.leader_id = ${about} or i.message_id = m.id) and i.state <> 'resolved')
    and not exists (select 1 from operations o where o.id = ${about} and (o.state in ('waiting', 'queued', 'running', 'parked')
      or exists (select 1 from runs r where r.job = o.job and r.operation_id = o.id and not r.ended)))
    and not (m.dedupe_key like 'handover:%' and exists (select 1 from restore_points p where p.told_by = m.id and p.state = 'available'))`;
  const forget = (which: SQL) =>
    inBatches(signal, async () => {
      const { rowCount } = await db.execute(
        sql`delete from outbox_messages where id in (select m.id from outbox_messages m where ${which} and ${isDone} limit ${batch})`,
      );
      return rowCount ?? 0;
    });
  await forget(sql`m.state = 'sent' and m.sent_at < ${old}`);
  await forget(sql`m.state = 'failed' and m.updated_at < ${old} and m.next_at > sluice_now()`);
}

/**
 * Forgets incidents that were over so long ago, with their timelines. One that leads others, or is told in the message of another, stays as long as one of them does
 * not go. The audit is never touched.
 */
export async function forgetIncidents(db: Db, keptMs: number, signal?: AbortSignal): Promise<void> {
  const old = inMs(-keptMs);
  await inBatches(signal, async () => {
    const { rows } = await db.execute<{ n: number }>(sql`
      with gone as (
        delete from incidents where id in (
          select i.id from incidents i where i.state = 'resolved' and i.resolved_at < ${old}
            and not exists (select 1 from incidents o where o.id = i.leader_id and (o.state <> 'resolved' or o.resolved_at >= ${old}))
            and not exists (select 1 from incidents o where o.leader_id = i.id and (o.state <> 'resolved' or o.resolved_at >= ${old}))
          limit ${batch})
        returning id
      ), events as (delete from incident_events e using gone where e.incident_id = gone.id)
      select count(*)::int as n from gone`);
    return rows[0]?.n ?? 0;
  });
}

async function inBatches(signal: AbortSignal | undefined, statement: () => Promise<number>): Promise<void> {
  while (!signal?.aborted) if ((await statement()) < batch) return;
}
