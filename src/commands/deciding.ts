import { record } from '../access/audit.store.ts';
import { decide, samePerson, whoMay } from '../access/policy.ts';
import { type AppError, ConflictError, NotFoundError, PermissionError } from '../core/errors.ts';
import { context, type Message, message, type Span, text } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import { findJob, findVersion, type Job } from '../jobs/jobs.store.ts';
import { type Approval, decideApproval, findApproval, releaseWaiting } from '../operations/approvals.store.ts';
import { askAgain } from '../operations/ask-again.ts';
import { busyMessage, outcome, outcomeMessage } from '../operations/message.ts';
import { findOperation, finish } from '../operations/operations.store.ts';
import { planHash } from '../operations/plan-hash.ts';
import { restorePathProblem } from '../operations/restore-path-problem.ts';
import { type Decision, tellRequester } from '../operations/tell-requester.ts';
import type { Operation, Outcome } from '../operations/types.ts';
import { worldFacts } from '../operations/world-facts.ts';
import { desire } from '../outbox/outbox.store.ts';
import type { CommandContext } from './spec.ts';

/**
 * A lead's decision: the role is checked at this moment, never one's own request, once (of two clicks one wins), within its time. The plan is compared with the
 * world before anything runs.
 */
export async function decideNow(
  ctx: CommandContext,
  id: string,
  state: 'approved' | 'rejected',
  reason: string | undefined,
): Promise<Message> {
  const { db } = ctx.services.database;
  const op = await findOperation(db, id);
  const approval = op && (await findApproval(db, id));
  if (!op || !approval) throw new NotFoundError(`Nothing waits for approval under ${id}.`, { hint: 'What waits now: /flink operations' });
  const job = await findJob(db, op.job);
  if (!job)
    throw new NotFoundError(`The job ${op.job} is gone.`, { hint: 'Nothing was done, and nothing can be: the request ends by itself.' });
  const verb = state === 'approved' ? 'approve' : 'reject';
  if (ctx.person && samePerson(op.actor, ctx.person.ref))
    throw new PermissionError(`You asked for this yourself, so another lead has to ${verb} it.`, {
      hint: `To take it back: /flink cancel ${op.job}`,
    });
  if (decide(ctx.person, 'approve', { team: job.team, environment: job.current.definition.environment }) !== 'yes')
    throw new PermissionError(`You may not ${verb} this: that needs ${whoMay('approve')} of team ${job.team}.`, {
      hint: 'Nothing was done. Ask one of them to look at it.',
    });
  const by = ctx.me().ref;
  if (approval.state !== 'pending') throw tooLate(approval, op);
  if (state === 'approved') await ctx.services.disk?.check();
  const gone = state === 'approved' ? await goneSince(ctx, op, job) : undefined;
  return ctx.effect(async (tx) => {
    const decided = await decideApproval(tx, id, state, by, reason);
    if (!decided) throw tooLate((await findApproval(tx, id)) ?? approval, op);
    await record(tx, {
      actor: { person: by, origin: ctx.request.origin.kind },
      action: `approval.${state}`,
      subject: `job:${op.job}`,
      details: { operation: id, planHash: approval.planHash, reason },
    });
    const decision: Span[] = ['Asked by ', { person: op.actor }, `, ${state} by `, { person: by }, `. Reason: ${approval.reason}`];
    const answer = reason && state === 'approved' ? [text({ person: by }, ` adds: ${reason}`)] : [];
    if (state === 'rejected') {
      await endUndone(tx, op, outcome('neutral', `Rejected: ${op.kind} of ${op.job}`, [text(...decision), text(`Why not: ${reason}`)]), {
        tone: 'warn',
        words: `was rejected by ${by.name}: ${reason}`,
        lines: [['Nothing was done.']],
      });
      return message('neutral', `Rejected: ${op.kind} of ${op.job}`, context(`${op.actor.name} is told by direct message.`));
    }
    if (planHash(await worldFacts(tx, op.kind, op.job, op.input)) !== approval.planHash) {
      const what = outcome(
        'warn',
        `Not done: the world changed since ${op.kind} of ${op.job} was planned`,
        [text(...decision), text('Nothing was done. Ask again, so that the new plan can be read.')],
        [askAgain(op)],
      );
      await endUndone(tx, op, what, {
        tone: 'warn',
        words: `was approved by ${by.name}, but not done: the world changed since it was planned`,
        lines: [['Nothing was done. Ask again, so that the new plan can be read.']],
        actions: [askAgain(op)],
      });
      return message('warn', `Not done: the world changed since it was planned`, text('The requester has to ask again, and is told so.'));
    }
    if (gone) {
      const choose = [{ label: 'Restore points', command: `restore ${op.job}` }];
      const what = outcome(
        'warn',
        `Not done: the restore point of ${op.job} is no longer there`,
        [text(...decision), text(gone.message), text('Nothing was done. Choose another one.')],
        choose,
      );
      await endUndone(tx, op, what, {
        tone: 'warn',
        words: `was approved by ${by.name}, but not done: the restore point is no longer there`,
        lines: [[gone.message], ['Nothing was done. Choose another one.']],
        actions: choose,
      });
      return message(
        'warn',
        'Not done: the restore point is no longer there',
        text(gone.message),
        text('The requester has to choose another one, and is told so.'),
      );
    }
    await releaseWaiting(tx, id, by);
    const kind = ctx.services.kinds.find((k) => k.kind === op.kind);
    const fresh = (await findOperation(tx, id)) ?? op;
    if (kind) {
      const busy = busyMessage(fresh, kind, [], new Map(), ctx.now);
      await desire(tx, {
        dedupeKey: `operation:${id}`,
        channel: '',
        message: { ...busy, parts: [text(...decision), ...answer, ...busy.parts] },
      });
    }
    await tellRequester(tx, op, {
      tone: 'good',
      words: `was approved by ${by.name}${reason ? `: ${reason}` : ''}`,
      lines: [['It begins now; its message tells how it goes.']],
    });
    return message('good', `Approved: ${op.kind} of ${op.job} begins`);
  });
}

