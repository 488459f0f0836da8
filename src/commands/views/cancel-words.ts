import { nextMove, type RowShape } from '../../operations/machine.ts';
import { stepApplies } from '../../operations/message.ts';
import type { Operation, OperationKind, OperationStep, Step } from '../../operations/types.ts';

/** What is happening outside while a step runs that a cancel does not interrupt. */
const underWay: Record<string, string> = {
  'build-bind': 'the new version is being made',
  submit: 'the job is being submitted',
  savepoint: 'the savepoint is being written',
  'restore-savepoint': 'the safety savepoint is being written',
  'stop-savepoint': 'the job is being stopped with a savepoint',
  'stop-cancel': 'the run is being canceled',
  'restore-cancel': 'the run is being canceled',
  'stop-ended': 'the job was stopped',
  prove: 'every task runs already, and what it was restored from is being proven',
};
const stops: readonly string[] = ['stop-savepoint', 'stop-cancel', 'restore-cancel', 'stop-ended'];

export interface CancelForecast {
  /** A sentence or two: what is still finished, and how the job is left. */
  words: string;
  /** Nothing is left that a cancel could keep from being done. */
  tooLate: boolean;
}

/** What a cancel at this moment leads to: the engine's own rule, asked ahead, as if each step that it still does went well. */
export function cancelForecast(op: Operation, kind: OperationKind | undefined, rows: readonly OperationStep[]): CancelForecast {
  if (!kind) return { words: 'The step it is in decides how it ends; its message will say.', tooLate: false };
  if (op.turned)
    return {
      words: `It ${op.turned.into === 'failed' ? 'failed' : 'was canceled'} already, and what it had begun is being undone.`,
      tooLate: true,
    };
  const target = rows.find((r) => r.name === 'target')?.result ?? { flinkJobId: op.input['liveRun'] };
  const states = new Map<string, RowShape>(rows.map((r) => [r.name, r]));
  const reached = kind.steps.findLastIndex((s) => states.has(s.name));
  // A step that was not asked for leaves no row.
  const steps = kind.steps.filter((s, i) => states.has(s.name) || (i > reached && stepApplies(s.name, op.input, target)));
  const at = steps.find((s) => states.get(s.name)?.state === 'running');
  const finished: Step[] = [];
  for (;;) {
    const view = { steps, undo: [], rows: [...states.values()], cancelRequested: true, turned: false, crashes: 0 };
    const move = nextMove(view);
    const step = move.is === 'step' ? steps.find((s) => s.name === move.name) : undefined;
    if (!step) return told(op, { at, finished, tooLate: move.is === 'end', done: states, target });
    finished.push(step);
    states.set(step.name, { name: step.name, state: 'done' });
  }
}

interface Ahead {
  /** The step that is in progress. */
  at: Step | undefined;
  /** What is still done after a cancel. */
  finished: readonly Step[];
  tooLate: boolean;
  /** The rows as they are when the cancel counts. */
  done: ReadonlyMap<string, RowShape>;
  target: Record<string, unknown>;
}
function told(op: Operation, ahead: Ahead): CancelForecast {
  const { at, finished, tooLate, done } = ahead;
  if (done.size === 0) return { words: 'It has not begun, so nothing is done.', tooLate: false };
  const first = finished[0];
  const now = first && sentence(underWay[first.name] ?? `"${first.title}" is in progress`);
  const head = tooLate
    ? `${now ?? 'Every step is done'}; that is finished, and with it the whole operation, so it is past cancelling.`
    : now
      ? `${now}; that is finished, then nothing more is begun.`
      : at
        ? `"${at.title}" is interrupted, and nothing more is begun.`
        : 'Nothing more is begun.';
  return { words: [head, tooLate ? doneWords(op, finished) : leftWords(op, ahead)].filter(Boolean).join(' '), tooLate };
}
const sentence = (words: string) => words.replace(/^./, (c) => c.toUpperCase());

/** How it ends when a cancel comes too late. */
function doneWords(op: Operation, finished: readonly Step[]): string {
  if (op.kind === 'stop') return `${op.job} ends stopped. To run it again: /flink start ${op.job}`;
  if (op.kind === 'savepoint') return `${op.job} keeps running.`;
  if (op.kind === 'build') return 'What runs is not touched.';
  return finished.some((s) => s.name === 'prove') ? `${op.job} runs. To stop it: /flink stop ${op.job}` : '';
}
/** How the job is left by a cancel. */
function leftWords(op: Operation, { done, at, target }: Ahead): string {
  const isDone = (name: string) => done.get(name)?.state === 'done';
  if (isDone('running')) return `${op.job} runs, and stays so. To stop it: /flink stop ${op.job}`;
  const undone = isDone('submit') || at?.name === 'submit' ? 'What was started is canceled again. ' : '';
  if (stops.some(isDone))
    return `${undone}${op.job} then stays down, with its state kept, until somebody starts it: /flink start ${op.job}`;
  if (undone) return undone.trim();
  if (op.kind === 'build') return 'What runs is not touched.';
  if (op.kind === 'start') return `${op.job} is not started.`;
  return typeof target['flinkJobId'] === 'string' ? `${op.job} keeps running.` : 'What runs is not touched.';
}
