import { findPerson } from '../access/people.store.ts';
import { decide, type Right, samePerson, whoMay } from '../access/policy.ts';
import type { Db, Tx } from '../db/db.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { findApproval } from './approvals.store.ts';
import type { Operation } from './types.ts';

/**
 * Whether the requester (and, where it needed one, the approver) may still do this at the moment of execution; a sentence says why not.
 * The right that an operation needs is in its input, as the command decided it.
 */
export async function recheckRights(db: Db | Tx, op: Operation): Promise<string | undefined> {
  const right = (op.input['right'] as Right | undefined) ?? 'change';
  const job = await findJob(db, op.job);
  if (!job) return `The job ${op.job} is gone.`;
  const scope = { team: job.team, environment: job.current.definition.environment };
  const requester = await findPerson(db, op.actor);
  const verdict = decide(requester, right, scope);
  if (verdict === 'yes') return undefined;
  if (verdict === 'no') return `${op.actor.name} may no longer do this: it needs ${whoMay(right)} of team ${job.team}.`;
  if (op.breakGlass) return decide(requester, 'break-glass', scope) === 'yes' ? undefined : `${op.actor.name} may not break glass.`;
  const approval = await findApproval(db, op.id);
  if (approval?.state !== 'approved' || !approval.decidedBy) return 'Nobody has approved this.';
  if (approval.planHash !== op.planHash) return 'The plan is not the one that was approved.';
  if (samePerson(approval.decidedBy, op.actor)) return 'Nobody can approve their own request.';
  const approver = await findPerson(db, approval.decidedBy);
  return decide(approver, 'approve', scope) === 'yes'
    ? undefined
    : `${approval.decidedBy.name}, who approved this, is no longer a lead of team ${job.team}.`;
}
