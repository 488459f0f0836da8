import { type Html, html } from '../src/core/html.ts';
import { redact } from '../src/core/redact.ts';

/** The answer to a command as a page of its own, for browsers without scripts. */
export function commandPage(line: string, reply: Html, back: string): Html {
  return html`<p class="context">You asked: <code>${redact(line)}</code></p>${reply}<p><a href="${back}">Back</a></p>`;
}
