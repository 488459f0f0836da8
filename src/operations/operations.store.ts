import { AppError, ConflictError } from '../core/errors.ts';
import type { Message, PersonRef } from '../core/message.ts';
import { inMs, now } from '../db/clock.ts';
import type { Database, Db, Tx } from '../db/db.ts';
import { isUniqueViolation } from '../db/failures.ts';
import { and, asc, desc, eq, inArray, isNull, ne, sql, type Values } from '../db/query.ts';
import { operationSteps, operations, outboxMessages, type Turn } from '../db/schema/index.ts';
import { repainted } from '../outbox/outbox.store.ts';
import type { Json, Operation, OperationStep, Outcome } from './types.ts';

/** States in which an operation may still act. */
export const activeStates = ['queued', 'running', 'parked'] as const;
export const leaseMs = 15_000;

/** This process lost the operation to another one: stop at once, write nothing. */
export class FencedError extends AppError {
  constructor() {
    super('fenced', 'Another process took this operation over.');
  }
}

const owned = (op: Operation) => and(eq(operations.id, op.id), eq(operations.epoch, op.epoch), eq(operations.state, 'running'));

/**
 * Runs writes only while this process still owns the operation; renews the lease.
 * @throws FencedError when another process took over.
 */
export async function guarded<T>(database: Database, op: Operation, write: (tx: Tx) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    const rows = await tx
      .update(operations)
      .set({ leaseUntil: inMs(leaseMs) })
      .where(owned(op))
      .returning({ id: operations.id });
    if (rows.length === 0) throw new FencedError();
    return write(tx);
  });
}

/** Renews the lease; the fresh row, or undefined when fenced. */
export async function renew(db: Db, op: Operation): Promise<Operation | undefined> {
  const [row] = await db
    .update(operations)
    .set({ leaseUntil: inMs(leaseMs) })
    .where(owned(op))
    .returning();
  return row;
}

/**
 * Takes one operation that waits or whose owner is gone, bumping its epoch. `crashed` tells that another owner had it and did not give it back.
 * Kinds and steps this process does not know are left to a newer replica.
 * @param steps names of all steps of these kinds.
 * @param full clusters that this process works on enough: their operations are left alone. The cluster of an operation is where the job runs, or would.
 */
export async function claim(
  db: Db,
  owner: string,
  kinds: readonly string[],
  steps: readonly string[],
  active: readonly string[],
  full: readonly string[] = [],
): Promise<{ op: Operation; crashed: boolean; cluster: string } | undefined> {
  const notFull = full.length > 0 ? sql`and not (${clusterOf} = any(${arrayOf(full)}))` : sql``;
  const notActive = active.length > 0 ? sql`and not (o.id = any(${arrayOf(active)}))` : sql``;
  const { rows } = await db.execute<{ id: string; epoch: string; previous: string | null; cluster: string }>(sql`
    with next as (
      select o.id, o.owner as previous, ${clusterOf} as cluster from operations o
      where o.kind = any(${arrayOf(kinds)}) ${notActive} ${notFull}
        and not exists (select 1 from operation_steps s where s.operation_id = o.id and not (s.name = any(${arrayOf(steps)})))
        and (o.state = 'queued' or (o.state = 'running' and (o.lease_until is null or o.lease_until < sluice_now() or o.owner = ${owner})))
      order by o.created_at limit 1 for update of o skip locked
    )
    update operations o set epoch = o.epoch + 1, owner = ${owner}, state = 'running', lease_until = sluice_now() + interval '15 seconds',
      started_at = coalesce(o.started_at, sluice_now())
    from next where o.id = next.id returning o.id, o.epoch, next.previous, next.cluster`);
  const found = rows[0];
  if (!found) return undefined;
  const op = await findOperation(db, found.id);
  // Another one may have claimed it while this process stood still between the two statements: its epoch is not ours to use.
  if (op?.epoch !== Number(found.epoch)) return undefined;
  return op && { op, crashed: found.previous !== null && found.previous !== owner, cluster: found.cluster };
}
/** Empty if the job is gone. */
const clusterOf = sql`coalesce(
  (select r.cluster from runs r where r.job = o.job and not r.ended order by r.started_at desc limit 1),
  (select v.definition->>'cluster' from jobs j join job_versions v on v.job = j.name and v.number = j.current_version where j.name = o.job), '')`;
