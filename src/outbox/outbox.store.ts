import { newId } from '../core/ids.ts';
import type { Message } from '../core/message.ts';
import { inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, eq, inArray, isNull, lt, or, sql } from '../db/query.ts';
import { outboxMessages } from '../db/schema/index.ts';

export type OutboxRow = typeof outboxMessages.$inferSelect;

export interface DesiredMessage {
  /** One message for ever per key: wanting it again edits it. */
  dedupeKey: string;
  channel: string;
  fallbackChannel?: string | undefined;
  /** Slack user id of who is told, with a link, when the message had to go to the fallback channel. */
  notifyUser?: string | undefined;
  /** Outbox id of the message in whose thread this one goes. */
  threadOf?: string | undefined;
  /** Thread that a person typed in. */
  threadTs?: string | undefined;
  message: Message;
  /** 0 approvals, 1 alerts, 2 operations (default), 3 digests. */
  priority?: number;
}

/** Wants a message to be visible; the same key again changes what it should say. Returns the outbox id. */
export async function desire(tx: Db | Tx, wanted: DesiredMessage): Promise<string> {
  const [row] = await tx
    .insert(outboxMessages)
    .values({
      id: newId('msg'),
      dedupeKey: wanted.dedupeKey,
      channel: wanted.channel,
      fallbackChannel: wanted.fallbackChannel ?? null,
      notifyUser: wanted.notifyUser ?? null,
      threadOf: wanted.threadOf ?? null,
      threadTs: wanted.threadTs ?? null,
      desired: wanted.message,
      priority: wanted.priority ?? 2,
      nextAt: now,
      createdAt: now,
      updatedAt: now,
    })
    .onConflictDoUpdate({ target: outboxMessages.dedupeKey, set: changed(wanted.message) })
    .returning({ id: outboxMessages.id });
  return row!.id;
}

function changed(message: Message) {
  return {
    desired: message,
    desiredVersion: sql<number>`${outboxMessages.desiredVersion} + 1`,
    state: 'pending' as const,
    // A row that is put off (Retry-After) stays put off; one that was sent keeps its pace.
    nextAt: sql`greatest(${outboxMessages.nextAt}, case when ${outboxMessages.state} = 'pending' then ${outboxMessages.nextAt} else sluice_now() end)`,
    updatedAt: now,
  };
}

/** A message by outbox id. */
export async function findMessage(db: Db | Tx, id: string): Promise<OutboxRow | undefined> {
  const [row] = await db.select().from(outboxMessages).where(eq(outboxMessages.id, id));
  return row;
}
/** The message that stands at this place in Slack. */
export async function findMessageAt(db: Db | Tx, channel: string, ts: string): Promise<OutboxRow | undefined> {
  const [row] = await db
    .select()
    .from(outboxMessages)
    .where(and(eq(outboxMessages.sentChannel, channel), eq(outboxMessages.sentTs, ts)));
  return row;
}

/**
 * Claims the next row of each channel that nobody sends to at the moment: one sender per channel keeps the order.
 * A lease of 15 s by the database's clock; rows whose thread's root is not posted yet wait.
 */
export async function claimDue(db: Db, owner: string, busyChannels: readonly string[], limit: number): Promise<OutboxRow[]> {
  const busy = busyChannels.length > 0 ? sql`and not (m.channel = any(${sqlArray(busyChannels)}))` : sql``;
  const due = await db.execute<{ id: string }>(sql`
    select id from (
      select distinct on (m.channel) m.id, m.channel, m.priority, m.next_at
      from outbox_messages m
      left join outbox_messages root on root.id = m.thread_of
      where m.state = 'pending' and m.next_at <= sluice_now()
        and (m.lease_until is null or m.lease_until < sluice_now())
        and (m.thread_of is null or root.sent_ts is not null or root.state = 'failed')
        and not exists (select 1 from outbox_messages o where o.channel = m.channel and o.lease_until >= sluice_now() and o.id <> m.id)
        ${busy}
      order by m.channel, m.priority, m.next_at, m.created_at
    ) due order by priority, next_at limit ${limit}`);
  const ids = due.rows.map((r) => r.id);
  if (ids.length === 0) return [];
  return db
    .update(outboxMessages)
    .set({ owner, leaseUntil: inMs(15_000), epoch: sql`${outboxMessages.epoch} + 1` })
    .where(
      and(
        inArray(outboxMessages.id, ids),
        eq(outboxMessages.state, 'pending'),
        or(isNull(outboxMessages.leaseUntil), lt(outboxMessages.leaseUntil, now)),
      ),
    )
    .returning();
}
function sqlArray(values: readonly string[]) {
  return sql`array[${sql.join(
    values.map((v) => sql`${v}`),
    sql`, `,
  )}]::text[]`;
}

