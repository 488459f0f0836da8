import { isOver, ownerWords, stepWords } from '../src/commands/views/operation-view.ts';
import type { RetryOffer } from '../src/commands/views/retry-offer.ts';
import { type Html, html } from '../src/core/html.ts';
import type { Message } from '../src/core/message.ts';
import { redact } from '../src/core/redact.ts';
import { formatDuration } from '../src/core/time.ts';
import type { Approval } from '../src/operations/approvals.store.ts';
import type { Operation, OperationStep } from '../src/operations/types.ts';
import { actionView, type FormContext } from './form.ts';
import { live } from './live.ts';
import { linked, messageView } from './message.ts';
import { operationBadge, tookWords } from './operations.ts';
import { badge, empty, facts, type Mark, moment, personName, section, table } from './parts.ts';

export interface OperationPage {
  operation: Operation;
  steps: readonly OperationStep[];
  approval: Approval | undefined;
  message: Message | undefined;
  /** Where its message stands in Slack. */
  permalink: string | undefined;
  build: { id: string; log: string } | undefined;
  /** The full text of its error, under the reference that people were told. */
  error: { reference: string; text: string } | undefined;
  retry: RetryOffer;
  /** What a cancel at this moment leads to; undefined when it can no longer be asked for. */
  cancel: string | undefined;
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
  return live(
    'operation',
    isOver(op) ? undefined : `/operations/${op.id}`,
    html`${page.message ? messageView(page.message, page.form) : ''}
${page.cancel ? html`<p class="context">If it is canceled now: ${page.cancel}</p>` : ''}
${section('Facts', factsView(page))}
${page.approval ? section('Approval', approvalView(page.approval)) : ''}
${section('Steps', stepsView(page))}
${tellsRetry(page) ? section('Retry from here', retryView(page)) : ''}
${page.build?.log ? section('Log', logView(page.build), html`<a href="/builds/${page.build.id}">Whole log</a>`) : ''}
${page.error ? section('Error', errorView(page.error), html`<a href="/errors/${page.error.reference}">${page.error.reference}</a>`) : ''}`,
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
    ['Runs on', ownerWords(op, page.now)],
    ['Taken up', op.epoch > 1 ? `${op.epoch} times: Sluice was restarted, or another replica went on with it` : undefined],
    ['Holds', op.holds && !isOver(op) ? html`<a href="/jobs/${op.job}">${op.job}</a>` : undefined],
    ['Retry from here', tellsRetry(page) ? undefined : `Not offered. ${page.retry.why}`],
    ['Break-glass', op.breakGlass ? redact(op.breakGlass) : undefined],
    ['Cancel asked by', op.cancelRequestedBy ? html`${personName(op.cancelRequestedBy)}, ${moment(op.cancelRequestedAt)}` : undefined],
    ['In Slack', page.permalink ? html`<a href="${page.permalink}">its message</a>` : undefined],
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

/** Where it did not go well there is a place for going on; elsewhere a word in the facts is enough. */
function tellsRetry({ operation, retry }: OperationPage): boolean {
  return retry.action !== undefined || operation.state === 'failed' || operation.state === 'canceled';
}
/** Whether it can be gone on with from where it stands, and why or why not. */
function retryView({ retry, form }: OperationPage): Html {
  return html`<p class="text">${linked(retry.why)}</p>${retry.action ? html`<div class="actions">${actionView(form, retry.action)}</div>` : ''}`;
}

const shownLogLines = 40;
function logView(build: { log: string }): Html {
  const lines = build.log.trimEnd().split('\n');
  return html`<div class="log" tabindex="0" role="region" aria-label="End of the log"><pre>${redact(lines.slice(-shownLogLines).join('\n'))}</pre></div>${lines.length > shownLogLines ? html`<p class="context">The last ${shownLogLines} of ${lines.length} lines.</p>` : ''}`;
}
function errorView(error: { text: string }): Html {
  return html`<details><summary>The full text</summary><pre class="code">${redact(error.text)}</pre></details>`;
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
        badge(step.state === 'running' && operation.state !== 'running' ? 'warn' : stepStates[step.state], stepWords(step, operation)),
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
