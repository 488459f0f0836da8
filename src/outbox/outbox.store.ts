import { newId } from '../core/ids.ts';
import type { Message } from '../core/message.ts';
import { inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, eq, gt, inArray, isNull, or, sql, type Values } from '../db/query.ts';
import { outboxChannels, outboxMessages } from '../db/schema/index.ts';

/** Channel of a message that has no place to go to. */
export const nowhere = '';
/** How often a channel that refused is tried again, and for how long after the message was wanted. */
const retryFailedMs = 10 * 60_000;
const keepTryingMs = 24 * 3_600_000;
const never = sql`(sluice_now() + interval '10 years')`;

export type OutboxRow = typeof outboxMessages.$inferSelect;

export interface DesiredMessage {
  /** One message for ever per key: wanting it again edits it. */
  dedupeKey: string;
  /** Which sender delivers it: `slack` unless said otherwise. */
  channelKind?: string | undefined;
  channel: string;
  /** Where it goes when that refuses, one after the other. */
  fallbackChannels?: readonly string[] | undefined;
  /** Slack user id of who is told, with a link, when the message had to go to another channel. */
  notifyUser?: string | undefined;
  /** Outbox id of the message in whose thread this one goes. */
  threadOf?: string | undefined;
  /** Thread that a person typed in. */
  threadTs?: string | undefined;
  message: Message;
  /** 0 approvals, 1 alerts, 2 operations (default), 3 digests. */
  priority?: number;
}

/**
 * Wants a message to be visible; the same key again changes what it should say. Without a channel it is kept as failed until it gets one.
 * Returns the outbox id.
 */
export async function desire(tx: Db | Tx, wanted: DesiredMessage): Promise<string> {
  const homeless = wanted.channel === nowhere;
  const [row] = await tx
    .insert(outboxMessages)
    .values({
      id: newId('msg'),
      dedupeKey: wanted.dedupeKey,
      ...(wanted.channelKind ? { channelKind: wanted.channelKind } : {}),
      channel: wanted.channel,
      fallbackChannels: others(wanted.channel, wanted.fallbackChannels),
      notifyUser: wanted.notifyUser ?? null,
      threadOf: wanted.threadOf ?? null,
      threadTs: wanted.threadTs ?? null,
      desired: wanted.message,
      priority: wanted.priority ?? 2,
      nextAt: homeless ? never : now,
      ...(homeless ? { state: 'failed', lastError: 'no channel is set' } : {}),
      createdAt: now,
      updatedAt: now,
    })
    .onConflictDoUpdate({ target: outboxMessages.dedupeKey, set: repainted(wanted.message) })
    .returning({ id: outboxMessages.id });
  return row!.id;
}

/** What changes in a row when its message should say something else. */
export function repainted(message: Message) {
  const m = outboxMessages;
  return {
    desired: message,
    desiredVersion: sql<number>`${m.desiredVersion} + 1`,
    // What a channel refused is not tried again for each change, but when its time has come.
    state: sql`case when ${m.state} = 'failed' and (${m.channel} = ${nowhere} or ${m.nextAt} > sluice_now()) then 'failed' else 'pending' end`,
    // A row that is put off (Retry-After) stays put off; one that was sent keeps its pace; what waits for
    // a few of its recipients has news for all of them; one that was given up gets a try.
    nextAt: sql`case when ${m.state} = 'failed' and ${m.channel} <> ${nowhere} then least(${m.nextAt}, ${inMs(retryFailedMs)})
      when ${m.state} = 'pending' and ${m.sentTs} is not null and ${m.sentVersion} = ${m.desiredVersion} then sluice_now()
      when ${m.state} = 'sent' then greatest(${m.nextAt}, sluice_now()) else ${m.nextAt} end`,
    updatedAt: now,
  };
}

