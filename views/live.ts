import { createHash } from 'node:crypto';
import { type Html, html } from '../src/core/html.ts';

/** Fields that differ at each rendering and are no news. */
const everNew = /\b(?:n|ask)_[0-9a-z]{12}\b/g;

/** A short name for what a piece of a page shows, to tell whether it has changed. */
function digestOf(content: Html): string {
  return createHash('sha256').update(content.markup.replace(everNew, '')).digest('hex').slice(0, 16);
}

/**
 * A piece of a page that asks every 2 s whether it has changed; `url` answers 204 while `seen` still names what is shown, so that
 * nothing moves under the reader's hand. With `url` undefined it is at rest.
 */
export function live(id: string, url: string | undefined, content: Html): Html {
  if (url === undefined) return html`<div id="${id}">${content}</div>`;
  const address = `${url}${url.includes('?') ? '&' : '?'}seen=${digestOf(content)}`;
  return html`<div id="${id}" hx-get="${address}" hx-trigger="every 2s" hx-swap="outerHTML">${content}</div>`;
}
