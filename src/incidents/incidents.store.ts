import type { PersonRef } from '../core/message.ts';
import { inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { among, and, asc, count, desc, eq, gt, inArray, isNotNull, isNull, ne, or, sql, type Values } from '../db/query.ts';
import { incidentEvents, incidents } from '../db/schema/index.ts';

export type Incident = typeof incidents.$inferSelect;

/** The count of occurrences, one higher. */
export const onceMore = sql<number>`${incidents.occurrences} + 1`;

/** Told, and not over. */
const firing = eq(incidents.state, 'firing');

export async function findIncident(db: Db | Tx, id: string): Promise<Incident | undefined> {
  const [row] = await db.select().from(incidents).where(eq(incidents.id, id));
  return row;
}
/** The incident that a message tells; of several the one that leads them. */
export async function findIncidentByMessage(db: Db | Tx, messageId: string): Promise<Incident | undefined> {
  const [row] = await db
    .select()
    .from(incidents)
    .where(and(eq(incidents.messageId, messageId), isNull(incidents.leaderId)));
  return row;
}
/** The one that is not over, of a key; locked until the transaction ends. */
export async function openOfKey(tx: Tx, key: string): Promise<Incident | undefined> {
  const [row] = await tx
    .select()
    .from(incidents)
    .where(and(eq(incidents.key, key), ne(incidents.state, 'resolved')))
    .for('update');
  return row;
}
/** The one of a key that was over last, if that is not longer ago than this; locked until the transaction ends. */
export async function lastOfKey(tx: Tx, key: string, withinMs: number): Promise<Incident | undefined> {
  const [row] = await tx
    .select()
    .from(incidents)
    .where(and(eq(incidents.key, key), eq(incidents.state, 'resolved'), gt(incidents.resolvedAt, inMs(-withinMs))))
    .orderBy(desc(incidents.resolvedAt))
    .limit(1)
    .for('update');
  return row;
}
/** Incidents that people have to know of, newest first; of one job when it is named. */
export async function openIncidents(db: Db | Tx, job?: string): Promise<Incident[]> {
  return db
    .select()
    .from(incidents)
    .where(and(firing, job === undefined ? undefined : eq(incidents.job, job)))
    .orderBy(desc(incidents.firstSeen));
}
/** All that is not over, also what is not told yet. */
export async function unresolvedIncidents(db: Db | Tx): Promise<Incident[]> {
  return db.select().from(incidents).where(ne(incidents.state, 'resolved')).orderBy(desc(incidents.firstSeen));
}
/** Of these keys those that are not over. */
export async function openKeys(db: Db | Tx, keys: readonly string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const rows = await db
    .select({ key: incidents.key })
    .from(incidents)
    .where(and(among(incidents.key, keys), ne(incidents.state, 'resolved')));
  return rows.map((row) => row.key);
}
/** The one of a key that people have to know of, if there is one; not locked. */
export async function firingOfKey(db: Db | Tx, key: string): Promise<Incident[]> {
  return db
    .select()
    .from(incidents)
    .where(and(firing, eq(incidents.key, key)));
}
/** Keys of what people have to know of, of one cause. */
export async function firingKeys(db: Db | Tx, cause: string): Promise<string[]> {
  const rows = await db
    .select({ key: incidents.key })
    .from(incidents)
    .where(and(firing, eq(incidents.cause, cause)));
  return rows.map((row) => row.key);
}
/** Keys of what is not over, of one cause: also of what may pass before anybody is told. */
export async function unresolvedKeys(db: Db | Tx, cause: string): Promise<string[]> {
  const rows = await db
    .select({ key: incidents.key })
    .from(incidents)
    .where(and(ne(incidents.state, 'resolved'), eq(incidents.cause, cause)));
  return rows.map((row) => row.key);
}
/** What is not over of a cluster, of these causes; without what is told of it. */
export async function unresolvedOf(db: Db | Tx, cluster: string, causes: readonly string[]) {
  const { key, job, cause, runId, firstSeen } = incidents;
  return db
    .select({ key, job, cause, runId, firstSeen })
    .from(incidents)
    .where(and(ne(incidents.state, 'resolved'), eq(incidents.cluster, cluster), inArray(incidents.cause, [...causes])));
}
/** What is not over of these runs; locked until the transaction ends. */
export async function unresolvedOfRuns(tx: Tx, runIds: readonly string[]): Promise<Incident[]> {
  if (runIds.length === 0) return [];
  return tx
    .select()
    .from(incidents)
    .where(and(among(incidents.runId, runIds), ne(incidents.state, 'resolved')))
    .for('update');
}
/** The open incidents of runs whose root exception is still to be read, or whose last checkpoint may be, by run id. */
export async function openOfRuns(tx: Tx, runIds: readonly string[]): Promise<Map<string, Incident>> {
  if (runIds.length === 0) return new Map();
  const rows = await tx
    .select()
    .from(incidents)
    .where(
      and(
        among(incidents.runId, runIds),
        ne(incidents.state, 'resolved'),
        sql`(${incidents.facts} ? 'causeUnread' or ${incidents.cause} = 'canceled-elsewhere')`,
      ),
    )
    .for('update');
  return new Map(rows.flatMap((row) => (row.runId === null ? [] : [[row.runId, row]])));
}
/** Incidents of a job or of all, newest first. */
export async function listIncidents(db: Db | Tx, job?: string, limit = 20): Promise<Incident[]> {
  return db
    .select()
    .from(incidents)
    .where(job === undefined ? undefined : eq(incidents.job, job))
    .orderBy(desc(incidents.firstSeen))
    .limit(limit);
}
/** The newest incidents that are over. */
export async function pastIncidents(db: Db | Tx, limit: number): Promise<Incident[]> {
  return db.select().from(incidents).where(eq(incidents.state, 'resolved')).orderBy(desc(incidents.resolvedAt)).limit(limit);
}
/** What one message tells, what is not over first, then oldest first; and how many there are in all, and not over; of how
 * many the root exception is not read yet, or is another one than the leader's. */
export async function incidentsOfGroup(
  db: Db | Tx,
  leaderId: string,
  limit: number,
): Promise<{ rows: Incident[]; total: number; open: number; unread: number; others: number; onCall: string[] }> {
  const mine = or(eq(incidents.id, leaderId), eq(incidents.leaderId, leaderId));
  const rows = await db
    .select()
    .from(incidents)
    .where(mine)
    .orderBy(sql`${incidents.state} = 'resolved'`, asc(incidents.firstSeen), asc(incidents.id))
    .limit(limit);
  const [counted] = await db
    .select({
      total: count(),
      open: sql<number>`(count(*) filter (where ${incidents.state} <> 'resolved'))::int`,
      unread: sql<number>`(count(*) filter (where ${incidents.facts} ? 'causeUnread'))::int`,
      others: sql<number>`(count(*) filter (where not ${incidents.facts} ? 'causeUnread' and ${incidents.fingerprint}
        is distinct from (select l.fingerprint from incidents l where l.id = ${leaderId})))::int`,
      onCall: sql<string[] | null>`array_agg(distinct ${incidents.facts} ->> 'onCall')
        filter (where ${incidents.state} <> 'resolved' and ${incidents.facts} ? 'onCall')`,
    })
    .from(incidents)
    .where(mine);
  return {
    rows,
    total: counted?.total ?? rows.length,
    open: counted?.open ?? 0,
    unread: counted?.unread ?? 0,
    others: counted?.others ?? 0,
    onCall: counted?.onCall ?? [],
  };
}
/** All that one message tells and that is not over. */
export async function membersOf(db: Db | Tx, leaderId: string): Promise<Incident[]> {
  return db
    .select()
    .from(incidents)
    .where(and(or(eq(incidents.id, leaderId), eq(incidents.leaderId, leaderId)), ne(incidents.state, 'resolved')))
    .orderBy(asc(incidents.firstSeen), asc(incidents.id));
}
/**
 * The incident whose message can take in one more of the same problem: same cause, place and root exception (or cluster), begun at most 10 minutes ago; the
 * newest joined at most a minute ago. Locked until the transaction ends.
 */
export async function leaderFor(
  tx: Tx,
  like: { cause: string; channel: string | null; exception?: string; cluster?: string },
): Promise<Incident | undefined> {
  const i = incidents;
  const [row] = await tx
    .select()
    .from(i)
    .where(
      and(
        firing,
        isNull(i.leaderId),
        isNotNull(i.messageId),
        eq(i.cause, like.cause),
        sql`${i.channel} is not distinct from ${like.channel}`,
        like.exception === undefined ? undefined : eq(i.fingerprint, like.exception),
        like.cluster === undefined ? undefined : eq(i.cluster, like.cluster),
        sql`not (${i.facts} ? 'byOperation')`,
        gt(i.firstSeen, inMs(-10 * 60_000)),
        gt(i.joinedAt, inMs(-60_000)),
      ),
    )
    .orderBy(asc(i.firstSeen))
    .limit(1)
    .for('update');
  return row;
}
/** Holds an incident until the transaction ends. */
export async function lockIncident(tx: Tx, id: string): Promise<void> {
  await tx.select({ id: incidents.id }).from(incidents).where(eq(incidents.id, id)).for('update');
}
/** Its message counts as not up to date. @param joins something joined it just now. */
export async function lowerPainted(tx: Tx, id: string, to: number, joins: boolean): Promise<void> {
  await tx
    .update(incidents)
    .set({ painted: sql`least(${incidents.painted}, ${to})`, ...(joins ? { joinedAt: now } : {}) })
    .where(eq(incidents.id, id));
}
/** Counts those that joined an incident under its message; as it is then. */
export async function growIncident(tx: Tx, id: string, messageId: string, by: number): Promise<Incident | undefined> {
  const [row] = await tx
    .update(incidents)
    .set({ messageId, joined: sql`${incidents.joined} + ${by}`, joinedAt: now })
    .where(eq(incidents.id, id))
    .returning();
  return row;
}
/** Changes rows and returns them as they are then. */
export async function changeIncidents(tx: Tx, ids: readonly string[], change: Partial<Values<Incident>>): Promise<Incident[]> {
  if (ids.length === 0) return [];
  return tx.update(incidents).set(change).where(among(incidents.id, ids)).returning();
}
/** Of these keys those that are open, or were over so short a time ago. */
export async function keysInUse(tx: Tx, keys: readonly string[], withinMs: number): Promise<Set<string>> {
  const rows = await tx
    .select({ key: incidents.key })
    .from(incidents)
    .where(and(among(incidents.key, keys), or(ne(incidents.state, 'resolved'), gt(incidents.resolvedAt, inMs(-withinMs)))));
  return new Set(rows.map((row) => row.key));
}
/** An incident that is told as it is stored. */
export type FiringInput = Pick<
  Incident,
  | 'id'
  | 'key'
  | 'job'
  | 'cluster'
  | 'cause'
  | 'title'
  | 'facts'
  | 'fingerprint'
  | 'runId'
  | 'channel'
  | 'fallbackChannels'
  | 'leaderId'
  | 'messageId'
>;
/** Stores many that begin now, as one value: thousands of parameters take longer to write than the rows. */
export async function insertIncidents(tx: Tx, inputs: readonly FiringInput[]): Promise<void> {
  if (inputs.length === 0) return;
  await tx.execute(sql`
    insert into incidents (id, key, job, cluster, cause, state, title, facts, run_id, channel, fallback_channels, fingerprint, leader_id, message_id,
      first_seen, last_seen, fire_at)
    select id, key, job, cluster, cause, 'firing', title, facts, "runId", channel, "fallbackChannels", fingerprint, "leaderId", "messageId",
      ${now}, ${now}, ${now}
    from jsonb_to_recordset(${JSON.stringify(inputs)}::jsonb) as r(id text, key text, job text, cluster text, cause text, title text, facts jsonb,
      "runId" text, channel text, "fallbackChannels" jsonb, fingerprint text, "leaderId" text, "messageId" text)`);
}
export async function insertIncident(tx: Tx, row: Values<typeof incidents.$inferInsert>): Promise<Incident> {
  const [made] = await tx
    .insert(incidents)
    .values(row as typeof incidents.$inferInsert)
    .returning();
  return made as Incident;
}
/** Who looks after it: of the rows that nobody has yet, those that were taken now. */
export async function takeIncidents(
  tx: Tx,
  ids: readonly string[],
  by: PersonRef,
  { reason, forMs }: { reason?: string | undefined; forMs?: number | undefined } = {},
): Promise<Incident[]> {
  if (ids.length === 0) return [];
  // Whoever has it already may say more; pressing the button twice says nothing.
  const isTheirs = sql`${incidents.ackedBy} @> ${JSON.stringify({ teamId: by.teamId, userId: by.userId })}::jsonb`;
  return (
    tx
      .update(incidents)
      // What the same person does not say anew stays.
      .set({
        ackedBy: by,
        ackedAt: now,
        ...(reason === undefined ? {} : { ackReason: reason }),
        ...(forMs === undefined ? {} : { ackUntil: inMs(forMs) }),
      })
      .where(
        and(
          among(incidents.id, ids),
          firing,
          or(isNull(incidents.ackedBy), reason !== undefined || forMs !== undefined ? isTheirs : undefined),
        ),
      )
      .returning()
  );
}
/** Nobody looks after it. */
export const untaken = { ackedBy: null, ackedAt: null, ackReason: null, ackUntil: null };
/** Of these, those that somebody looked after until now. */
export async function giveIncidentsBack(tx: Tx, ids: readonly string[]): Promise<Incident[]> {
  if (ids.length === 0) return [];
  return (
    tx
      .update(incidents)
      // How long nobody looks after it counts from now.
      .set({ ...untaken, calledAt: null, escalatedAt: null, fireAt: now })
      .where(and(among(incidents.id, ids), firing, isNotNull(incidents.ackedBy)))
      .returning()
  );
}

export async function insertEvent(tx: Tx, incidentId: string, text: string): Promise<number> {
  const [event] = await tx.insert(incidentEvents).values({ incidentId, at: now, text }).returning({ id: incidentEvents.id });
  return event?.id ?? 0;
}
/** The first lines of many timelines. */
export async function insertEvents(tx: Tx, events: readonly { incidentId: string; text: string }[]): Promise<void> {
  await tx.execute(sql`
    insert into incident_events (incident_id, at, text) select "incidentId", ${now}, text
    from rows from (jsonb_to_recordset(${JSON.stringify(events)}::jsonb) as ("incidentId" text, text text))
      with ordinality as r("incidentId", text, nth) order by nth`);
}
/** The timeline, oldest first. */
export async function listEvents(db: Db | Tx, incidentId: string): Promise<(typeof incidentEvents.$inferSelect)[]> {
  return db.select().from(incidentEvents).where(eq(incidentEvents.incidentId, incidentId)).orderBy(asc(incidentEvents.id));
}