function arrayOf(values: readonly string[]) {
  return sql`array[${sql.join(
    values.map((v) => sql`${v}`),
    sql`, `,
  )}]::text[]`;
}

/** Gives an operation back (shutdown): the next owner goes on at once, and no crash is counted. What still works on it here is fenced. */
export async function release(db: Db, op: Operation): Promise<void> {
  await db
    .update(operations)
    .set({ owner: null, leaseUntil: null, epoch: sql`${operations.epoch} + 1` })
    .where(owned(op));
}
/** Owners of running operations, to find those whose process on this host is gone. */
export async function runningOwners(db: Db): Promise<string[]> {
  const rows = await db.selectDistinct({ owner: operations.owner }).from(operations).where(eq(operations.state, 'running'));
  return rows.flatMap((row) => (row.owner ? [row.owner] : []));
}
/** Ends the leases of a dead process, so that its operations go on at once. */
export async function expireLeasesOf(db: Db, owner: string): Promise<void> {
  await db
    .update(operations)
    .set({ leaseUntil: sql`sluice_now() - interval '1 second'` })
    .where(and(eq(operations.owner, owner), eq(operations.state, 'running')));
}

export async function findOperation(db: Db | Tx, id: string): Promise<Operation | undefined> {
  const [row] = await db.select().from(operations).where(eq(operations.id, id));
  return row;
}
/** The operation that a request was accepted as. */
export async function findByIdemKey(db: Db | Tx, idemKey: string): Promise<Operation | undefined> {
  const [row] = await db.select().from(operations).where(eq(operations.idemKey, idemKey));
  return row;
}
export async function listSteps(db: Db | Tx, operationId: string): Promise<OperationStep[]> {
  return db.select().from(operationSteps).where(eq(operationSteps.operationId, operationId)).orderBy(asc(operationSteps.seq));
}
/** The steps of several operations, in no order. */
export async function stepsOfAll(db: Db | Tx, operationIds: readonly string[]): Promise<OperationStep[]> {
  if (operationIds.length === 0) return [];
  return db
    .select()
    .from(operationSteps)
    .where(inArray(operationSteps.operationId, [...operationIds]));
}
/** Operations of a job (or of all), newest first. */
export async function listOperations(db: Db | Tx, job: string | undefined, limit = 20): Promise<Operation[]> {
  return db
    .select()
    .from(operations)
    .where(job === undefined ? undefined : eq(operations.job, job))
    .orderBy(desc(operations.createdAt))
    .limit(limit);
}
/** The operation that holds a job, undefined when it is free. */
export async function holderOf(db: Db | Tx, job: string): Promise<Operation | undefined> {
  const [row] = await db
    .select()
    .from(operations)
    .where(and(eq(operations.job, job), eq(operations.holds, true), inArray(operations.state, [...activeStates])));
  return row;
}
/** What is in progress or waits for an approval on a job, newest first. */
export async function openOperations(db: Db | Tx, job: string): Promise<Operation[]> {
  return db
    .select()
    .from(operations)
    .where(and(eq(operations.job, job), inArray(operations.state, ['waiting', ...activeStates])))
    .orderBy(desc(operations.createdAt));
}
/** All operations that are not over, newest first. */
export async function activeOperations(db: Db | Tx): Promise<Operation[]> {
  return db
    .select()
    .from(operations)
    .where(inArray(operations.state, ['waiting', ...activeStates]))
    .orderBy(desc(operations.createdAt));
}
/** Jobs that an operation works on at the moment; a parked one works on nothing, so watch goes on telling of its job. */
export async function heldJobs(db: Db | Tx): Promise<Set<string>> {
  const rows = await db
    .select({ job: operations.job })
    .from(operations)
    .where(and(eq(operations.holds, true), inArray(operations.state, ['queued', 'running'])));
  return new Set(rows.map((row) => row.job));
}
/** Inserts an operation. @throws ConflictError naming the holder when another one holds the job. */
export async function insertOperation(tx: Tx, row: Values<typeof operations.$inferInsert>): Promise<void> {
  if (row.holds) {
    const holder = await holderOf(tx, row.job as string);
    if (holder) throw holderConflict(holder);
  }
  await tx.insert(operations).values(row);
}
/** Takes the job for an operation that did not hold it so far. @throws ConflictError when it is held, FencedError. */
export async function takeHold(database: Database, op: Operation): Promise<void> {
  try {
    await guarded(database, op, async (tx) => {
      await tx.update(operations).set({ holds: true }).where(owned(op));
    });
  } catch (error) {
    if (!isUniqueViolation(error, 'operations_one_holder')) throw error;
    const holder = await holderOf(database.db, op.job);
    throw holder ? holderConflict(holder) : new ConflictError(`Another operation holds ${op.job}.`);
  }
}
/** The sentence that tells the loser who does what. */
export function holderConflict(holder: Operation): ConflictError {
  return new ConflictError(
    `${holder.job} is busy: ${holder.actor.name} asked for ${describeKind(holder.kind)}, and that is ${holder.state === 'parked' ? 'parked for a person' : 'in progress'}.`,
    {
      details: { operationId: holder.id, messageId: holder.messageId, since: holder.createdAt.toISOString() },
      hint:
        holder.state === 'parked'
          ? `Look at its message, then /flink retry ${holder.id} or /flink cancel ${holder.job}.`
          : 'Wait for it to end, or cancel it.',
    },
  );
}
export function describeKind(kind: string): string {
  return (
    { build: 'a build', start: 'a start', stop: 'a stop', savepoint: 'a savepoint', restart: 'a restart', restore: 'a restore' }[kind] ??
    kind
  );
}

