import { clean } from '../core/clean.ts';
import type { Part, ProgressStep, Span } from '../core/message.ts';
import { spansToText } from '../core/message.ts';
import { oneLine, plural } from '../core/text.ts';
import { escapeText, fitEscaped, graphemes } from './escape.ts';
import { bold, spansToMrkdwn } from './spans.ts';

const stepMarks: Record<ProgressStep['state'], string> = { done: '✓', running: '▸', waiting: '○', failed: '✗', skipped: '–' };

/** The steps of an operation, one a line. */
export function progressMrkdwn(steps: ProgressStep[], room: number): string {
  const lines = steps.map((step) => {
    const title = step.state === 'running' ? bold(step.title, 200) : spansToMrkdwn(oneLine(step.title), 200);
    const note = step.note ? `  ${spansToMrkdwn(oneLine(step.note), 200)}` : '';
    return `${stepMarks[step.state]} ${title}${note}`;
  });
  return fitLines(lines, room, (n) => `… and ${plural(n, 'more step')}`);
}

/** Preformatted text in a fence, with its head and its tail kept when it is too long; a fence inside cannot close it. */
export function codeMrkdwn(part: { text: string; label?: string }, room: number): string {
  const label = part.label ? `${bold(part.label, 200)}\n` : '';
  const inside = room - label.length - 8;
  if (inside < 40) return '';
  const all = part.text.replace(/\r\n?/g, '\n').replace(/\n+$/, '').split('\n');
  const lines = shorten(all, inside);
  return `${label}\`\`\`\n${lines.join('\n')}\n\`\`\``;
}
function shorten(all: string[], room: number): string[] {
  const show = (line: string) => escapeText(clean(line.slice(0, room + 100)).replaceAll('`', "'"));
  const whole = all.join('\n');
  if (whole.length <= room) {
    // Redacted as a whole first: a private key spans lines.
    const text = escapeText(clean(whole).replaceAll('`', "'"));
    if (text.length <= room) return text.split('\n');
  }
  const budget = room - 40;
  const head: string[] = [];
  const tail: string[] = [];
  let used = 0;
  let from = 0;
  for (; from < all.length; from++) {
    const line = show(all[from] ?? '');
    if (used + line.length + 1 > budget / 3) break;
    head.push(line);
    used += line.length + 1;
  }
  let to = all.length;
  for (; to > from; to--) {
    const line = show(all[to - 1] ?? '');
    if (used + line.length + 1 > budget) break;
    tail.unshift(line);
    used += line.length + 1;
  }
  if (head.length + tail.length === 0)
    return [fitEscaped(clean((all[0] ?? '').slice(0, room + 100)).replaceAll('`', "'"), room - 40), '(shortened)'];
  return to > from ? [...head, `(${plural(to - from, 'line')} left out here)`, ...tail] : [...head, ...tail];
}

type TablePart = Extract<Part, { kind: 'table' }>;
/** Columns that a phone shows without breaking the line. */
const phoneColumns = 46;

/** A table: aligned in a fence where a phone can show that, else a line for each row; what does not fit is counted. */
export function tableMrkdwn(table: TablePart, room: number): string {
  if (table.rows.length === 0) return 'None.';
  const plain = table.rows.every((row) => row.every((cell) => typeof cell === 'string' || cell.every((s) => typeof s === 'string')));
  const cells = plain ? [table.columns, ...table.rows].map((row) => row.map(cellText)) : [];
  const widths = cells.reduce<number[]>((w, row) => row.map((c, i) => Math.max(w[i] ?? 0, graphemes(c))).concat(w.slice(row.length)), []);
  const width = widths.reduce((a, b) => a + b + 2, -2);
  return plain && width <= phoneColumns ? alignedTable(cells, widths, room) : rowLines(table, room);
}
function cellText(cell: string | Span[]): string {
  return oneLine(clean(spansToText(cell).slice(0, 2000))).replaceAll('`', "'");
}
function alignedTable(cells: string[][], widths: number[], room: number): string {
  const lines = cells.map((row) =>
    escapeText(
      row
        .map((c, i) => (i === row.length - 1 ? c : c + ' '.repeat(Math.max(0, (widths[i] ?? 0) - graphemes(c)))))
        .join('  ')
        .trimEnd(),
    ),
  );
  const kept: string[] = [];
  let used = 8 + 60;
  for (const line of lines) {
    if (used + line.length + 1 > room) break;
    kept.push(line);
    used += line.length + 1;
  }
  const missing = lines.length - kept.length;
  const fence = `\`\`\`\n${kept.join('\n')}\n\`\`\``;
  return missing === 0 ? fence : `${fence}\n${moreRows(missing)}`;
}
function rowLines(table: TablePart, room: number): string {
  const lines = table.rows.map((row) =>
    row
      .map((cell, i) => {
        const value = spansToMrkdwn(typeof cell === 'string' ? oneLine(cell) : cell, 300).replace(/\n/g, ' ');
        if (value === '') return '';
        if (i === 0) return typeof cell === 'string' ? bold(cell, 300) : value;
        const column = table.columns[i];
        return i > 1 && column ? `${fitEscaped(oneLine(clean(column)).toLowerCase(), 60)} ${value}` : value;
      })
      .filter((value) => value !== '')
      .join(' · '),
  );
  return fitLines(lines, room, moreRows);
}
function moreRows(n: number): string {
  return `… ${n} more, see the page.`;
}

/** Whole lines only, as many as fit; the rest is told by `rest`. */
function fitLines(lines: string[], room: number, rest: (missing: number) => string): string {
  const total = lines.reduce((sum, line) => sum + line.length + 1, -1);
  if (total <= room) return lines.join('\n');
  const kept: string[] = [];
  let used = rest(lines.length).length;
  for (const line of lines) {
    if (used + line.length + 1 > room) break;
    kept.push(line);
    used += line.length + 1;
  }
  return [...kept, rest(lines.length - kept.length)].join('\n').slice(0, Math.max(0, room));
}

/** Fields as mrkdwn texts of at most 2,000 characters each; a value that its label gives away as a secret is hidden. */
export function fieldTexts(fields: { label: string; value: string | Span[] }[], room: number): string[] {
  const out: string[] = [];
  let left = room;
  for (const { label, value } of fields) {
    const name = bold(label, 150);
    const max = Math.min(1000, left - name.length - 1);
    if (max < 20) break;
    const shown = namesSecret(label, value) ? '***' : spansToMrkdwn(value, max);
    const field = `${name}\n${shown === '' ? '–' : shown}`;
    out.push(field);
    left -= field.length;
  }
  return out;
}
function namesSecret(label: string, value: string | Span[]): boolean {
  const text =
    typeof value === 'string' ? value.slice(0, 5000) : value.every((s) => typeof s === 'string') ? value.join('').slice(0, 5000) : '';
  return text !== '' && clean(`${label}: ${text}`) !== `${clean(label)}: ${clean(text)}`;
}
