import { reportError } from '../access/error-reports.store.ts';
import { AppError, ConflictError, errorToMessage } from '../core/errors.ts';
import { type Message, text } from '../core/message.ts';
import { desire } from '../outbox/outbox.store.ts';
import { busyMessage, failureOutcome, outcome, outcomeMessage, stepApplies } from './message.ts';
import { countCrash, FencedError, findOperation, finish, guarded, listSteps, paint, takeHold, writeStep } from './operations.store.ts';
import { planHash } from './plan-hash.ts';
import { recheckRights } from './rights.ts';
import { CanceledError, type Execution, isStoreLoss, ParkError, runStep } from './run-step.ts';
import type { Json, Operation, Outcome, Services, StepContext } from './types.ts';
import { worldFacts } from './world-facts.ts';

const maxCrashes = 3;

/**
 * Runs one claimed operation to its end, or until it is fenced or Sluice stops (then it throws). What was done by an earlier owner is
 * not done again: results are read, unfinished steps are observed first.
 */
export async function execute(services: Services, execution: Execution, onPaint: () => void): Promise<void> {
  const { database } = services;
  const { kind, abort } = execution;
  const notes = new Map<string, string>();
  let lastThread: Message | undefined;
  let dirty = true;
  const painter = setInterval(() => {
    painting ??= repaint().finally(() => {
      painting = undefined;
    });
  }, 400);
  let lastPaint = 0;
  let painting: Promise<void> | undefined;
  async function repaint(): Promise<void> {
    // Elapsed time alone repaints every 3 s; news at once, at the pace of the outbox.
    if (abort.signal.aborted || (!dirty && performance.now() - lastPaint < 3000)) return;
    dirty = false;
    lastPaint = performance.now();
    try {
      const steps = await listSteps(database.db, execution.op.id);
      const thread = lastThread;
      await paint(database.db, execution.op, busyMessage(execution.op, kind, steps, notes, new Date()));
      if (thread) await showThread(thread);
      onPaint();
    } catch (error) {
      services.log.warn({ error: String(error), operationId: execution.op.id }, 'progress was not painted');
    }
  }
  async function showThread(message: Message): Promise<void> {
    lastThread = undefined;
    const { origin, id, messageId } = execution.op;
    await desire(database.db, { dedupeKey: `thread:${id}`, channel: origin.channel ?? '', threadOf: messageId, message, priority: 3 });
  }
  const results: Record<string, Json> = {};
  const context = (signal: AbortSignal, step: string): StepContext => ({
    op: execution.op,
    services,
    results,
    signal,
    note(note) {
      if (notes.get(step) === note) return;
      notes.set(step, note);
      dirty = true;
    },
    thread(message) {
      lastThread = message;
      dirty = true;
    },
  });
  const end = async (state: 'succeeded' | 'failed' | 'canceled' | 'parked', what: Outcome) => {
    // A progress paint that is still under way must not come after the last word.
    clearInterval(painter);
    await painting;
    if (lastThread) await showThread(lastThread).catch(() => {});
    await guarded(database, execution.op, async (tx) => {
      await finish(tx, execution.op, state, what);
      const row = await findOperation(tx, execution.op.id);
      if (row)
        await desire(tx, { dedupeKey: `operation:${row.id}`, channel: row.origin.channel ?? '', message: outcomeMessage(row, what) });
    });
    onPaint();
  };

  try {
    const rows = await listSteps(database.db, execution.op.id);
    for (const row of rows) if (row.state === 'done') results[row.name] = row.result ?? {};
    if (execution.crashed) {
      const crashes = await guarded(database, execution.op, (tx) => countCrash(tx, execution.op));
      if (crashes >= maxCrashes) {
        const at = rows.find((row) => row.state === 'running');
        return await end('parked', parked(execution, `Sluice died ${crashes} times in the step "${at?.title ?? at?.name}".`));
      }
    }
    if (rows.length === 0) {
      const refusal = await recheckRights(database.db, execution.op);
      const invalid = refusal ?? (await planStillHolds(services, execution.op));
      if (invalid) throw new ConflictError(invalid, { hint: 'Nothing was done. Ask again if it is still wanted.' });
    }
    let finishing = false;
    for (const [seq, step] of kind.steps.entries()) {
      const row = rows.find((r) => r.name === step.name);
      if (row?.state === 'done') finishing = step.cancel === 'finish-first';
      if (row && (row.state === 'done' || row.state === 'skipped')) continue;
      // What was not asked for (a build, another way to stop) leaves no row: five transactions before every plain start.
      if (!row && !stepApplies(step.name, execution.op.input)) continue;
      const fresh = (await findOperation(database.db, execution.op.id)) ?? execution.op;
      // Taking over the new owner's epoch with the row would pass every guard.
      if (fresh.epoch !== execution.op.epoch) throw new FencedError();
      execution.op = fresh;
      // What a finish-first step began (a stop), the finish-first steps right after it (its proof) still finish.
      if (execution.op.cancelRequestedAt && !(finishing && step.cancel === 'finish-first')) throw new CanceledError();
      const at = { name: step.name, seq, title: step.title };
      const c = context(abort.signal, step.name);
      if (step.when && !step.when(c)) {
        await guarded(database, execution.op, (tx) => writeStep(tx, execution.op, at, { state: 'skipped' }));
        continue;
      }
      finishing = step.cancel === 'finish-first';
      if (step.holds && !execution.op.holds) {
        await takeHold(database, execution.op);
        execution.op = { ...execution.op, holds: true };
      }
      results[step.name] = await runStep(
        services,
        execution,
        step,
        at,
        row?.state === 'running' ? (row.intent ?? undefined) : undefined,
        (signal) => context(signal, step.name),
        notes,
      );
      dirty = true;
    }
    await end('succeeded', await kind.succeeded(context(abort.signal, 'end')));
  } catch (error) {
    if (error instanceof FencedError || isStoreLoss(error) || abort.signal.aborted)
      throw abort.signal.aborted ? abort.signal.reason : error;
    await endWithError(error);
  } finally {
    clearInterval(painter);
  }

  async function endWithError(error: unknown): Promise<void> {
    const step = execution.op.step ?? kind.steps[0]?.name ?? '';
    if (error instanceof ParkError) return end('parked', parked(execution, error.message));
    const c = context(abort.signal, step);
    const undone = await kind.compensate?.(c);
    const tail = undone ? [text(undone)] : [];
    if (error instanceof CanceledError) {
      const by = execution.op.cancelRequestedBy;
      const what = (await kind.canceled?.(c)) ?? outcome('neutral', `Canceled: ${kind.busyTitle(execution.op).toLowerCase()}`);
      return end('canceled', { ...what, parts: [...(by ? [text('Canceled by ', { person: by }, '.')] : []), ...what.parts, ...tail] });
    }
    const own = await kind.failed?.(c, step, error);
    const { outcome: generic, reference } = failureOutcome(`Failed: ${kind.busyTitle(execution.op).toLowerCase()}`, error);
    if (reference) {
      services.log.error(
        { reference, operationId: execution.op.id, error: error instanceof Error ? error.stack : String(error) },
        'operation failed unexpectedly',
      );
      await reportError(database.db, reference, `operation ${execution.op.id}, step ${step}`, error);
    } else if (error instanceof AppError)
      await reportError(database.db, execution.op.id, `operation ${execution.op.id}, step ${step}`, error);
    const seq = kind.steps.findIndex((s) => s.name === step);
    const failedStep = kind.steps[seq];
    const what = own ?? generic;
    await guarded(database, execution.op, async (tx) => {
      if (failedStep)
        await writeStep(
          tx,
          execution.op,
          { name: step, seq, title: failedStep.title },
          { state: 'failed', note: errorToMessage(error).message.title },
        );
    });
    await end('failed', { ...what, parts: [...what.parts, ...tail] });
  }
}

function parked(execution: Execution, why: string): Outcome {
  return outcome(
    'warn',
    `Parked: ${execution.kind.busyTitle(execution.op).toLowerCase()}`,
    [text(why), text('Nothing more is done until a person decides; the job stays reserved for this operation.')],
    [
      { label: 'Try again', command: `retry ${execution.op.id}`, style: 'primary' },
      { label: 'Give up', command: `cancel ${execution.op.job} --operation ${execution.op.id}` },
    ],
  );
}

/** An approved plan is bound to its hash: what decides its meaning must be as it was. */
async function planStillHolds(services: Services, op: Operation): Promise<string | undefined> {
  if (!op.planHash) return undefined;
  const facts = await worldFacts(services.database.db, op.kind, op.job, op.input);
  return planHash(facts) === op.planHash
    ? undefined
    : `The world changed since this was planned: ${op.job} is not in the state that the plan was made for.`;
}
