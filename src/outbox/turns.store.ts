import { inMs } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, eq, inArray, isNotNull, sql } from '../db/query.ts';
import { outboxChannels, outboxMessages } from '../db/schema/index.ts';
import type { OutboxRow } from './outbox.store.ts';

/** A message that is ours to send, and with it the turn of its channel. */
export interface ClaimedRow extends OutboxRow {
  turn: { channelKind: string; channel: string; epoch: number };
}
/** How long a claim holds without being renewed, by the database's clock. */
export const defaultLeaseMs = 15_000;

/**
 * Claims the next row of each channel that nobody sends to at the moment: one sender per channel, in the whole fleet, keeps order and pace.
 * The row of the channel is locked and re-checked, so of two replicas one gets it. Rows whose thread's root is not posted yet wait. New messages
 * go out as they were wanted, edits as they became due; of what was refused before, what was tried least.
 * @param underway what this owner is sending at the moment: what else is held in its name was lost with a connection, and is claimed again at once
 */
export async function claimDue(
  db: Db | Tx,
  owner: string,
  limit: number,
  leaseMs = defaultLeaseMs,
  underway?: readonly ClaimedRow[],
): Promise<ClaimedRow[]> {
  const { claims, isNewChannel } = await claimOnce(db, owner, limit, leaseMs, underway);
  // A channel that was never sent to gets its row first; a statement does not see what it inserts itself.
  if (isNewChannel) {
    const busy = underway && [...underway, ...claims];
    claims.push(...(await claimOnce(db, owner, limit, leaseMs, busy)).claims);
  }
  if (claims.length === 0) return [];
  const rows = await db
    .select()
    .from(outboxMessages)
    .where(
      inArray(
        outboxMessages.id,
        claims.map((claim) => claim.id),
      ),
    );
  return claims.flatMap(({ id, epoch, turn }) => {
    const row = rows.find((r) => r.id === id && r.epoch === epoch);
    return row ? [{ ...row, turn }] : [];
  });
}

