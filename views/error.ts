import { type Html, html } from '../src/core/html.ts';
import { redact } from '../src/core/redact.ts';
import { linked } from './message.ts';
import { moment } from './parts.ts';

/** What went wrong, what to do, and the id that finds the full error. */
export function errorView(error: { title: string; hint: string | undefined; reference: string | undefined }): Html {
  return html`<div class="message bad"><p class="message-title">${linked(error.title)}</p>
${error.hint ? html`<p class="text">${linked(error.hint)}</p>` : ''}
${error.reference ? html`<p class="context">The full error: <a href="/errors/${error.reference}">${error.reference}</a></p>` : ''}</div>`;
}
/** The full text of an unexpected error. */
export function errorReportPage(reference: string, report: { at: Date; where: string; text: string }): Html {
  return html`<h1>Error ${reference}</h1><p class="context">${moment(report.at)}, in ${report.where}</p><pre class="code">${redact(report.text)}</pre>`;
}
