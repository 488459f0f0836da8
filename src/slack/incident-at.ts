import type { Db } from '../db/db.ts';
import { findIncidentByMessage } from '../incidents/incidents.store.ts';
import { findMessageAt } from '../outbox/outbox.store.ts';

/** The id of the incident that a message in Slack tells of; undefined when it tells of none. @throws UnreachableError */
export async function incidentAt(db: Db, channel: string, ts: string): Promise<string | undefined> {
  const row = await findMessageAt(db, channel, ts);
  if (!row) return undefined;
  // What a moved message left behind still tells of the same incident.
  return (await findIncidentByMessage(db, row.id))?.id ?? /^left:incident:(.+)$/.exec(row.dedupeKey)?.[1];
}
