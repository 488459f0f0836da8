import { reportError } from '../access/error-reports.store.ts';
import { AppError, errorToMessage } from '../core/errors.ts';
import { text } from '../core/message.ts';
import type { Turn } from '../db/schema/index.ts';
import { desire } from '../outbox/outbox.store.ts';
import { tellLeftDown } from './left-down.ts';
import { failureOutcome, outcome, outcomeMessage } from './message.ts';
import { findOperation, finish, guarded, writeTurn } from './operations.store.ts';
import type { Progress } from './progress.ts';
import { type Execution, isStoreLoss } from './run-step.ts';
import { errorOf, turnOf } from './turn.ts';
import type { Operation, Outcome, Services, StepContext } from './types.ts';

export interface Ending {
  services: Services;
  execution: Execution;
  progress: Progress;
  context: StepContext;
  onPaint(): void;
}

/** The turn of a failed step, to be written; an unexpected error is kept under its reference. */
export function failedTurn(step: string, error: unknown, unanswered = false): { write(services: Services, op: Operation): Promise<void> } {
  const turn = turnOf(step, error, unanswered);
  return {
    async write(services, op) {
      if (turn.reference)
        services.log.error(
          { reference: turn.reference, operationId: op.id, error: error instanceof Error ? error.stack : String(error) },
          'operation failed unexpectedly',
        );
      await reportError(services.database.db, turn.reference ?? op.id, `operation ${op.id}, step ${step}`, error);
      await guarded(services.database, op, (tx) => writeTurn(tx, op, turn, turn.error?.message ?? ''));
    },
  };
}
/** The turn of a cancel. */
export function canceledTurn(step: string, unanswered = false): ReturnType<typeof failedTurn> {
  return {
    write: (services, op) =>
      guarded(services.database, op, (tx) =>
        writeTurn(tx, op, { into: 'canceled', step, error: null, reference: null, unanswered }, 'canceled'),
      ),
  };
}

/** The end: what is true now, in words, committed together with the state. */
export async function endOperation(e: Ending): Promise<void> {
  const { op } = e.execution;
  if (!op.turned) return commit(e, 'succeeded', await succeededWords(e));
  return commit(e, op.turned.into, await (op.turned.into === 'canceled' ? canceledWords(e) : failedWords(e, op.turned)));
}
/** A person has to look: the job stays reserved. A fault of Sluice is kept under a reference. */
export async function parkOperation(e: Ending, why: string, error?: unknown): Promise<void> {
  const { op, kind } = e.execution;
  const reference = error === undefined ? undefined : errorToMessage(error).reference;
  if (reference) await reportError(e.services.database.db, reference, `operation ${op.id}, parked`, error);
  const found = reference ? [foundUnder(reference)] : [];
  const parts = [text(why), ...found, text('Nothing more is done until a person decides; the job stays reserved for this operation.')];
  await commit(
    e,
    'parked',
    outcome('warn', `Parked: ${kind.busyTitle(op).toLowerCase()}`, parts, [
      { label: 'Try again', command: `retry ${op.id}`, style: 'primary' },
      { label: 'Give up', command: `cancel ${op.job} --operation ${op.id}` },
    ]),
  );
}

async function commit(e: Ending, state: 'succeeded' | 'failed' | 'canceled' | 'parked', what: Outcome): Promise<void> {
  const { services, execution } = e;
  // A progress paint that is still under way must not come after the last word.
  await e.progress.close();
  await services.onPoint?.(`${execution.kind.kind}/end/before-notice`);
  await guarded(services.database, execution.op, async (tx) => {
    await finish(tx, execution.op, state, what);
    if (state === 'failed' || state === 'canceled') await tellLeftDown(tx, execution.op);
    const row = await findOperation(tx, execution.op.id);
    if (row) await desire(tx, { dedupeKey: `operation:${row.id}`, channel: row.origin.channel ?? '', message: outcomeMessage(row, what) });
  });
  await services.onPoint?.(`${execution.kind.kind}/end/after-notice`);
  e.onPaint();
}

/** A kind's own words; when they cannot be had, plain ones: what was done is told whatever happens. */
async function orPlain(e: Ending, own: () => Promise<Outcome | undefined> | undefined, plain: () => Outcome): Promise<Outcome> {
  try {
    return (await own()) ?? plain();
  } catch (error) {
    if (isStoreLoss(error) || e.execution.abort.signal.aborted) throw error;
    const { op } = e.execution;
    e.services.log.error(
      { operationId: op.id, error: error instanceof Error ? error.stack : String(error) },
      'the end could not be put in words',
    );
    const reference = errorToMessage(error).reference ?? op.id;
    await reportError(e.services.database.db, reference, `operation ${op.id}, its last words`, error);
    return plain();
  }
}
function succeededWords(e: Ending): Promise<Outcome> {
  const { op, kind } = e.execution;
  return orPlain(
    e,
    () => kind.succeeded(e.context),
    () => outcome('good', `Done: ${kind.busyTitle(op).toLowerCase()}`, [], [{ label: 'Status', command: `status ${op.job}` }]),
  );
}
async function canceledWords(e: Ending): Promise<Outcome> {
  const { op, kind } = e.execution;
  const by = op.cancelRequestedBy;
  const what = await orPlain(
    e,
    () => kind.canceled?.(e.context),
    () => outcome('neutral', `Canceled: ${kind.busyTitle(op).toLowerCase()}`),
  );
  return { ...what, parts: [...(by ? [text('Canceled by ', { person: by }, '.')] : []), ...what.parts, ...undoneWords(e)] };
}
async function failedWords(e: Ending, turn: Turn): Promise<Outcome> {
  const { op, kind } = e.execution;
  const error = errorOf(turn) ?? new AppError('internal', 'Something went wrong inside Sluice.');
  const what = await orPlain(
    e,
    () => kind.failed?.(e.context, turn.step, error),
    () => failureOutcome(`Failed: ${kind.busyTitle(op).toLowerCase()}`, error).outcome,
  );
  const found = turn.reference ? [foundUnder(turn.reference)] : [];
  return { ...what, parts: [...what.parts, ...found, ...undoneWords(e)] };
}
const foundUnder = (reference: string) => text('The full error is in the log and on the page under ', { code: reference }, '.');
/** What was undone, in the words of the steps that did it. */
function undoneWords(e: Ending) {
  return (e.execution.kind.undo ?? []).flatMap((step) => {
    const said = e.context.results[step.name]?.['said'];
    return typeof said === 'string' ? [text(said)] : [];
  });
}
