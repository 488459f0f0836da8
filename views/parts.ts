import { type Html, type HtmlValue, html } from '../src/core/html.ts';
import type { PersonRef } from '../src/core/message.ts';
import { formatAge } from '../src/core/time.ts';

export { shownValue } from '../src/core/redact.ts';

export type Mark = 'good' | 'warn' | 'bad' | 'busy' | 'quiet';

/** A state as a word with a colour and a sign: never the colour alone. */
export function badge(mark: Mark, word: string): Html {
  return html`<span class="badge ${mark}">${word}</span>`;
}

/** How long ago; the exact time is in the title. */
export function ago(date: Date | null | undefined, now: Date): Html | string {
  if (!date) return '–';
  return html`<time datetime="${date.toISOString()}" data-title>${formatAge(date, now)}</time>`;
}

/** A point in time, in UTC; page.js shows it in the reader's own zone. */
export function moment(date: Date | string | null | undefined, style: 'full' | 'time' = 'full'): Html | string {
  const at = new Date(date ?? Number.NaN);
  if (Number.isNaN(at.getTime())) return '–';
  const iso = at.toISOString();
  const shown = style === 'time' ? `${iso.slice(11, 16)} UTC` : `${iso.slice(0, 16).replace('T', ' ')} UTC`;
  return html`<time datetime="${iso}" data-local="${style}">${shown}</time>`;
}

/** How a person is called. */
export function personName(person: PersonRef | null | undefined): string {
  return person ? (person.name ?? person.userId) : '–';
}

/** A list that is empty says what to do next. */
export function empty(title: string, next: HtmlValue = ''): Html {
  return html`<div class="empty"><p>${title}</p>${next ? html`<p class="hint">${next}</p>` : ''}</div>`;
}

export interface Column {
  label: string;
  /** `num`: right-aligned; `main`: the head of the card on a narrow screen; `wide`: may break its lines. */
  kind?: 'num' | 'main' | 'wide';
}
/** A table that becomes a list of cards on a narrow screen. @param look `dense`: with few short values in a row, for what is long and looked over. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly { cells: readonly HtmlValue[]; mark?: Mark | undefined }[],
  look: '' | 'dense' = '',
): Html {
  return html`<table class="cards ${look}"><caption class="unseen">${caption}</caption>
<thead><tr>${columns.map((c) => html`<th scope="col" class="${c.kind ?? ''}">${c.label}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr class="${row.mark ?? ''}">${row.cells.map((cell, i) => html`<td class="${columns[i]?.kind ?? ''}" data-label="${columns[i]?.label ?? ''}">${cell}</td>`)}</tr>\n`)}</tbody></table>`;
}

/** Label and value pairs; those without a value are left out. */
export function facts(entries: readonly (readonly [string, HtmlValue])[]): Html {
  const shown = entries.filter(([, value]) => value !== undefined && value !== null && value !== '');
  return html`<dl class="facts">${shown.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A titled part of a page. */
export function section(title: string, content: HtmlValue, aside: HtmlValue = ''): Html {
  return html`<section class="panel"><header><h2>${title}</h2>${aside ? html`<div class="aside">${aside}</div>` : ''}</header>${content}</section>`;
}
