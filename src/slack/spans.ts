import { clean } from '../core/clean.ts';
import { type Span, spansToText } from '../core/message.ts';
import { oneLine } from '../core/text.ts';
import { escapeText, fitEscaped, slackUrl } from './escape.ts';

/**
 * Spans as mrkdwn in at most `room` characters. Everything that is data is redacted and escaped here, once; mentions, channels, links
 * and dates are made from their own spans alone. A cut is marked with `…` and never splits markup.
 */
export function spansToMrkdwn(spans: string | Span[], room: number): string {
  const list = typeof spans === 'string' ? [spans] : spans;
  if (hidesSecret(list)) return fitEscaped(clean(list.map(shortText).join('')), room);
  let out = '';
  for (const [i, span] of list.entries()) {
    // One character stays free for the mark of a cut, up to the last span.
    const left = room - out.length - (i === list.length - 1 ? 0 : 1);
    if (out.endsWith('…') && left < 12) return out;
    const piece = spanToMrkdwn(span, left);
    if (piece.length > left) return room < 1 ? '' : `${out}…`;
    out += piece;
  }
  return out;
}

/** A secret may be split over spans ("password=" in bold, its value as code): then the joined text is shown instead. */
function hidesSecret(spans: Span[]): boolean {
  if (spans.length < 2) return false;
  const texts = spans.map(shortText);
  return clean(texts.join('')) !== texts.map(clean).join('');
}
function shortText(span: Span): string {
  return typeof span === 'object' && 'time' in span ? ' ' : spansToText([span]).slice(0, 5000);
}

function spanToMrkdwn(span: Span, room: number): string {
  if (typeof span === 'string') return fitEscaped(clean(head(span, room)), room);
  if ('bold' in span) return bold(span.bold, room);
  if ('code' in span) return code(span.code, room);
  if ('link' in span) return link(span.link, span.url, room);
  if ('person' in span) {
    const { userId, name } = span.person;
    return /^[UW][A-Z0-9]{2,20}$/.test(userId) ? `<@${userId}>` : fitEscaped(clean(`@${name ?? userId}`), room);
  }
  if ('group' in span) return /^S[A-Z0-9]{2,20}$/.test(span.group) ? `<!subteam^${span.group}>` : fitEscaped(clean(`@${span.group}`), room);
  if ('channel' in span) {
    return /^[CGD][A-Z0-9]{2,20}$/.test(span.channel) ? `<#${span.channel}>` : fitEscaped(clean(`#${span.channel}`), room);
  }
  return time(span.time, span.style ?? 'full');
}

/** What can be shown of it and some more, so that a secret at the cut is still seen whole; redacting all of a huge value is slow. */
function head(value: string, room: number): string {
  return value.slice(0, room + 300);
}

/** Bold text; `*` has no escape in mrkdwn, so its look-alike stands for it. A space at its ends goes outside: Slack shows `*a *` as it is. */
export function bold(value: string, room: number): string {
  const inner = fitEscaped(oneLine(clean(head(value, room))).replaceAll('*', '∗'), room - 4);
  if (inner === '') return '';
  return `${/^\s/.test(value) ? ' ' : ''}*${inner}*${/\s$/.test(value) ? ' ' : ''}`;
}

/** Inline code; a backtick inside has no escape and becomes an apostrophe. */
function code(value: string, room: number): string {
  const inner = fitEscaped(oneLine(clean(head(value, room))).replaceAll('`', "'"), room - 2);
  return inner === '' ? '' : `\`${inner}\``;
}

function link(label: string, url: string, room: number): string {
  const href = slackUrl(url);
  const text = oneLine(clean(label.slice(0, 2000)));
  if (href === undefined) return fitEscaped(text, room);
  const target = escapeText(href);
  const shown = fitEscaped(text === '' ? href : text, Math.min(500, room - target.length - 3));
  return shown === '' ? fitEscaped(text, room) : `<${target}|${shown}>`;
}

/** A Slack date, shown in the reader's own zone; the fallback is UTC. */
function time(value: Date | string, style: 'full' | 'time'): string {
  const date = new Date(value);
  const unix = Math.floor(date.getTime() / 1000);
  if (!Number.isFinite(unix) || unix < 0 || unix > 32_503_680_000) return 'an unknown time';
  const iso = date.toISOString();
  const fallback = style === 'time' ? `${iso.slice(11, 16)} UTC` : `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
  return `<!date^${unix}^${style === 'time' ? '{time}' : '{date_short_pretty} {time}'}|${fallback}>`;
}
