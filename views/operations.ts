import { type OperationView, ownerWords } from '../src/commands/views/operation-view.ts';
import { type Html, html } from '../src/core/html.ts';
import type { Action } from '../src/core/message.ts';
import { redact } from '../src/core/redact.ts';
import { formatDuration } from '../src/core/time.ts';
import type { OperationState } from '../src/db/schema/operations.ts';
import type { Operation } from '../src/operations/types.ts';
import { actionView, type FormContext } from './form.ts';
import { live } from './live.ts';
import { linked } from './message.ts';
import { ago, badge, empty, type Mark, moment, personName, section, table } from './parts.ts';

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

/** An operation that is not over, with what this person may do about it. */
export interface OpenOperation extends OperationView {
  form: FormContext;
}
export interface OperationsPage {
  open: readonly OpenOperation[];
  ended: readonly Operation[];
  now: Date;
}
/** The operations of every job the person may see. */
export function operationsPage(page: OperationsPage): Html {
  return html`<h1>Operations</h1>${operationsPart(page)}`;
}
export function operationsPart({ open, ended, now }: OperationsPage): Html {
  const running = open.filter((o) => o.op.state === 'running');
  const waiting = open.filter((o) => o.op.state !== 'running');
  return live(
    'operations',
    '/operations',
    html`${section('In progress', running.length > 0 ? openTable('Operations in progress', running, now) : empty('Nothing is in progress.', 'What is begun, here or in Slack, is shown while it runs.'))}
${waiting.length > 0 ? section('Waiting', openTable('Operations that wait', waiting, now)) : ''}
${section('Ended', operationsTable(ended, now, 'all'))}`,
  );
}
/** Times are shown as moments, not as ages: the table is only drawn anew when something happened. */
function openTable(caption: string, operations: readonly OpenOperation[], now: Date): Html {
  return table(
    caption,
    [
      { label: 'Operation', kind: 'main' },
      { label: 'State' },
      { label: 'Step', kind: 'wide' },
      { label: 'Asked by' },
      { label: 'Since' },
      { label: 'Runs on', kind: 'wide' },
      { label: 'Do' },
    ],
    operations.map(({ op, step, form }) => ({
      cells: [
        html`<a href="/operations/${op.id}">${op.kind}</a> of <a href="/jobs/${op.job}">${op.job}</a>${op.breakGlass ? html` <span class="tag bad">break-glass</span>` : ''}`,
        html`${operationBadge(op.state)}${op.holds && op.state !== 'waiting' ? html` <span class="tag">holds the job</span>` : ''}${op.cancelRequestedAt ? html` <span class="tag">canceling</span>` : ''}`,
        step
          ? html`${redact(step.title)}, since ${moment(step.since, 'time')}${step.note ? html` <span class="words">${redact(step.note)}</span>` : ''}`
          : '–',
        personName(op.actor),
        moment(op.startedAt ?? op.createdAt, 'time'),
        ownerWords(op, now) ?? '–',
        html`<div class="actions">${openActions(op).map((action) => actionView(form, action))}</div>`,
      ],
    })),
  );
}
function openActions(op: Operation): Action[] {
  const cancel = { label: op.state === 'parked' ? 'Give up' : 'Cancel', command: `cancel ${op.job} --operation ${op.id}` };
  if (op.state === 'parked') return [{ label: 'Try again', command: `retry ${op.id}`, style: 'primary' }, cancel];
  if (op.state === 'waiting') return [{ label: 'See the plan', url: `/operations/${op.id}` }, cancel];
  return op.cancelRequestedAt ? [] : [cancel];
}