const mine = (row: OutboxRow) => and(eq(outboxMessages.id, row.id), eq(outboxMessages.epoch, row.epoch));

/** Notes that a post is about to leave: a crash from here on means "look before repeating". */
export async function notePosting(db: Db, row: OutboxRow): Promise<boolean> {
  const rows = await db.update(outboxMessages).set({ postingSince: now }).where(mine(row)).returning({ id: outboxMessages.id });
  return rows.length === 1;
}
/** Records what is visible now; the row stays pending when something newer is wanted meanwhile. */
export async function noteSent(
  db: Db,
  row: OutboxRow,
  at: { channel: string; ts: string; permalink?: string | undefined },
  pauseMs: number,
): Promise<void> {
  await db
    .update(outboxMessages)
    .set({
      sentVersion: row.desiredVersion,
      sentChannel: at.channel,
      sentTs: at.ts,
      ...(at.permalink ? { permalink: at.permalink } : {}),
      postingSince: null,
      leaseUntil: null,
      owner: null,
      attempts: 0,
      lastError: null,
      nextAt: inMs(pauseMs),
      state: sql`case when ${outboxMessages.desiredVersion} > ${row.desiredVersion} then 'pending' else 'sent' end`,
    })
    .where(mine(row));
}
/** Puts a delivery off. */
export async function noteLater(db: Db, row: OutboxRow, afterMs: number, reason: string, keepPosting: boolean): Promise<void> {
  await db
    .update(outboxMessages)
    .set({
      nextAt: inMs(afterMs),
      attempts: sql`${outboxMessages.attempts} + 1`,
      lastError: reason,
      leaseUntil: null,
      owner: null,
      ...(keepPosting ? {} : { postingSince: null }),
    })
    .where(mine(row));
}
/** Moves a message to its fallback channel, or marks it failed when there is none. */
export async function noteRefused(db: Db, row: OutboxRow, reason: string): Promise<'moved' | 'failed'> {
  const fallback = row.fallbackChannel && row.fallbackChannel !== row.channel ? row.fallbackChannel : undefined;
  await db
    .update(outboxMessages)
    .set(
      fallback
        ? {
            channel: fallback,
            fallbackChannel: null,
            movedFrom: row.channel,
            threadTs: null,
            sentTs: null,
            sentChannel: null,
            postingSince: null,
            leaseUntil: null,
            owner: null,
            nextAt: now,
            lastError: reason,
          }
        : { state: 'failed', postingSince: null, leaseUntil: null, owner: null, lastError: reason },
    )
    .where(mine(row));
  return fallback ? 'moved' : 'failed';
}
/** A message that stood somewhere and was deleted there: it is posted anew. */
export async function notePostAgain(db: Db, row: OutboxRow): Promise<void> {
  await db.update(outboxMessages).set({ sentTs: null, sentChannel: null, leaseUntil: null, owner: null, nextAt: now }).where(mine(row));
}

/** Counts for the page and `/healthz`: what waits, what failed, how old the oldest waiting row is (ms). */
export async function outboxHealth(db: Db): Promise<{ pending: number; failed: number; oldestMs: number }> {
  const { rows } = await db.execute<{ pending: number; failed: number; oldest: number | null }>(sql`
    select count(*) filter (where state = 'pending')::int as pending, count(*) filter (where state = 'failed')::int as failed,
      (extract(epoch from sluice_now() - min(updated_at) filter (where state = 'pending' and next_at <= sluice_now())) * 1000)::int as oldest
    from outbox_messages`);
  return { pending: rows[0]?.pending ?? 0, failed: rows[0]?.failed ?? 0, oldestMs: rows[0]?.oldest ?? 0 };
}
