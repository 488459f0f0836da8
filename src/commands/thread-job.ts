import type { Db } from '../db/db.ts';
import { findIncidentByMessage } from '../incidents/incidents.store.ts';
import { findOperation } from '../operations/operations.store.ts';
import { findMessageAt } from '../outbox/outbox.store.ts';

/** The job that a thread is about: its root is the message of an operation or an incident. */
export async function jobOfThread(db: Db, channel: string | undefined, threadTs: string): Promise<string | undefined> {
  const root = channel && (await findMessageAt(db, channel, threadTs));
  if (!root) return undefined;
  const id = operationOf(root.dedupeKey);
  if (id) return (await findOperation(db, id))?.job;
  return (await findIncidentByMessage(db, root.id))?.job ?? undefined;
}
/** The operation whose message is the root of a thread. */
export async function operationOfThread(db: Db, channel: string | undefined, threadTs: string): Promise<string | undefined> {
  const root = channel && (await findMessageAt(db, channel, threadTs));
  return root ? operationOf(root.dedupeKey) : undefined;
}
function operationOf(dedupeKey: string): string | undefined {
  const [kind, id] = dedupeKey.split(':');
  return kind === 'operation' ? id : undefined;
}
