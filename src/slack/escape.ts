import { clean } from '../core/clean.ts';

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Slack's own escaping of `&`, `<` and `>`, in one pass, so that data can make no mention, channel or link. Nothing else has an escape. */
export function escapeText(value: string): string {
  return value.replace(/[&<>]/g, (c) => escapes[c] ?? c);
}

/** The text escaped, in at most `room` characters; what does not fit is cut on a grapheme border and marked with `…`. */
export function fitEscaped(value: string, room: number): string {
  if (room < 1) return '';
  if (value.length <= room) {
    const whole = escapeText(value);
    if (whole.length <= room) return whole;
  }
  let out = '';
  for (const { segment } of segmenter.segment(value.slice(0, room + 32))) {
    const piece = escapeText(segment);
    if (out.length + piece.length > room - 1) break;
    out += piece;
  }
  return `${out}…`;
}

/** How many characters a reader sees. */
export function graphemes(value: string): number {
  let n = 0;
  for (const _ of segmenter.segment(value)) n++;
  return n;
}

/** An http(s) address as it may stand in `<url|label>` or a button; undefined for anything else. */
export function slackUrl(url: string): string | undefined {
  let href: string;
  try {
    href = new URL(url).href;
  } catch {
    return undefined;
  }
  if (!/^https?:\/\//.test(href)) return undefined;
  const safe = clean(href).replace(/[<>|\s]/g, (c) => encodeURIComponent(c));
  return safe.length <= 2900 ? safe : undefined;
}
