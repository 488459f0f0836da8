import type { Span } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import { desire } from '../outbox/outbox.store.ts';
import { outcomeMessage } from './message.ts';
import { findOperation, setOutcome } from './operations.store.ts';
import type { Outcome } from './types.ts';

/** Adds a fact that came after the end ("checkpoint 1, 24 KB") to the message of a finished operation; the same name again replaces it. */
export async function addLater(tx: Tx, operationId: string, name: string, spans: Span[], tone?: Outcome['tone']): Promise<void> {
  const op = await findOperation(tx, operationId);
  if (!op?.outcome || op.state !== 'succeeded') return;
  const before = op.outcome as unknown as Outcome;
  const after: Outcome = { ...before, ...(tone ? { tone } : {}), later: { ...before.later, [name]: spans } };
  await setOutcome(tx, op.id, after);
  await desire(tx, { dedupeKey: `operation:${op.id}`, channel: '', message: outcomeMessage(op, after) });
}