/** Stores the intent of a step, before its effect; when that was, by the database's clock. */
export async function writeIntent(tx: Tx, op: Operation, step: { name: string; seq: number; title: string }, intent: Json): Promise<Date> {
  const [row] = await tx
    .insert(operationSteps)
    .values({ operationId: op.id, ...step, state: 'running', intent, startedAt: now })
    .onConflictDoUpdate({
      target: [operationSteps.operationId, operationSteps.name],
      set: { state: 'running', intent, result: null, doneAt: null, startedAt: now },
    })
    .returning({ startedAt: operationSteps.startedAt });
  await tx.update(operations).set({ step: step.name }).where(eq(operations.id, op.id));
  return (row as { startedAt: Date }).startedAt;
}
/** Stores the result of a step, after its effect. */
export async function writeStep(
  tx: Tx,
  op: Operation,
  step: { name: string; seq: number; title: string },
  change: { state: OperationStep['state']; result?: Json; note?: string | null },
): Promise<void> {
  const values = {
    state: change.state,
    ...(change.result ? { result: change.result } : {}),
    ...(change.note === undefined ? {} : { note: change.note }),
    doneAt: now,
  };
  await tx
    .insert(operationSteps)
    .values({ operationId: op.id, ...step, startedAt: now, ...values })
    .onConflictDoUpdate({ target: [operationSteps.operationId, operationSteps.name], set: values });
  await tx
    .update(operations)
    .set({ crashes: 0 })
    .where(and(eq(operations.id, op.id), ne(operations.crashes, 0)));
}
/** Counts a death of an owner (or a fault), also in the step that was running; how many there were since the last finished step. */
export async function countCrash(tx: Tx, op: Operation): Promise<number> {
  await tx
    .update(operationSteps)
    .set({ crashes: sql`${operationSteps.crashes} + 1` })
    .where(and(eq(operationSteps.operationId, op.id), eq(operationSteps.state, 'running')));
  const [row] = await tx
    .update(operations)
    .set({ crashes: sql`${operations.crashes} + 1` })
    .where(eq(operations.id, op.id))
    .returning({ crashes: operations.crashes });
  return row?.crashes ?? 0;
}
/** Writes down that the operation goes back from here on; the step at which it turned is marked. */
export async function writeTurn(tx: Tx, op: Operation, turn: Turn, note: string): Promise<void> {
  await tx.update(operations).set({ turned: turn, crashes: 0 }).where(eq(operations.id, op.id));
  await tx
    .update(operationSteps)
    .set({ state: 'failed', note, doneAt: now })
    .where(and(eq(operationSteps.operationId, op.id), eq(operationSteps.state, 'running')));
}
/** Ends (or parks) an operation with what it says. */
export async function finish(
  tx: Tx,
  op: Operation,
  state: 'succeeded' | 'failed' | 'canceled' | 'parked',
  outcome: Outcome,
): Promise<void> {
  await tx
    .update(operations)
    .set({ state, outcome: outcome as unknown as Json, owner: null, leaseUntil: null, ...(state === 'parked' ? {} : { finishedAt: now }) })
    .where(eq(operations.id, op.id));
}
/** Replaces what a finished operation says. */
export async function setOutcome(tx: Tx, id: string, outcome: Outcome): Promise<void> {
  await tx
    .update(operations)
    .set({ outcome: outcome as unknown as Json })
    .where(eq(operations.id, id));
}
/** Asks for a cancel; false when the operation is over. Locks the row: a retry or a claim at the same moment comes before or after. */
export async function requestCancel(tx: Tx, id: string, by: PersonRef): Promise<boolean> {
  await tx.select({ id: operations.id }).from(operations).where(eq(operations.id, id)).for('update');
  const rows = await tx
    .update(operations)
    .set({ cancelRequestedAt: now, cancelRequestedBy: by })
    .where(and(eq(operations.id, id), inArray(operations.state, ['waiting', ...activeStates]), isNull(operations.cancelRequestedAt)))
    .returning({ id: operations.id });
  return rows.length === 1;
}
/** Operations that wait for a person. */
/** Operations that nobody works on, of a kind or with a step that is not among these: a newer replica began them. @param steps of all kinds. */
export async function leftToOthers(db: Db, kinds: readonly string[], steps: readonly string[]): Promise<Operation[]> {
  return db
    .select()
    .from(operations)
    .where(
      and(
        inArray(operations.state, ['queued', 'running']),
        sql`(${operations.leaseUntil} is null or ${operations.leaseUntil} < sluice_now())`,
        sql`(not (${operations.kind} = any(${arrayOf(kinds)})) or exists (select 1 from operation_steps s
          where s.operation_id = ${operations.id} and not (s.name = any(${arrayOf(steps)}))))`,
      ),
    );
}
export async function parkedOperations(db: Db | Tx): Promise<Operation[]> {
  return db.select().from(operations).where(eq(operations.state, 'parked'));
}
/** Sends a parked operation on; true if it was parked. */
export async function unpark(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx
    .update(operations)
    .set({ state: 'queued', owner: null, leaseUntil: null, cancelRequestedAt: null, outcome: null, crashes: 0 })
    .where(and(eq(operations.id, id), eq(operations.state, 'parked')))
    .returning({ id: operations.id });
  return rows.length === 1;
}
/** Repaints the operation's message, unless this process was fenced. */
export async function paint(db: Db, op: Operation, message: Message): Promise<void> {
  await db
    .update(outboxMessages)
    .set(repainted(message))
    .where(
      and(
        eq(outboxMessages.id, op.messageId),
        sql`exists (select 1 from operations where id = ${op.id} and epoch = ${op.epoch} and state = 'running')`,
      ),
    );
}