/** What a message that is wanted already should say; nothing where there is none. */
export async function repaintWanted(tx: Tx, dedupeKey: string, message: Message): Promise<void> {
  await tx.update(outboxMessages).set(repainted(message)).where(eq(outboxMessages.dedupeKey, dedupeKey));
}
/** Lines of a thread that nobody could read yet keep their title alone: whom they called need not come any more. */
export async function hushThread(tx: Tx, messageId: string): Promise<void> {
  const m = outboxMessages;
  await tx
    .update(m)
    .set({ desired: sql`jsonb_set(${m.desired}, '{parts}', '[]')`, desiredVersion: sql`${m.desiredVersion} + 1` })
    // One that is on its way may be there already, and an edit would only take its mention away.
    .where(
      and(
        eq(m.threadOf, messageId),
        inArray(m.state, ['pending', 'failed']),
        isNull(m.sentTs),
        isNull(m.leaseUntil),
        isNull(m.postingSince),
      ),
    );
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

/** Every write of a delivery ends its claim, and none happens once another replica has taken it over. */
async function write(db: Db, row: OutboxRow, change: Partial<Values<OutboxRow>>): Promise<boolean> {
  const rows = await db
    .update(outboxMessages)
    .set({ ...change, leaseUntil: null, owner: null })
    .where(and(eq(outboxMessages.id, row.id), eq(outboxMessages.epoch, row.epoch)))
    .returning({ id: outboxMessages.id });
  return rows.length === 1;
}
const failedIn = (channelKind: string, channel: string) =>
  and(eq(outboxMessages.state, 'failed'), eq(outboxMessages.channelKind, channelKind), eq(outboxMessages.channel, channel));

/**
 * Records what is visible now; the row stays pending when something newer is wanted meanwhile, or when some of its recipients do not have it yet.
 * @param again why not all have it; it is due again after the pause
 */
export async function noteSent(
  db: Db,
  row: OutboxRow,
  at: { channel: string; ts: string; permalink?: string | undefined },
  pauseMs: number,
  again?: string,
): Promise<boolean> {
  return write(db, row, {
    sentVersion: row.desiredVersion,
    sentChannel: at.channel,
    sentTs: at.ts,
    sentAt: now,
    ...(at.permalink ? { permalink: at.permalink } : {}),
    postingSince: null,
    attempts: 0,
    lastError: again ?? null,
    nextAt: inMs(pauseMs),
    state:
      again !== undefined
        ? 'pending'
        : sql`case when ${outboxMessages.desiredVersion} > ${row.desiredVersion} then 'pending' else 'sent' end`,
  });
}
/** Puts a delivery off. */
export async function noteLater(db: Db, row: OutboxRow, afterMs: number, reason: string, keepPosting: boolean): Promise<boolean> {
  return write(db, row, {
    nextAt: inMs(afterMs),
    attempts: sql`${outboxMessages.attempts} + 1`,
    lastError: reason,
    ...(keepPosting ? {} : { postingSince: null }),
  });
}
/** Each place once, and none that was tried. */
function others(tried: string, places: readonly string[] = []): string[] {
  return [...new Set(places)].filter((place) => place !== tried && place !== nowhere);
}
/**
 * Moves a message to the next of its fallback channels, or marks it failed when there is none. A failed one is tried again every ten minutes for a day:
 * the reason may be gone by then. One of a channel is enough to see that, so the others there wait as long.
 */
export async function noteRefused(db: Db, row: OutboxRow, reason: string): Promise<'moved' | 'failed' | 'not ours'> {
  const [fallback, ...rest] = others(row.channel, row.fallbackChannels);
  if (fallback !== undefined) {
    const moved = await write(db, row, {
      channel: fallback,
      fallbackChannels: rest.filter((place) => place !== row.movedFrom),
      movedFrom: row.movedFrom ?? row.channel,
      threadTs: null,
      sentTs: null,
      sentChannel: null,
      postingSince: null,
      nextAt: now,
      state: 'pending',
      lastError: reason,
    });
    return moved ? 'moved' : 'not ours';
  }
  const failed = await write(db, row, {
    state: 'failed',
    postingSince: null,
    lastError: reason,
    attempts: sql`${outboxMessages.attempts} + 1`,
    // A moment later than the others of its channel, so that each of them gets its try.
    nextAt: sql`case when ${outboxMessages.updatedAt} < ${inMs(-keepTryingMs)} then ${never} else ${inMs(retryFailedMs + 1000)} end`,
  });
  if (!failed) return 'not ours';
  await db
    .update(outboxMessages)
    .set({ nextAt: sql`greatest(${outboxMessages.nextAt}, ${inMs(retryFailedMs)})` })
    .where(failedIn(row.channelKind, row.channel));
  return 'failed';
}
/** A message that stood somewhere and was deleted there: it is posted anew. */
export async function notePostAgain(db: Db, row: OutboxRow): Promise<boolean> {
  return write(db, row, { sentTs: null, sentChannel: null, nextAt: now, state: 'pending' });
}

/** Something was sent by a claim that another replica had taken: what is visible may be old, so the newest is sent once more. */
export async function wantAgain(db: Db, id: string): Promise<void> {
  await db
    .update(outboxMessages)
    .set({ state: 'pending', desiredVersion: sql`${outboxMessages.desiredVersion} + 1` })
    .where(eq(outboxMessages.id, id));
}
/** A channel takes messages again: what it refused during the last day, or the time given, is sent now. */
export async function reviveChannel(db: Db, channelKind: string, channel: string, withinMs = keepTryingMs): Promise<void> {
  await db
    .update(outboxMessages)
    .set({ state: 'pending', nextAt: now })
    .where(and(failedIn(channelKind, channel), gt(outboxMessages.updatedAt, inMs(-withinMs))));
}
/** A thread has moved: what was refused in it is sent now. */
export async function reviveThread(db: Db, root: string): Promise<void> {
  await db
    .update(outboxMessages)
    .set({ state: 'pending', nextAt: now })
    .where(and(eq(outboxMessages.threadOf, root), eq(outboxMessages.state, 'failed')));
}
/** A kind of channel works again as a whole: what was put off, messages and channels, is due now. */
export async function resumeKind(db: Db, channelKind: string): Promise<void> {
  const putOff = gt(outboxMessages.nextAt, now);
  await db
    .update(outboxMessages)
    .set({ nextAt: now })
    .where(and(eq(outboxMessages.channelKind, channelKind), eq(outboxMessages.state, 'pending'), putOff));
  await db
    .update(outboxChannels)
    .set({ nextAt: now })
    .where(and(eq(outboxChannels.channelKind, channelKind), gt(outboxChannels.nextAt, now)));
}
/** Gives a message that had no place to go to one, and what is in its thread. */
export async function placeMessage(tx: Db | Tx, id: string, channel: string, fallbackChannels: readonly string[]): Promise<void> {
  await tx
    .update(outboxMessages)
    .set({ channel, fallbackChannels: others(channel, fallbackChannels), state: 'pending', nextAt: now, lastError: null })
    .where(and(or(eq(outboxMessages.id, id), eq(outboxMessages.threadOf, id)), eq(outboxMessages.channel, nowhere)));
}

/** Asked all the time, and of a table that grows: it reads only what is not sent. Counts for the page and `/healthz`: what waits, what failed (not what a moved message left), how old the oldest waiting row is (ms). */
export async function outboxHealth(db: Db): Promise<{ pending: number; failed: number; oldestMs: number }> {
  const { rows } = await db.execute<{ pending: number; failed: number; oldest: number | null }>(sql`
    select count(*) filter (where state = 'pending')::int as pending, count(*) filter (where state = 'failed' and dedupe_key not like 'left:%')::int as failed,
      (extract(epoch from sluice_now() - min(updated_at) filter (where state = 'pending' and next_at <= sluice_now()
        and (sent_ts is null or sent_version < desired_version))) * 1000)::int as oldest
    from outbox_messages where state in ('pending', 'failed')`);
  return { pending: rows[0]?.pending ?? 0, failed: rows[0]?.failed ?? 0, oldestMs: rows[0]?.oldest ?? 0 };
}
