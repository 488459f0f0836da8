import { type Html, html } from '../src/core/html.ts';
import { formatDuration } from '../src/core/time.ts';
import type { OperationState } from '../src/db/schema/operations.ts';
import type { Operation } from '../src/operations/types.ts';
import { live } from './live.ts';
import { linked } from './message.ts';
import { ago, badge, empty, type Mark, personName, table } from './parts.ts';

const marks: Record<OperationState, Mark> = {
  waiting: 'warn',
  queued: 'busy',
  running: 'busy',
  parked: 'warn',
  succeeded: 'good',
  failed: 'bad',
  canceled: 'quiet',
};
/** The state of an operation as one word with its colour. */
export function operationBadge(state: OperationState): Html {
  return badge(marks[state], state === 'waiting' ? 'waits for a lead' : state);
}
/** From its first step to its end, or to now; `–` if it has not begun. */
export function tookWords(op: Operation, now: Date): string {
  return op.startedAt ? formatDuration((op.finishedAt ?? now).getTime() - op.startedAt.getTime()) : '–';
}

/** Operations, newest first. */
export function operationsTable(operations: readonly Operation[], now: Date, of: 'job' | 'all'): Html {
  if (operations.length === 0)
    return empty('Nothing has been done yet.', 'Builds, starts, stops, savepoints and restores are listed here.');
  const job = of === 'all';
  return table(
    'Operations, newest first',
    [
      { label: 'Operation', kind: 'main' },
      ...(job ? [{ label: 'Job' }] : []),
      { label: 'State' },
      { label: 'By' },
      { label: 'When' },
      { label: 'Took', kind: 'num' },
    ],
    operations.map((op) => ({
      cells: [
        html`<a href="/operations/${op.id}">${op.kind}</a>${op.breakGlass ? html` <span class="tag bad">break-glass</span>` : ''}`,
        ...(job ? [html`<a href="/jobs/${op.job}">${op.job}</a>`] : []),
        html`${operationBadge(op.state)}${outcomeWords(op)}`,
        personName(op.actor),
        ago(op.createdAt, now),
        tookWords(op, now),
      ],
    })),
  );
}
function outcomeWords(op: Operation): Html | '' {
  const title = op.outcome?.['title'];
  return op.state !== 'succeeded' && typeof title === 'string' ? html` <span class="words">${linked(title)}</span>` : '';
}

/** The operations of every job the person may see. */
export function operationsPage(operations: readonly Operation[], now: Date): Html {
  return html`<h1>Operations</h1>${operationsPart(operations, now)}`;
}
export function operationsPart(operations: readonly Operation[], now: Date): Html {
  return live('operations', '/operations', operationsTable(operations, now, 'all'));
}
