import type { IncidentRef } from '../core/message.ts';
import { type Message, type Part, type ProgressStep, type Span, spansToText } from '../core/message.ts';
import { oneLine, truncate } from '../core/text.ts';
import { cleanLine, cleanText, safeUrl } from './clean.ts';
import { linkOf } from './page-links.ts';

/** How a channel writes text that is already clean; each function escapes for its channel. */
export interface Dialect {
  text(value: string): string;
  bold(value: string): string;
  code(value: string): string;
  link(label: string, url: string): string;
  /** Preformatted lines. */
  block(lines: string[]): string[];
}

/** Plain text: links with their address behind them. */
export const plain: Dialect = {
  text: (value) => value,
  bold: (value) => value,
  code: (value) => value,
  link: (label, url) => (label === url ? url : `${label} (${url})`),
  block: (lines) => lines.map((line) => `    ${line}`),
};

export interface Place {
  publicUrl: string;
  incident: IncidentRef | undefined;
}
const partsAtMost = 60;
const rowsAtMost = 60;
const stepMarks: Record<ProgressStep['state'], string> = { done: '✓', running: '▸', waiting: '○', failed: '✗', skipped: '–' };

/** The title of a message: one clean line, never empty. */
export function titleOf(message: Message, limit: number): string {
  return cleanLine(message.title, limit) || '–';
}

/** The parts of a message as lines in a dialect. Never throws. */
export function linesOf(message: Message, dialect: Dialect, place: Place): string[] {
  return message.parts.slice(0, partsAtMost).flatMap((part) => linesOfPart(part, dialect, place));
}

function linesOfPart(part: Part, dialect: Dialect, place: Place): string[] {
  switch (part.kind) {
    case 'text':
    case 'context':
      return wordsOf(part.spans, dialect).split('\n').filter(hasInk);
    case 'fields':
      return part.fields
        .slice(0, rowsAtMost)
        .map(({ label, value }) => `${dialect.bold(`${cleanLine(label, 200)}:`)} ${oneLine(wordsOf(value, dialect, label))}`);
    case 'table':
      return part.rows
        .slice(0, rowsAtMost)
        .map((row) =>
          row
            .map((cell, i) => `${dialect.text(cleanLine(part.columns[i] ?? '', 60))}: ${oneLine(wordsOf(cell, dialect, part.columns[i]))}`)
            .join(', '),
        );
    case 'code': {
      const lines = cleanText(part.text).replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n');
      return [...(part.label ? [dialect.bold(cleanLine(part.label, 200))] : []), ...(lines.some(hasInk) ? dialect.block(lines) : [])];
    }
    case 'progress':
      return part.steps
        .slice(0, rowsAtMost)
        .map(
          ({ state, title, note }) =>
            `${stepMarks[state]} ${dialect.text(cleanLine(title, 200))}${note ? ` (${dialect.text(cleanLine(note, 200))})` : ''}`,
        );
    case 'actions': {
      const links = part.actions
        .slice(0, 25)
        .map((a) => dialect.link(cleanLine(a.label, 60) || 'Open', linkOf(a, place.publicUrl, place.incident)));
      return links.length === 0 ? [] : [`On the page: ${links.join(' · ')}`];
    }
  }
}
function hasInk(line: string): boolean {
  return line.trim() !== '';
}

/** Spans in a dialect; `label` is what stands before them. */
export function wordsOf(spans: string | Span[], dialect: Dialect, label = ''): string {
  return safeSpans(spans, label)
    .map((span) => word(span, dialect))
    .join('');
}

/**
 * Spans that hide no secret over their borders: "password=" in bold with its value as code becomes one text, in which it is blanked, and the
 * value of a field named "Password" is blanked as a whole.
 */
export function safeSpans(spans: string | Span[], label = ''): Span[] {
  const list = typeof spans === 'string' ? [spans] : spans.slice(0, 200);
  const texts = list.map(bare);
  const joined = cleanText(texts.join(''));
  if (label !== '' && cleanText(`${label}: ${joined}`) !== `${cleanText(label)}: ${joined}`) return ['***'];
  return list.length > 1 && joined !== texts.map(cleanText).join('') ? [truncate(joined, 4_000)] : list;
}
function bare(span: Span): string {
  return typeof span === 'object' && 'time' in span ? ' ' : spansToText([span]).slice(0, 4_000);
}
function word(span: Span, dialect: Dialect): string {
  if (typeof span === 'string') return dialect.text(cleanText(span.slice(0, 4_000)));
  if ('bold' in span) return dialect.bold(cleanLine(span.bold.slice(0, 4_000), 2_000));
  if ('code' in span) return dialect.code(cleanLine(span.code.slice(0, 4_000), 2_000));
  if ('link' in span) {
    const url = safeUrl(span.url);
    const label = cleanLine(span.link, 500);
    return url === undefined ? dialect.text(label) : dialect.link(label || url, url);
  }
  if ('time' in span) return dialect.text(timeOf(span.time));
  return dialect.text(cleanLine(spansToText([span]), 200));
}

/** A time in UTC: the reader's zone is not known here. */
export function timeOf(value: Date | string): string {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return 'an unknown time';
  return `${date.toISOString().replace('T', ' ').slice(0, 16)} UTC`;
}
