import { record } from '../access/audit.store.ts';
import { text } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import { outcome, outcomeMessage } from '../operations/message.ts';
import { findOperation, finish } from '../operations/operations.store.ts';
import type { Operation } from '../operations/types.ts';
import { desire } from '../outbox/outbox.store.ts';
import type { CommandContext } from './spec.ts';

/** Ends an operation that nobody runs at the moment (parked, waiting): its message says who gave it up. */
export async function endIdle(tx: Tx, op: Operation, by: { teamId: string; userId: string; name: string }, words: string): Promise<void> {
  const what = outcome('neutral', `Canceled: ${op.kind} of ${op.job}`, [text(words, { person: by }, '.')]);
  await finish(tx, op, 'canceled', what);
  const row = (await findOperation(tx, op.id)) ?? op;
  await desire(tx, { dedupeKey: `operation:${op.id}`, channel: '', message: outcomeMessage(row, what) });
  await record(tx, {
    actor: { person: by, origin: 'typed' },
    action: 'operation.canceled',
    subject: `job:${op.job}`,
    details: { operation: op.id },
  });
}

/** A stop takes over a parked operation. */
export async function giveUpParked(ctx: CommandContext, op: Operation): Promise<void> {
  await ctx.services.database.transaction((tx) => endIdle(tx, op, ctx.me().ref, 'Given up for a stop by '));
}
