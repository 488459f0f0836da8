import { ConflictError } from '../core/errors.ts';
import { canceledTurn, endOperation, failedTurn, parkOperation } from './ending.ts';
import { nextMove, type RowShape } from './machine.ts';
import { stepApplies } from './message.ts';
import { countCrash, FencedError, findOperation, guarded, listSteps, takeHold, writeStep } from './operations.store.ts';
import { planHash } from './plan-hash.ts';
import { startProgress } from './progress.ts';
import { recheckRights } from './rights.ts';
import { type Execution, isStoreLoss, runStep, touches } from './run-step.ts';
import type { Json, Operation, Services, Step, StepContext } from './types.ts';
import { worldFacts } from './world-facts.ts';

/**
 * Runs one claimed operation to its end, or until it is fenced or Sluice stops (then it throws). What was done by an earlier owner is
 * not done again: results are read, unfinished steps are observed first. What comes next is decided by machine.ts from the stored rows.
 */
export async function execute(services: Services, execution: Execution, onPaint: () => void): Promise<void> {
  const { database } = services;
  const { kind, abort } = execution;
  const progress = startProgress(services, execution, onPaint);
  const results: Record<string, Json> = {};
  const intents: Record<string, Json> = {};
  const context = (signal: AbortSignal, step: string): StepContext => ({
    op: execution.op,
    services,
    results,
    intents,
    signal,
    fence() {
      if (abort.signal.aborted) throw abort.signal.reason;
      if (execution.leaseIsFresh?.() === false) throw new FencedError();
    },
    // A running step waits without its clock and its place in the engine (run-step.ts).
    queue: (work) => work(),
    note: (text) => progress.note(step, text),
    thread: (message) => progress.thread(message),
  });
  const all = [...kind.steps, ...(kind.undo ?? [])];

  try {
    await carryOn();
  } catch (error) {
    if (abort.signal.aborted) throw abort.signal.reason;
    if (error instanceof FencedError || isStoreLoss(error)) throw error;
    // A fault of Sluice between two steps counts like a death: looked at again, and given to a person when it comes back.
    const crashes = await guarded(database, execution.op, (tx) => countCrash(tx, execution.op));
    services.log.warn({ operationId: execution.op.id, crashes }, 'a fault between two steps');
    throw error;
  } finally {
    await progress.close();
  }

  async function carryOn(): Promise<void> {
    if (execution.crashed) await guarded(database, execution.op, (tx) => countCrash(tx, execution.op));
    const rows = new Map<string, RowShape>();
    // At its first claim an operation has no steps: one round trip less before the first effect.
    for (const row of execution.op.epoch > 1 ? await listSteps(database.db, execution.op.id) : []) {
      rows.set(row.name, row);
      if (row.state === 'done') results[row.name] = row.result ?? {};
      if (row.intent) intents[row.name] = row.intent;
    }
    if (execution.crashed) await refresh();
    // Also at a later claim (a death between the hold and its check, a retry days after an approval), as long as nothing outside was touched.
    const begun = (step: Step) => (rows.get(step.name)?.state ?? 'skipped') !== 'skipped';
    if (!execution.op.turned && !kind.steps.some((step) => step.holds && touches(step) && begun(step))) {
      const refusal = await mayBegin(builtBefore());
      if (refusal) await turn(failedTurn(kind.steps[0]?.name ?? '', refusal));
    }
    for (let looked = true; ; ) {
      if (!looked) await refresh();
      looked = true;
      const { op } = execution;
      const move = nextMove({
        steps: kind.steps,
        undo: kind.undo ?? [],
        rows: [...rows.values()],
        cancelRequested: op.cancelRequestedAt !== null,
        turned: op.turned !== null,
        crashes: op.crashes,
      });
      const end = { services, execution, progress, context: context(abort.signal, 'end'), onPaint };
      if (move.is === 'end') return endOperation(end);
      if (move.is === 'park') {
        const at = all.find((step) => rows.get(step.name)?.state === 'running') ?? all.find((step) => !rows.has(step.name));
        return parkOperation(end, `Sluice died or failed ${op.crashes} times in the step "${at?.title ?? 'End'}".`);
      }
      if (move.is === 'turn-back') {
        await turn(canceledTurn(op.step ?? kind.steps[0]?.name ?? ''));
        continue;
      }
      const step = all.find((candidate) => candidate.name === move.name) as Step;
      const at = { name: step.name, seq: all.indexOf(step), title: step.title };
      const c = context(abort.signal, step.name);
      const asked = op.turned !== null || stepApplies(step.name, op.input);
      if (!move.begun && (!asked || step.when?.(c) === false)) {
        // What was not asked for (a build, another way to stop) leaves no row: five transactions before every plain start.
        if (asked && !op.turned) await guarded(database, op, (tx) => writeStep(tx, op, at, { state: 'skipped' }));
        rows.set(step.name, { name: step.name, state: 'skipped' });
        continue;
      }
      const held = step.holds && !op.holds && !op.turned ? await hold() : undefined;
      const done = held
        ? { is: 'failed' as const, error: held, unanswered: false }
        : await runStep(
            services,
            execution,
            step,
            at,
            move.begun ? (intents[step.name] ?? {}) : undefined,
            (signal) => context(signal, step.name),
            () => progress.noteOf(step.name),
          );
      progress.touch();
      looked = false;
      if (done.is === 'done') {
        results[step.name] = done.result;
        rows.set(step.name, { name: step.name, state: 'done' });
      } else if (done.is === 'parked') return parkOperation(end, done.why, done.error);
      else if (op.turned && done.is === 'failed') return parkOperation(end, `"${step.title}" failed: ${words(done.error)}`, done.error);
      else await turn(done.is === 'failed' ? failedTurn(step.name, done.error, done.unanswered) : canceledTurn(step.name, done.unanswered));
    }
  }
  /** Reads the row again: a cancel, and whether it is still ours. */
  async function refresh(): Promise<void> {
    const fresh = await findOperation(database.db, execution.op.id);
    // Taking over the new owner's epoch with the row would pass every guard.
    if (!fresh || fresh.epoch !== execution.op.epoch) throw new FencedError();
    execution.op = fresh;
  }
  /** Failed or canceled: written down before anything is undone, so that a successor goes back too. */
  async function turn(how: ReturnType<typeof failedTurn>): Promise<void> {
    await how.write(services, execution.op);
    await refresh();
  }
  /** Takes the job; what was allowed and planned when it was asked for may have changed during a build. */
  async function hold(): Promise<ConflictError | undefined> {
    try {
      await takeHold(database, execution.op);
    } catch (error) {
      if (error instanceof ConflictError) return error;
      throw error;
    }
    execution.op = { ...execution.op, holds: true };
    return mayBegin(builtBefore());
  }
  function builtBefore(): { version: number; unchanged: boolean } | undefined {
    return results['build-bind'] as { version: number; unchanged: boolean } | undefined;
  }
  async function mayBegin(built: { version: number; unchanged: boolean } | undefined): Promise<ConflictError | undefined> {
    const why = (await recheckRights(database.db, execution.op)) ?? (await planStillHolds(services, execution.op, built));
    return why === undefined
      ? undefined
      : new ConflictError(why, {
          hint: built
            ? `v${built.version} was built; nothing else was done. Ask again if it is still wanted.`
            : 'Nothing was done. Ask again if it is still wanted.',
        });
  }
}

const words = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * An approved plan is bound to its hash: what decides its meaning must be as it was.
 * @param built the version that this operation's own build made, which its plan could not name.
 */
async function planStillHolds(
  services: Services,
  op: Operation,
  built: { version: number; unchanged: boolean } | undefined,
): Promise<string | undefined> {
  if (!op.planHash) return undefined;
  const facts = await worldFacts(services.database.db, op.kind, op.job, op.input);
  if (built && !built.unchanged && facts['currentVersion'] === built.version) facts['currentVersion'] = built.version - 1;
  return planHash(facts) === op.planHash
    ? undefined
    : `The world changed since this was planned: ${op.job} is not in the state that the plan was made for.`;
}
