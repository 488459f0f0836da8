import { AppError, errorToMessage } from '../core/errors.ts';
import { type Action, actions, context, type Message, type Part, type ProgressStep, type Span, text } from '../core/message.ts';
import { formatDuration } from '../core/time.ts';
import type { Json, Operation, OperationKind, OperationStep, Outcome } from './types.ts';

/** The one message of an operation while it is under way: what, who, how long, each step, and a way to stop it. */
export function busyMessage(
  op: Operation,
  kind: OperationKind,
  steps: readonly OperationStep[],
  notes: ReadonlyMap<string, string>,
  now: Date,
): Message {
  const byName = new Map(steps.map((step) => [step.name, step]));
  // Until it was looked at what runs, the plan's word for it counts.
  const target = byName.get('target')?.result ?? { flinkJobId: op.input['liveRun'] };
  // What undoes them is shown once it has begun; what is not begun by then will not be.
  const undoing = (kind.undo ?? []).filter((step) => byName.has(step.name));
  const list: ProgressStep[] = [...kind.steps.filter((step) => op.turned === null || byName.has(step.name)), ...undoing]
    .filter((step) => byName.get(step.name)?.state !== 'skipped' && stepApplies(step.name, op.input, target))
    .map((step) => {
      const row = byName.get(step.name);
      const state = row === undefined ? 'waiting' : row.state;
      const note = row?.state === 'done' ? doneNote(row) : notes.get(step.name);
      return { title: step.title, state, ...(note ? { note } : {}) };
    });
  const elapsed = formatDuration(now.getTime() - (op.startedAt ?? op.createdAt).getTime());
  const canceling = op.cancelRequestedAt !== null || op.turned?.into === 'canceled';
  return {
    tone: 'busy',
    title:
      op.turned?.into === 'failed'
        ? `${kind.busyTitle(op)}: failed, clearing up`
        : canceling
          ? `${kind.busyTitle(op)}: canceling`
          : op.state === 'queued'
            ? `${kind.busyTitle(op)}: queued`
            : kind.busyTitle(op),
    parts: [
      { kind: 'progress', steps: list },
      context(...askedBy(op), op.state === 'queued' ? ' · queued' : ` · ${elapsed}`, ` · ${op.id}`),
      ...(canceling || op.turned ? [] : [actions({ label: 'Cancel', command: `cancel ${op.job} --operation ${op.id}` })]),
    ],
  };
}
/**
 * Whether a step with a condition applies, as far as the input tells: a build, a savepoint, only where they were asked for.
 * @param target what the `target` step found: only then it is certain whether a checkpoint belongs to what runs. Without it a restore from a checkpoint
 * may still go both ways.
 */
export function stepApplies(name: string, input: Json, target?: Json): boolean {
  const fromCheckpoint = /\/chk-\d+/.test(String(input['from'] ?? ''));
  if (name.startsWith('restore-')) return fromCheckpoint && (target ? isOfRun(input, target) : true);
  if (name === 'stop-cancel') return input['noSavepoint'] === true;
  if (name === 'stop-savepoint') return input['noSavepoint'] !== true && !(target && isOfRun(input, target));
  return !name.startsWith('build-') || input['build'] === true;
}
/** Whether the chosen restore point is a checkpoint of the run that `target` found: Flink writes `<dir>/<flinkJobId>/chk-<n>`. */
export function isOfRun(input: Json, target: Json | undefined): boolean {
  const id = target?.['flinkJobId'];
  return typeof id === 'string' && String(input['from'] ?? '').includes(`/${id}/chk-`);
}
/** Everybody sees who asked for what, and who approved it. */
function askedBy(op: Operation): Span[] {
  return [
    'Asked by ',
    { person: op.actor },
    ...(op.approvedBy ? [', approved by ', { person: op.approvedBy }] : []),
    ...(op.breakGlass ? [', without a second person'] : []),
  ];
}
function doneNote(row: OperationStep): string | undefined {
  if (row.note) return row.note;
  if (!row.doneAt) return undefined;
  const ms = row.doneAt.getTime() - row.startedAt.getTime();
  return ms >= 1000 ? formatDuration(ms) : undefined;
}

/** The same message at the end. */
export function outcomeMessage(op: Operation, outcome: Outcome): Message {
  const later: Part[] = Object.values(outcome.later ?? {}).map((spans) => ({ kind: 'text', spans }));
  const footer: Span[] = askedBy(op);
  if (op.startedAt && op.finishedAt) footer.push(` · took ${formatDuration(op.finishedAt.getTime() - op.startedAt.getTime())}`);
  footer.push(` · ${op.id}`);
  return {
    tone: outcome.tone,
    title: outcome.title,
    parts: [...outcome.parts, ...later, context(...footer), ...(outcome.actions.length > 0 ? [actions(...outcome.actions)] : [])],
  };
}

/** What a failed operation says when its kind has no words of its own. */
export function failureOutcome(title: string, error: unknown): { outcome: Outcome; reference: string | undefined } {
  const told = errorToMessage(error);
  const parts: Part[] = [text(told.message.title), ...told.message.parts];
  const tail = error instanceof AppError ? error.details['logTail'] : undefined;
  if (Array.isArray(tail)) parts.push({ kind: 'code', text: tail.slice(-12).join('\n') });
  return { outcome: { tone: 'bad', title, parts, actions: [] }, reference: told.reference };
}

/** An outcome from a title, lines and buttons. */
export function outcome(tone: Outcome['tone'], title: string, parts: Part[] = [], buttons: Action[] = []): Outcome {
  return { tone, title, parts, actions: buttons };
}
