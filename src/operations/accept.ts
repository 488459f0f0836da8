import { record } from '../access/audit.store.ts';
import type { Right } from '../access/policy.ts';
import { ConflictError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Message, PersonRef } from '../core/message.ts';
import { inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { isUniqueViolation } from '../db/failures.ts';
import type { OperationOrigin } from '../db/schema/index.ts';
import { findCluster } from '../deploy/clusters.store.ts';
import { samePlace } from '../deploy/restore-path.ts';
import type { Job } from '../jobs/jobs.store.ts';
import { desire } from '../outbox/outbox.store.ts';
import { holdNamed } from '../restore-points/retention.store.ts';
import { insertApproval } from './approvals.store.ts';
import { busyMessage, stepApplies } from './message.ts';
import { findByIdemKey, findOperation, holderConflict, holderOf, insertOperation } from './operations.store.ts';
import type { Json, Operation, OperationKind } from './types.ts';

export interface AcceptRequest {
  kind: OperationKind;
  job: Job;
  input: Json & { right: Right };
  actor: PersonRef & { name: string };
  origin: OperationOrigin;
  /** Names the request; the same key never makes a second operation. */
  idemKey: string;
  /** Where the job speaks when the place it was asked in cannot be posted to. */
  jobChannel: string | undefined;
  plan?: Json;
  planHash?: string;
  /** Set when a lead has to approve first: the operation waits with this message. */
  approval?: { reason: string; lifetimeMs: number; message: (operationId: string, expiresAt: Date) => Message };
  breakGlass?: string;
}

/**
 * Accepts an operation: its row, its message in the outbox, its approval and its audit row commit together in the caller's transaction. Only after
 * the commit may the person be told. The same idempotency key again, also at the same moment, returns the first operation and writes nothing.
 * @throws ConflictError when the cluster is only observed, or naming the holder when the first step needs the job and another operation holds it.
 */
export async function accept(tx: Tx, request: AcceptRequest): Promise<Operation> {
  const earlier = await findByIdemKey(tx, request.idemKey);
  if (earlier) return earlier;
  await refuseObserved(tx, request.job);
  await refuseDeleted(tx, request);
  try {
    // A savepoint, so that a race that is lost leaves nothing behind and the winner can be read.
    return await tx.transaction((inner) => acceptNew(inner, request));
  } catch (error) {
    if (!(error instanceof ConflictError || isUniqueViolation(error))) throw error;
    const same = await findByIdemKey(tx, request.idemKey);
    if (same) return same;
    const holder = isUniqueViolation(error, 'operations_one_holder') && (await holderOf(tx, request.job.name));
    throw holder ? holderConflict(holder) : error;
  }
}

/** What an operation names is not deleted any more once the operation is there. @throws ConflictError when that has begun already. */
async function refuseDeleted(tx: Tx, { input, job }: AcceptRequest): Promise<void> {
  const text = (key: string) => (typeof input[key] === 'string' ? input[key] : undefined);
  const [id, path] = [text('pointId'), text('from')];
  const gone = (await holdNamed(tx, { id, path })).find(
    // A copy somewhere else has the same name, and may well be there.
    (point) =>
      (point.state === 'disposing' || point.state === 'disposed') &&
      (point.id === id || (path !== undefined && samePlace(point.path, path))),
  );
  if (gone)
    throw new ConflictError(
      `${gone.path} ${gone.state === 'disposed' ? 'was deleted' : 'is being deleted'} by the retention of ${gone.job}: it cannot be restored from.`,
      { hint: `Nothing was stopped. What is there: /flink restore ${job.name}` },
    );
}

/** @throws ConflictError for a job of a cluster that is only ever read. */
export async function refuseObserved(db: Db | Tx, job: Job): Promise<void> {
  const name = job.current.definition.cluster;
  if (!(await findCluster(db, name))?.observed) return;
  throw new ConflictError(`${job.name} runs on ${name}, which Sluice only observes: it starts, stops and changes nothing there.`, {
    hint: 'Do it where the job is run. An admin lets Sluice run jobs there by registering the cluster without observe.',
  });
}

async function acceptNew(tx: Tx, request: AcceptRequest): Promise<Operation> {
  const id = newId('op');
  const { kind, job, approval } = request;
  const holds = !approval && kind.steps.find((step) => stepApplies(step.name, request.input))?.holds === true;
  const channel = request.origin.channel ?? request.jobChannel ?? '';
  const messageId = await desire(tx, {
    dedupeKey: `operation:${id}`,
    channel,
    fallbackChannels: request.jobChannel === undefined ? [] : [request.jobChannel],
    notifyUser: request.actor.userId,
    threadTs: request.origin.threadTs,
    // Replaced below, once the row exists that it tells of.
    message: { tone: 'busy', title: job.name, parts: [] },
    priority: approval ? 0 : 2,
  });
  await insertOperation(tx, {
    id,
    kind: kind.kind,
    job: job.name,
    state: approval ? 'waiting' : 'queued',
    holds,
    input: request.input,
    plan: request.plan ?? null,
    planHash: request.planHash ?? null,
    idemKey: request.idemKey,
    actor: request.actor,
    origin: { ...request.origin, channel },
    messageId,
    breakGlass: request.breakGlass ?? null,
    createdAt: now,
  });
  const op = (await findOperation(tx, id)) as Operation;
  if (approval) {
    const expiresAt = new Date(op.createdAt.getTime() + approval.lifetimeMs);
    await insertApproval(tx, {
      id: newId('ap'),
      operationId: id,
      planHash: request.planHash ?? '',
      state: 'pending',
      requestedBy: request.actor,
      reason: approval.reason,
      expiresAt: inMs(approval.lifetimeMs),
    });
    await desire(tx, { dedupeKey: `operation:${id}`, channel, message: approval.message(id, expiresAt) });
  } else await desire(tx, { dedupeKey: `operation:${id}`, channel, message: busyMessage(op, kind, [], new Map(), op.createdAt) });
  await record(tx, {
    actor: { person: request.actor, origin: request.origin.kind },
    action: approval ? 'operation.requested' : 'operation.accepted',
    subject: `job:${job.name}`,
    details: { operation: id, kind: kind.kind, input: request.input, planHash: request.planHash, breakGlass: request.breakGlass },
  });
  return op;
}
