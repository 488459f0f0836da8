import { record } from '../access/audit.store.ts';
import { ConflictError } from '../core/errors.ts';
import { text } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import { tellLeftDown } from '../operations/left-down.ts';
import { outcome, outcomeMessage } from '../operations/message.ts';
import { findOperation, finish, requestCancel } from '../operations/operations.store.ts';
import type { Operation } from '../operations/types.ts';
import { desire } from '../outbox/outbox.store.ts';
import type { CommandContext } from './spec.ts';

/** Ends an operation that nobody runs at the moment (parked, waiting): its message says who gave it up. */
export async function endIdle(tx: Tx, ctx: CommandContext, op: Operation, words: string): Promise<void> {
  const by = ctx.me().ref;
  const what =
    op.state === 'parked'
      ? outcome(
          'warn',
          `Given up: ${op.kind} of ${op.job}`,
          [
            text(words, { person: by }, '.'),
            text('What it had done stays as it is, and what it asked for without an answer may still come: look at what runs.'),
          ],
          [{ label: 'Status', command: `status ${op.job}` }],
        )
      : outcome('neutral', `Canceled: ${op.kind} of ${op.job}`, [text(words, { person: by }, '.')]);
  await finish(tx, op, 'canceled', what);
  await tellLeftDown(tx, op);
  const row = (await findOperation(tx, op.id)) ?? op;
  await desire(tx, { dedupeKey: `operation:${op.id}`, channel: '', message: outcomeMessage(row, what) });
  await record(tx, {
    actor: { person: by, origin: ctx.request.origin.kind },
    action: 'operation.canceled',
    subject: `job:${op.job}`,
    details: { operation: op.id },
  });
}

/** A stop takes over a parked operation. @throws ConflictError when it goes on by now. */
export async function giveUpParked(tx: Tx, ctx: CommandContext, op: Operation): Promise<void> {
  // Locks the row, so that a retry at the same moment comes before or after, never in between.
  await requestCancel(tx, op.id, ctx.me().ref);
  const fresh = await findOperation(tx, op.id);
  if (fresh?.state !== 'parked')
    throw new ConflictError(`${op.id} is not parked any more.`, { hint: 'Look at its message, then try again.' });
  await endIdle(tx, ctx, fresh, 'Given up for a stop by ');
}