type Claim = { id: string; epoch: number; turn: ClaimedRow['turn'] };
async function claimOnce(
  db: Db | Tx,
  owner: string,
  limit: number,
  leaseMs: number,
  underway: readonly (Claim | ClaimedRow)[] | undefined,
): Promise<{ claims: Claim[]; isNewChannel: boolean }> {
  const list = (values: readonly string[]) =>
    sql`array[${sql.join(
      values.map((value) => sql`${value}`),
      sql`, `,
    )}]::text[]`;
  const lostMessage = underway ? sql`or (m.owner = ${owner} and not (m.id = any(${list(underway.map((row) => row.id))})))` : sql``;
  const lostTurn = underway
    ? sql`or (c.owner = ${owner} and not (c.channel_kind || ' ' || c.channel = any(${list(underway.map(({ turn }) => `${turn.channelKind} ${turn.channel}`))})))`
    : sql``;
  const { rows } = await db.execute<{
    fresh: number;
    id: string | null;
    epoch: number;
    channelKind: string;
    channel: string;
    turnEpoch: number;
  }>(sql`
    with due as (
      select m.id, m.channel_kind, coalesce(root.channel, m.channel) as channel, m.priority, m.next_at, m.created_at,
        case when m.state = 'failed' then m.attempts else 0 end as refusals,
        case when m.state = 'pending' and m.sent_ts is null then m.created_at else m.next_at end as since
      from outbox_messages m
      left join outbox_messages root on root.id = m.thread_of
      where m.state in ('pending', 'failed') and m.next_at <= sluice_now() and m.channel <> ''
        and (m.lease_until is null or m.lease_until < sluice_now() ${lostMessage})
        and (m.thread_of is null or root.sent_ts is not null or root.state = 'failed')
    ), fresh as (
      insert into outbox_channels (channel_kind, channel, next_at)
      select distinct d.channel_kind, d.channel, sluice_now() from due d
      where not exists (select 1 from outbox_channels c where c.channel_kind = d.channel_kind and c.channel = d.channel)
      order by 1, 2
      on conflict do nothing returning channel
    ), free as (
      select c.channel_kind, c.channel
      from outbox_channels c
      join (select channel_kind, channel, min(priority) as priority, min(next_at) as next_at from due group by 1, 2) d
        on d.channel_kind = c.channel_kind and d.channel = c.channel
      where (c.lease_until is null or c.lease_until < sluice_now() ${lostTurn}) and c.next_at <= sluice_now()
      order by d.priority, d.next_at
      limit ${limit}
      for update of c skip locked
    ), first as (
      select distinct on (d.channel_kind, d.channel) d.id, d.channel_kind, d.channel
      from due d join free f on f.channel_kind = d.channel_kind and f.channel = d.channel
      order by d.channel_kind, d.channel, d.priority, d.refusals, d.since, d.created_at
    ), picked as (
      select m.id, first.channel_kind, first.channel
      from outbox_messages m join first on first.id = m.id
      where m.state in ('pending', 'failed') and m.next_at <= sluice_now() and (m.lease_until is null or m.lease_until < sluice_now() ${lostMessage})
      for update of m skip locked
    ), taken as (
      update outbox_messages m set owner = ${owner}, lease_until = ${inMs(leaseMs)}, epoch = m.epoch + 1
      from picked p where m.id = p.id
      returning m.id, m.epoch, p.channel_kind, p.channel
    ), held as (
      update outbox_channels c set owner = ${owner}, lease_until = ${inMs(leaseMs)}, epoch = c.epoch + 1
      from taken t where c.channel_kind = t.channel_kind and c.channel = t.channel
      returning c.channel_kind, c.channel, c.epoch
    )
    select f.fresh, t.id, t.epoch::int as epoch, h.channel_kind as "channelKind", h.channel, h.epoch::int as "turnEpoch"
    from (select count(*)::int as fresh from fresh) f
    left join (taken t join held h on h.channel_kind = t.channel_kind and h.channel = t.channel) on true`);
  const claims = rows.flatMap((row) =>
    row.id === null
      ? []
      : [{ id: row.id, epoch: row.epoch, turn: { channelKind: row.channelKind, channel: row.channel, epoch: row.turnEpoch } }],
  );
  return { claims, isNewChannel: (rows[0]?.fresh ?? 0) > 0 };
}

const ours = ({ turn }: ClaimedRow) =>
  and(eq(outboxChannels.channelKind, turn.channelKind), eq(outboxChannels.channel, turn.channel), eq(outboxChannels.epoch, turn.epoch));

/**
 * Goes on holding a claim: the channel's turn and the message. False once another replica has taken one of them: then nothing more may be sent.
 * @param posting notes that a post is about to leave: a crash from here on means "look before repeating". Of several attempts the first one
 *   counts: each of them may have been posted.
 */
export async function renewClaim(db: Db, row: ClaimedRow, leaseMs = defaultLeaseMs, posting = false): Promise<boolean> {
  // Without a lease the delivery is over: a late renewal must not hold it again.
  const turns = await db
    .update(outboxChannels)
    .set({ leaseUntil: inMs(leaseMs) })
    .where(and(ours(row), isNotNull(outboxChannels.leaseUntil)))
    .returning({ channel: outboxChannels.channel });
  if (turns.length === 0) return false;
  const messages = await db
    .update(outboxMessages)
    .set({ leaseUntil: inMs(leaseMs), ...(posting ? { postingSince: sql`coalesce(${outboxMessages.postingSince}, sluice_now())` } : {}) })
    .where(and(eq(outboxMessages.id, row.id), eq(outboxMessages.epoch, row.epoch), isNotNull(outboxMessages.leaseUntil)))
    .returning({ id: outboxMessages.id });
  return messages.length === 1;
}
/** Gives the channel's turn back; nobody sends to it before the pause is over. */
export async function endTurn(db: Db, row: ClaimedRow, pauseMs: number): Promise<void> {
  await db
    .update(outboxChannels)
    .set({ owner: null, leaseUntil: null, nextAt: inMs(pauseMs) })
    .where(ours(row));
}
