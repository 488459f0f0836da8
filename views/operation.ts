import { type Html, html } from '../src/core/html.ts';
import type { Message } from '../src/core/message.ts';
import { redact } from '../src/core/redact.ts';
import { formatDuration } from '../src/core/time.ts';
import type { Approval } from '../src/operations/approvals.store.ts';
import type { Operation, OperationStep } from '../src/operations/types.ts';
import type { FormContext } from './form.ts';
import { live } from './live.ts';
import { messageView } from './message.ts';
import { operationBadge, tookWords } from './operations.ts';
import { badge, empty, facts, type Mark, moment, personName, section, table } from './parts.ts';

export interface OperationPage {
  operation: Operation;
  steps: readonly OperationStep[];
  approval: Approval | undefined;
  message: Message | undefined;
  /** Where its message stands in Slack. */
  permalink: string | undefined;
  build: { id: string } | undefined;
  now: Date;
  form: FormContext;
}

/** One operation: what it says, who asked, who approved, and each step with its intent and result. */
export function operationPage(page: OperationPage): Html {
  const { operation: op } = page;
  return html`<p class="crumbs"><a href="/jobs/${op.job}">${op.job}</a> / <a href="/jobs/${op.job}/operations">operations</a></p>
<h1>${op.kind.replace(/^./, (c) => c.toUpperCase())} of ${op.job}</h1>
${operationPart(page)}`;
}

/** The part of the page that lives while the operation is not over. */
export function operationPart(page: OperationPage): Html {
  const { operation: op } = page;
  const over = op.state === 'succeeded' || op.state === 'failed' || op.state === 'canceled';
  return live(
    'operation',
    over ? undefined : `/operations/${op.id}`,
    html`${page.message ? messageView(page.message, page.form) : ''}
${section('Facts', factsView(page))}
${page.approval ? section('Approval', approvalView(page.approval)) : ''}
${section('Steps', stepsView(page))}`,
  );
}

function factsView(page: OperationPage): Html {
  const { operation: op } = page;
  return facts([
    ['State', operationBadge(op.state)],
    ['Id', html`<code>${op.id}</code>`],
    ['Asked by', `${personName(op.actor)}, ${op.origin.kind === 'web' ? 'on the page' : op.origin.kind}`],
    ['Asked', moment(op.createdAt)],
    ['Began', op.startedAt ? moment(op.startedAt) : undefined],
    ['Ended', op.finishedAt ? html`${moment(op.finishedAt)}, took ${tookWords(op, page.now)}` : undefined],
    ['Break-glass', op.breakGlass ? redact(op.breakGlass) : undefined],
    ['Cancel asked by', op.cancelRequestedBy ? html`${personName(op.cancelRequestedBy)}, ${moment(op.cancelRequestedAt)}` : undefined],
    ['In Slack', page.permalink ? html`<a href="${page.permalink}">its message</a>` : undefined],
    ['Build', page.build ? html`<a href="/builds/${page.build.id}">log</a>` : undefined],
  ]);
}

const approvalMarks: Record<Approval['state'], Mark> = {
  pending: 'warn',
  approved: 'good',
  rejected: 'bad',
  expired: 'quiet',
  withdrawn: 'quiet',
};
function approvalView(approval: Approval): Html {
  return facts([
    ['State', badge(approvalMarks[approval.state], approval.state)],
    ['Reason', redact(approval.reason)],
    ['Can be given until', approval.state === 'pending' ? moment(approval.expiresAt) : undefined],
    ['Decided', approval.decidedBy ? html`${personName(approval.decidedBy)}, ${moment(approval.decidedAt)}` : undefined],
    ['Said', approval.decisionReason ? redact(approval.decisionReason) : undefined],
    ['Plan', html`<code>${approval.planHash.slice(0, 12)}</code>`],
  ]);
}

const stepStates: Record<OperationStep['state'], Mark> = { running: 'busy', done: 'good', skipped: 'quiet', failed: 'bad' };
function stepsView({ operation, steps }: OperationPage): Html {
  if (steps.length === 0)
    return empty(
      'No step has begun.',
      operation.state === 'waiting'
        ? 'It begins when a lead has approved it.'
        : operation.state === 'queued'
          ? 'It is next in the queue.'
          : '',
    );
  return table(
    'Steps',
    [
      { label: 'Step', kind: 'main' },
      { label: 'State' },
      { label: 'Began' },
      { label: 'Took', kind: 'num' },
      { label: 'Note', kind: 'wide' },
      { label: 'Details', kind: 'wide' },
    ],
    steps.map((step) => ({
      cells: [
        step.title,
        html`${badge(stepStates[step.state], step.state)}${step.crashes > 0 ? html` <span class="tag bad">${step.crashes} crashes</span>` : ''}`,
        moment(step.startedAt, 'time'),
        step.doneAt ? formatDuration(step.doneAt.getTime() - step.startedAt.getTime()) : '–',
        step.note ? redact(step.note) : '',
        details(step),
      ],
    })),
  );
}
function details(step: OperationStep): Html {
  const shown = (value: unknown) => redact(JSON.stringify(value, null, 2));
  return html`<details><summary>intent${step.result ? ', result' : ''}</summary><p class="code-label">Intent, ${moment(step.startedAt)}</p><pre class="code">${shown(step.intent ?? {})}</pre>${step.result ? html`<p class="code-label">Result, ${moment(step.doneAt)}</p><pre class="code">${shown(step.result)}</pre>` : ''}</details>`;
}
