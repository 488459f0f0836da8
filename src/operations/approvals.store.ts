import type { PersonRef } from '../core/message.ts';
import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, eq, gt, lte, type Values } from '../db/query.ts';
import { approvals, operations } from '../db/schema/index.ts';

export type Approval = typeof approvals.$inferSelect;

export async function findApproval(db: Db | Tx, operationId: string): Promise<Approval | undefined> {
  const [row] = await db.select().from(approvals).where(eq(approvals.operationId, operationId));
  return row;
}
export async function insertApproval(tx: Tx, approval: Values<typeof approvals.$inferInsert>): Promise<void> {
  await tx.insert(approvals).values(approval);
}
/** Decides once: only a pending, unexpired approval moves, so of two clicks one wins. Undefined when it was too late. */
export async function decideApproval(
  tx: Tx,
  operationId: string,
  state: 'approved' | 'rejected',
  by: PersonRef & { name: string },
  reason: string | undefined,
): Promise<Approval | undefined> {
  const [row] = await tx
    .update(approvals)
    .set({ state, decidedBy: by, decidedAt: now, decisionReason: reason ?? null })
    .where(and(eq(approvals.operationId, operationId), eq(approvals.state, 'pending'), gt(approvals.expiresAt, now)))
    .returning();
  return row;
}
/** Withdraws a pending approval (canceled by the requester). */
export async function withdrawApproval(tx: Tx, operationId: string): Promise<void> {
  await tx
    .update(approvals)
    .set({ state: 'withdrawn', decidedAt: now })
    .where(and(eq(approvals.operationId, operationId), eq(approvals.state, 'pending')));
}
/** Pending approvals whose time is over, marked expired. */
export async function expireApprovals(tx: Tx): Promise<Approval[]> {
  return tx
    .update(approvals)
    .set({ state: 'expired', decidedAt: now })
    .where(and(eq(approvals.state, 'pending'), lte(approvals.expiresAt, now)))
    .returning();
}
/** Lets an approved operation run; true if it was waiting. */
export async function releaseWaiting(tx: Tx, operationId: string, approvedBy: PersonRef & { name: string }): Promise<boolean> {
  const rows = await tx
    .update(operations)
    .set({ state: 'queued', approvedBy })
    .where(and(eq(operations.id, operationId), eq(operations.state, 'waiting')))
    .returning({ id: operations.id });
  return rows.length === 1;
}
