import type { Message } from '../../core/message.ts';
import { formatAge } from '../../core/time.ts';
import type { Db } from '../../db/db.ts';
import type { OperationState } from '../../db/schema/index.ts';
import { listSteps } from '../../operations/operations.store.ts';
import type { Operation, OperationStep } from '../../operations/types.ts';
import { findMessage } from '../../outbox/outbox.store.ts';

/** What is known of an operation that is not over. */
export interface OperationView {
  op: Operation;
  /** The step it is in; undefined while none has begun. */
  step: CurrentStep | undefined;
  /** Where its message stands in Slack. */
  permalink: string | undefined;
}
export interface CurrentStep {
  title: string;
  since: Date;
  /** Its newest fact, as the progress message shows it: `2/4 tasks`. */
  note: string | undefined;
}

export function isOver(op: Pick<Operation, 'state'>): boolean {
  return op.state === 'succeeded' || op.state === 'failed' || op.state === 'canceled';
}

/** Adds to each operation the step it is in and where its message stands. */
export async function operationViews(db: Db, operations: readonly Operation[]): Promise<OperationView[]> {
  return Promise.all(
    operations.map(async (op) => {
      const [steps, row] = await Promise.all([listSteps(db, op.id), findMessage(db, op.messageId)]);
      return { op, step: currentStep(steps, row?.desired), permalink: row?.permalink ?? undefined };
    }),
  );
}
/** The step that has begun and not ended. Its note is only in the message: it is painted, never stored. */
export function currentStep(steps: readonly OperationStep[], message: Message | undefined): CurrentStep | undefined {
  const step = steps.find((s) => s.state === 'running');
  if (!step) return undefined;
  const shown = message?.parts.flatMap((part) => (part.kind === 'progress' ? part.steps : []));
  return { title: step.title, since: step.startedAt, note: shown?.find((s) => s.title === step.title && s.state === 'running')?.note };
}

/** Which replica runs an operation, and whether it still renews its lease; undefined when none has to. */
export function ownerWords(op: Operation, now: Date): string | undefined {
  if (op.state !== 'running') return undefined;
  if (!op.owner || !op.leaseUntil) return 'no replica has it at the moment: the next one goes on with it';
  const [place, pid] = op.owner.split(':');
  const replica = `replica ${place?.split('/')[0]}, process ${pid}`;
  return op.leaseUntil.getTime() >= now.getTime()
    ? `${replica}: its lease is live`
    : `${replica}: its lease ended ${formatAge(op.leaseUntil, now)}, so another one takes over`;
}

/** The state of an operation in a few words. */
export const stateWords: Record<OperationState, string> = {
  waiting: 'waits for a lead',
  queued: 'queued',
  running: 'in progress',
  parked: 'parked for a person',
  succeeded: 'done',
  failed: 'failed',
  canceled: 'canceled',
};

/** A step's state in words: what ended with its operation without an own end was interrupted. */
export function stepWords(step: OperationStep, op: Operation): string {
  const interrupted = step.state === 'running' && (isOver(op) || op.state === 'parked');
  const word = interrupted ? (op.state === 'parked' ? 'not finished' : 'interrupted') : step.state;
  return step.crashes > 0 ? `${word}, ${step.crashes} ${step.crashes === 1 ? 'crash' : 'crashes'}` : word;
}

/** The reference under which the full text of an operation's error is kept, if one was told. */
export function errorReference(op: Operation): string | undefined {
  return op.turned?.reference ?? /\berr_[0-9a-z]{12}\b/.exec(JSON.stringify(op.outcome ?? {}))?.[0];
}
