import { newId } from '../core/ids.ts';
import type { PersonRef } from '../core/message.ts';
import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, asc, desc, eq, isNull, sql } from '../db/query.ts';
import { incidentEvents, incidents } from '../db/schema/index.ts';
import { desire, nowhere } from '../outbox/outbox.store.ts';
import { type IncidentFacts, incidentMessage } from './message.ts';

export type Incident = typeof incidents.$inferSelect;
export interface IncidentInput {
  /** One open incident per key, for example `job:etl-orders:failed`. */
  key: string;
  job: string | undefined;
  cluster: string;
  cause: 'failed' | 'restarting' | 'lost' | 'canceled-elsewhere' | 'ended' | 'unreachable' | 'parked';
  title: string;
  facts: IncidentFacts;
  runId: string | undefined;
  /** Slack channel that hears of it; undefined when none is set: the incident is kept, and its message counts as failed. */
  channel: string | undefined;
  fallbackChannel: string | undefined;
}

/** Opens an incident with its message, or counts one more occurrence of the open one. True when it was opened. */
export async function openIncident(tx: Tx, input: IncidentInput): Promise<boolean> {
  const [open] = await tx
    .select()
    .from(incidents)
    .where(and(eq(incidents.key, input.key), eq(incidents.state, 'firing')))
    .for('update');
  if (open) {
    await tx
      .update(incidents)
      .set({ occurrences: sql`${incidents.occurrences} + 1`, lastSeen: now, facts: { ...input.facts }, title: input.title })
      .where(eq(incidents.id, open.id));
    await repaint(tx, open.id);
    return false;
  }
  const id = newId('inc');
  const messageId = await desire(tx, {
    dedupeKey: `incident:${id}`,
    channel: input.channel ?? nowhere,
    fallbackChannel: input.fallbackChannel,
    message: { tone: 'bad', title: input.title, parts: [] },
    priority: 1,
  });
  await tx.insert(incidents).values({
    id,
    key: input.key,
    job: input.job ?? null,
    cluster: input.cluster,
    cause: input.cause,
    state: 'firing',
    title: input.title,
    facts: { ...input.facts },
    runId: input.runId ?? null,
    messageId,
    firstSeen: now,
    lastSeen: now,
  });
  await repaint(tx, id);
  await addEvent(tx, id, input.title);
  return true;
}

/** Closes the open incidents of these keys; their messages say how. */
export async function resolveIncidents(tx: Tx, keys: readonly string[], resolution: string): Promise<void> {
  for (const key of keys) {
    const [row] = await tx
      .update(incidents)
      .set({ state: 'resolved', resolvedAt: now, resolution })
      .where(and(eq(incidents.key, key), eq(incidents.state, 'firing')))
      .returning();
    if (!row) continue;
    await repaint(tx, row.id);
    await addEvent(tx, row.id, resolution);
  }
}
/** Notes who looks after it. False when it is closed or somebody else has. */
export async function acknowledgeIncident(tx: Tx, id: string, by: PersonRef): Promise<boolean> {
  const rows = await tx
    .update(incidents)
    .set({ ackedBy: by, ackedAt: now })
    .where(and(eq(incidents.id, id), eq(incidents.state, 'firing'), isNull(incidents.ackedBy)))
    .returning({ id: incidents.id });
  if (rows.length === 0) return false;
  await repaint(tx, id);
  await addEvent(tx, id, `Acknowledged by ${by.name ?? by.userId}.`);
  return true;
}

/** A line of the timeline, also in the Slack thread (all but the first, which the message itself says). */
export async function addEvent(tx: Tx, incidentId: string, text: string): Promise<void> {
  const [event] = await tx.insert(incidentEvents).values({ incidentId, at: now, text }).returning({ id: incidentEvents.id });
  const row = await findIncident(tx, incidentId);
  const first = (await listEvents(tx, incidentId)).length === 1;
  if (!row || !event || first) return;
  const channel = await channelOf(tx, row);
  if (channel !== nowhere)
    await desire(tx, {
      dedupeKey: `incident-event:${event.id}`,
      channel,
      threadOf: row.messageId,
      message: { tone: 'neutral', title: text, parts: [] },
    });
}
async function channelOf(tx: Tx, row: Incident): Promise<string> {
  const { rows } = await tx.execute<{ channel: string }>(
    sql`select coalesce(sent_channel, channel) as channel from outbox_messages where id = ${row.messageId}`,
  );
  return rows[0]?.channel ?? nowhere;
}
async function repaint(tx: Tx, id: string): Promise<void> {
  const row = await findIncident(tx, id);
  if (!row) return;
  await desire(tx, { dedupeKey: `incident:${id}`, channel: nowhere, message: incidentMessage(row), priority: 1 });
}

export async function findIncident(db: Db | Tx, id: string): Promise<Incident | undefined> {
  const [row] = await db.select().from(incidents).where(eq(incidents.id, id));
  return row;
}
export async function findIncidentByMessage(db: Db | Tx, messageId: string): Promise<Incident | undefined> {
  const [row] = await db.select().from(incidents).where(eq(incidents.messageId, messageId));
  return row;
}
/** Open incidents, newest first; of one job when it is named. */
export async function openIncidents(db: Db | Tx, job?: string): Promise<Incident[]> {
  return db
    .select()
    .from(incidents)
    .where(and(eq(incidents.state, 'firing'), job === undefined ? undefined : eq(incidents.job, job)))
    .orderBy(desc(incidents.firstSeen));
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
export async function listEvents(db: Db | Tx, incidentId: string): Promise<(typeof incidentEvents.$inferSelect)[]> {
  return db.select().from(incidentEvents).where(eq(incidentEvents.incidentId, incidentId)).orderBy(asc(incidentEvents.id));
}
