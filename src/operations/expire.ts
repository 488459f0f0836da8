import { record } from '../access/audit.store.ts';
import { text } from '../core/message.ts';
import type { Database } from '../db/db.ts';
import { desire } from '../outbox/outbox.store.ts';
import { expireApprovals } from './approvals.store.ts';
import { askAgain } from './ask-again.ts';
import { outcome, outcomeMessage } from './message.ts';
import { findOperation, finish } from './operations.store.ts';
import { tellRequester } from './tell-requester.ts';

/** Ends what nobody approved in time; the buttons go, the message says so, and who asked is told. Returns how many. */
export async function expireWaiting(database: Database): Promise<number> {
  return database.transaction(async (tx) => {
    const expired = await expireApprovals(tx);
    for (const approval of expired) {
      const op = await findOperation(tx, approval.operationId);
      if (op?.state !== 'waiting') continue;
      const what = outcome(
        'neutral',
        `Expired: nobody decided about ${op.kind} of ${op.job} in time`,
        [text('Asked by ', { person: op.actor }, `. Reason: ${approval.reason}`), text('Nothing was done.')],
        [askAgain(op)],
      );
      await finish(tx, op, 'canceled', what);
      await desire(tx, {
        dedupeKey: `operation:${op.id}`,
        channel: '',
        message: outcomeMessage((await findOperation(tx, op.id)) ?? op, what),
      });
      await tellRequester(tx, op, {
        tone: 'warn',
        words: 'expired without a decision; nothing was done',
        lines: [[`Nobody approved or rejected it in time. Reason given: ${approval.reason}`]],
        actions: [askAgain(op)],
      });
      await record(tx, {
        actor: { origin: 'system' },
        action: 'approval.expired',
        subject: `job:${op.job}`,
        details: { operation: op.id },
      });
    }
    return expired.length;
  });
}