/** Ends a plan of which nothing was done, in its message and to who asked. */
async function endUndone(tx: Tx, op: Operation, what: Outcome, told: Decision): Promise<void> {
  await finish(tx, op, 'canceled', what);
  const row = (await findOperation(tx, op.id)) ?? op;
  await desire(tx, { dedupeKey: `operation:${op.id}`, channel: '', message: outcomeMessage(row, what) });
  await tellRequester(tx, op, told);
}

/** Checkpoints come and go while a plan waits: whether what a restore goes back to is still there. */
async function goneSince(ctx: CommandContext, op: Operation, job: Job): Promise<AppError | undefined> {
  const { from, version } = op.input;
  if (op.kind !== 'restore' || typeof from !== 'string') return undefined;
  const { deployers, database } = ctx.services;
  const found = typeof version === 'number' ? await findVersion(database.db, job.name, version) : undefined;
  const { cluster } = await deployers.of((found ?? job.current).definition.cluster);
  return restorePathProblem(from, job.name, cluster);
}

/** Why a click came too late, and what that means. */
function tooLate(approval: Approval, op: Operation): ConflictError {
  const what = `${op.kind} of ${op.job}`;
  if (approval.state === 'approved' || approval.state === 'rejected')
    return new ConflictError(`It is decided already: ${approval.state} by ${approval.decidedBy?.name ?? 'somebody else'}.`, {
      hint: `Nothing was done by this click. How it goes on: /flink operation ${op.id}`,
      details: { messageId: op.messageId },
    });
  if (approval.state === 'withdrawn')
    return new ConflictError(`The request was taken back: ${what} is not asked for any more.`, { hint: 'Nothing was done.' });
  return new ConflictError('Its time is over, so it cannot be decided any more.', {
    hint: `Nothing was done. ${op.actor.name} has to ask for the ${what} again.`,
  });
}
