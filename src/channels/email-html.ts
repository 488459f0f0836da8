import { type Html, html } from '../core/html.ts';
import type { Part, ProgressStep, Span, Tone } from '../core/message.ts';
import { spansToText } from '../core/message.ts';
import { truncate } from '../core/text.ts';
import type { Outgoing } from './channel.ts';
import { cleanLine, cleanText, safeUrl } from './clean.ts';
import { type Place, safeSpans, timeOf, titleOf } from './flatten.ts';
import { linkOf, pageOf } from './page-links.ts';

const colours: Record<Tone, string> = { neutral: '#64748b', busy: '#2563eb', good: '#16a34a', warn: '#d97706', bad: '#dc2626' };
const marks: Record<ProgressStep['state'], string> = { done: '✓', running: '▸', waiting: '○', failed: '✗', skipped: '–' };
/** Mail readers cut a mail at about 100 KB. */
const htmlLimit = 80_000;
const itemsAtMost = 60;

/**
 * A message as an HTML mail: the tone as a coloured bar, colours that mail readers may darken, no picture, no script, nothing loaded from
 * elsewhere. Every value is cleaned and goes through the `html` tag.
 */
export function htmlOf({ message, incident }: Outgoing, publicUrl: string): string {
  const place = { publicUrl, incident };
  const parts: Html[] = [];
  let room = htmlLimit;
  for (const part of message.parts.slice(0, itemsAtMost)) {
    const rendered = partOf(part, place);
    room -= rendered.markup.length;
    if (room < 0) {
      parts.push(html`<p class="grey">… shortened here, see the page.</p>`);
      break;
    }
    parts.push(rendered);
  }
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"><title>${titleOf(message, 200)}</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; padding: 16px; background: #ffffff; color: #0f172a; font: 15px/1.5 system-ui, sans-serif; }
a { color: #1d4ed8; } .grey { color: #64748b; font-size: 13px; } p, pre, table, ul { margin: 0 0 12px; }
p, td, th { overflow-wrap: anywhere; white-space: pre-wrap; } th { text-align: left; padding: 0 12px 2px 0; vertical-align: top; font-weight: 600; }
td { padding: 0 12px 2px 0; vertical-align: top; } pre { padding: 10px; background: #f1f5f9; font-size: 13px; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { background: #0f172a; color: #e2e8f0; } a { color: #93c5fd; } .grey { color: #94a3b8; } pre { background: #1e293b; } }
</style></head>
<body><table role="presentation" cellspacing="0" cellpadding="0" width="100%"><tr>
<td width="6" style="width:6px;padding:0;background:${colours[message.tone]}">&nbsp;</td>
<td style="padding:0 0 0 16px;white-space:normal">
<h1 style="font-size:18px;margin:0 0 12px">${titleOf(message, 500)}</h1>
${parts}
<p class="grey"><a href="${pageOf(publicUrl, incident)}">Sluice</a>. Answers to this mail are not read.</p>
</td></tr></table></body></html>
`.markup;
}

function partOf(part: Part, place: Place): Html {
  switch (part.kind) {
    case 'text':
      return html`<p>${spansOf(part.spans)}</p>\n`;
    case 'context':
      return html`<p class="grey">${spansOf(part.spans)}</p>\n`;
    case 'fields':
      return html`<table>${part.fields
        .slice(0, itemsAtMost)
        .map(({ label, value }) => html`<tr><th>${cleanLine(label, 200)}</th><td>${spansOf(value, label)}</td></tr>`)}</table>\n`;
    case 'table':
      return html`<table><tr>${part.columns.map((column) => html`<th>${cleanLine(column, 200)}</th>`)}</tr>${part.rows
        .slice(0, itemsAtMost)
        .map((row) => html`<tr>${row.map((cell, i) => html`<td>${spansOf(cell, part.columns[i])}</td>`)}</tr>`)}</table>\n`;
    case 'code':
      return html`${part.label ? html`<p><b>${cleanLine(part.label, 200)}</b></p>` : null}<pre>${truncate(cleanText(part.text), 20_000)}</pre>\n`;
    case 'progress':
      return html`<p>${part.steps
        .slice(0, itemsAtMost)
        .map(
          ({ state, title, note }) => html`${marks[state]} ${cleanLine(title, 200)}${note ? ` (${cleanLine(note, 200)})` : ''}<br>`,
        )}</p>\n`;
    case 'actions':
      return html`<p>${part.actions
        .slice(0, 25)
        .map(
          (action) =>
            html`<a href="${linkOf(action, place.publicUrl, place.incident)}">${cleanLine(action.label, 60) || 'Open'}</a> &nbsp; `,
        )}</p>\n`;
  }
}

function spansOf(spans: string | Span[], label?: string): Html {
  return html`${safeSpans(spans, label).map(spanOf)}`;
}
function spanOf(span: Span): Html {
  if (typeof span === 'string') return html`${cleanText(span.slice(0, 4_000))}`;
  if ('bold' in span) return html`<b>${cleanLine(span.bold.slice(0, 4_000), 2_000)}</b>`;
  if ('code' in span) return html`<code>${cleanLine(span.code.slice(0, 4_000), 2_000)}</code>`;
  if ('time' in span) return html`${timeOf(span.time)}`;
  if ('link' in span) {
    const url = safeUrl(span.url);
    const label = cleanLine(span.link, 500);
    return url === undefined ? html`${label}` : html`<a href="${url}">${label || url}</a>`;
  }
  return html`${cleanLine(spansToText([span]), 200)}`;
}
