import { type Action, actions, context, type Message, type Span, text } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import { desire, findMessage } from '../outbox/outbox.store.ts';
import type { Operation } from './types.ts';

/** What was decided about a plan. */
export interface Decision {
  tone: Message['tone'];
  /** `was rejected by Lena: wait for the release`, after `Your restore of etl-orders`. */
  words: string;
  /** What that means and what comes next. */
  lines: Span[][];
  actions?: Action[];
}

/**
 * Tells who asked, by direct message, what became of the plan that waited: its message in the channel is only edited, and nobody is notified of an
 * edit. Once per operation, in the transaction that decides.
 */
export async function tellRequester(tx: Tx, op: Operation, decision: Decision): Promise<void> {
  const row = await findMessage(tx, op.messageId);
  const links: Action[] = row?.permalink ? [{ label: 'See it', url: row.permalink }] : [];
  const buttons = [...(decision.actions ?? []), ...links];
  await desire(tx, {
    dedupeKey: `decided:${op.id}`,
    channel: op.actor.userId,
    message: {
      tone: decision.tone,
      title: `Your ${op.kind} of ${op.job} ${decision.words}`,
      parts: [...decision.lines.map((line) => text(...line)), ...(buttons.length > 0 ? [actions(...buttons)] : []), context(op.id)],
    },
    priority: 1,
  });
}
