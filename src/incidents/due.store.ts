import { inMs, now } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import { and, asc, eq, getTableColumns, inArray, isNotNull, isNull, or, sql } from '../db/query.ts';
import { incidents } from '../db/schema/index.ts';
import type { Incident } from './incidents.store.ts';

/** Told, and not over. */
const firing = eq(incidents.state, 'firing');

/** Pending ones whose time has come, some hundreds at a time; locked, those that another replica looks at are left out. */
export async function duePending(tx: Tx): Promise<Incident[]> {
  return tx
    .select()
    .from(incidents)
    .where(
      and(
        eq(incidents.state, 'pending'),
        sql`${incidents.fireAt} <= ${now}`,
        // Of a cluster that does not answer nothing is known, and it has a message of its own; of a job that an operation holds the operation tells, unless nobody carries it on.
        sql`not exists (select 1 from cluster_views v where v.cluster = ${incidents.cluster} and v.failures > 0)`,
        sql`(${incidents.cause} = 'stranded' or not exists (select 1 from operations o
          where o.job = ${incidents.job} and o.holds and o.state in ('queued', 'running')))`,
      ),
    )
    .orderBy(asc(incidents.fireAt))
    .limit(200)
    .for('update', { skipLocked: true });
}
/** Those that nobody has taken and that last: `firstMs` since they were told and nobody was called since (critical ones; those of `patient` that nobody was called to at all sooner), or `againMs` since the last call. */
export async function uncalled(
  tx: Tx,
  critical: readonly string[],
  patient: { causes: readonly string[]; forMs: number },
  { firstMs, escalateMs, againMs }: { firstMs: number; escalateMs: number; againMs: number },
): Promise<(Incident & { escalates: boolean })[]> {
  const called = incidents.calledAt;
  const escalates = sql<boolean>`${incidents.escalatedAt} is null and ${incidents.facts} ? 'escalateTo'
    and ${inArray(incidents.cause, [...critical])} and ${incidents.fireAt} <= ${inMs(-escalateMs)}`;
  return tx
    .select({ ...getTableColumns(incidents), escalates })
    .from(incidents)
    .where(
      and(
        firing,
        isNotNull(incidents.messageId),
        isNull(incidents.ackedBy),
        isNull(incidents.silenced),
        or(
          sql`coalesce(${called}, ${incidents.fireAt}) <= ${inMs(-againMs)}`,
          and(isNull(called), inArray(incidents.cause, [...critical]), sql`${incidents.fireAt} <= ${inMs(-firstMs)}`),
          and(isNull(called), inArray(incidents.cause, [...patient.causes]), sql`${incidents.fireAt} <= ${inMs(-patient.forMs)}`),
          escalates,
        ),
      ),
    )
    .for('update', { skipLocked: true });
}
/** Open ones whose message nobody can see yet, although it was wanted so long ago. */
export async function unheard(tx: Tx, forMs: number): Promise<Incident[]> {
  return tx
    .select()
    .from(incidents)
    .where(
      and(
        firing,
        // Not taken since it began, or began once more, in a message that was there already.
        sql`${incidents.fireAt} <= ${inMs(-forMs)} and exists (select 1 from outbox_messages m where m.id = ${incidents.messageId}
          and m.state <> 'sent' and (m.sent_at is null or m.sent_at < ${incidents.fireAt}))`,
      ),
    )
    .for('update', { skipLocked: true });
}
/** Leaders whose message does not yet count all that joined them. */
export async function unpaintedLeaders(tx: Tx): Promise<Incident[]> {
  return tx.select().from(incidents).where(sql`${incidents.joined} > ${incidents.painted}`).for('update', { skipLocked: true });
}
/** Those that somebody looked after for a time that is over. */
export async function lapsedIncidents(tx: Tx): Promise<Incident[]> {
  return tx
    .select()
    .from(incidents)
    .where(and(firing, sql`${incidents.ackUntil} <= ${now}`))
    .for('update', { skipLocked: true });
}
