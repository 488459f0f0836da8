import type { Db } from '../db/db.ts';
import { findIncidentByMessage } from '../incidents/incidents.store.ts';
import { findOperation } from '../operations/operations.store.ts';
import { findMessageAt } from '../outbox/outbox.store.ts';

/** The job that a thread is about: its root is the message of an operation or an incident. */
export async function jobOfThread(db: Db, channel: string | undefined, threadTs: string): Promise<string | undefined> {
  if (!channel) return undefined;
  const root = await findMessageAt(db, channel, threadTs);
  if (!root) return undefined;
  const [kind, id] = root.dedupeKey.split(':');
  if (kind === 'operation' && id) return (await findOperation(db, id))?.job;
  return (await findIncidentByMessage(db, root.id))?.job ?? undefined;
}
