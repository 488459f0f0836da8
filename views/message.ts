import { assertNever } from '../src/core/errors.ts';
import { type Html, html } from '../src/core/html.ts';
import type { Action, Message, Part, ProgressStep, Span, Tone } from '../src/core/message.ts';
import { redact } from '../src/core/redact.ts';
import { actionView, type FormContext } from './form.ts';
import { moment, personName, shownValue, table } from './parts.ts';

const toneWords: Record<Tone, string> = { neutral: '', good: 'Done', warn: 'Note', bad: 'Problem', busy: 'In progress' };
const stepMarks: Record<ProgressStep['state'], string> = { done: '✓', running: '▸', waiting: '○', failed: '✗', skipped: '–' };

/** A message as the page shows it: the one place where its text is redacted and escaped for the page. */
export function messageView(message: Message, form: FormContext): Html {
  const word = toneWords[message.tone];
  return html`<article class="message ${message.tone}"><p class="message-title">${word ? html`<span class="unseen">${word}: </span>` : ''}${linked(message.title)}</p>
${message.parts.map((part) => partView(part, form))}</article>`;
}

function partView(part: Part, form: FormContext): Html | '' {
  switch (part.kind) {
    case 'text':
      return html`<p class="text">${spansView(part.spans)}</p>`;
    case 'context':
      return html`<p class="context">${spansView(part.spans)}</p>`;
    case 'fields':
      return part.fields.length === 0
        ? ''
        : html`<dl class="facts">${part.fields.map((f) => html`<div><dt>${f.label}</dt><dd>${typeof f.value === 'string' ? linked(shownValue(f.label, f.value)) : spansView(f.value)}</dd></div>`)}</dl>`;
    case 'table':
      return tableView(part);
    case 'code':
      return html`${part.label ? html`<p class="code-label">${part.label}</p>` : ''}<pre class="code">${redact(part.text)}</pre>`;
    case 'progress':
      return html`<ol class="progress">${part.steps.map((s) => html`<li class="${s.state}"><span class="step-mark" aria-hidden="true">${stepMarks[s.state]}</span> <span>${redact(s.title)}</span><span class="unseen"> (${s.state})</span>${s.note ? html` <span class="note">${redact(s.note)}</span>` : ''}</li>`)}</ol>`;
    case 'actions': {
      const shown = part.actions.filter(isForPage).map((action) => actionView(form, action));
      return shown.every((a) => a === '') ? '' : html`<div class="actions">${shown}</div>`;
    }
    default:
      return assertNever(part);
  }
}
/** A page has no channel to share in. */
function isForPage(action: Action): boolean {
  return !action.command?.endsWith(' --share');
}

function tableView(part: Extract<Part, { kind: 'table' }>): Html {
  if (part.rows.length === 0) return html`<p class="context">None.</p>`;
  const rows = part.rows.map((row) => ({
    cells: row.map((cell) => (typeof cell === 'string' ? shownValue(typeof row[0] === 'string' ? row[0] : '', cell) : spansView(cell))),
  }));
  return html`<div class="scroll">${table(
    '',
    part.columns.map((label) => ({ label, kind: 'wide' as const })),
    rows,
  )}</div>`;
}

/** Spans as markup; links go to http(s) addresses only. */
export function spansView(spans: readonly Span[]): Html[] {
  return spans.map((span): Html => {
    if (typeof span === 'string') return linked(span);
    if ('bold' in span) return html`<strong>${linked(span.bold)}</strong>`;
    if ('code' in span) return html`<code>${redact(span.code)}</code>`;
    if ('link' in span)
      return /^https?:\/\//i.test(span.url) ? html`<a href="${span.url}">${redact(span.link)}</a>` : html`${redact(span.link)}`;
    if ('person' in span) return html`<span class="person">${personName(span.person)}</span>`;
    if ('group' in span) return html`<span class="person">@${span.group}</span>`;
    if ('channel' in span) return html`<span class="channel">#${span.channel}</span>`;
    return html`${moment(span.time, span.style)}`;
  });
}

const ids: Record<string, string> = { op: '/operations/', bld: '/builds/', err: '/errors/' };

/** Plain text in which the ids of operations, builds and errors lead to their pages. */
export function linked(value: string): Html {
  const pieces = redact(value).split(/\b((?:op|bld|err)_[0-9a-z]{12})\b/);
  return html`${pieces.map((piece, i) => (i % 2 === 0 ? piece : html`<a href="${`${ids[piece.split('_')[0] ?? ''] ?? '/'}${piece}`}">${piece}</a>`))}`;
}
