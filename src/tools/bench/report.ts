import { UserError } from '../../core/errors.ts';
import type { FigureName } from './options.ts';

export interface Table {
  head: readonly string[];
  rows: readonly (readonly string[])[];
}
/** One measured figure, ready to be printed. */
export interface Figure {
  name: FigureName;
  title: string;
  /** How it was measured, in sentences. */
  how: string;
  tables: readonly Table[];
  aims: readonly Aim[];
  /** What a reader should know beside the numbers. */
  notes: readonly string[];
  /** What it was measured on, by name. */
  facts: Readonly<Record<string, string>>;
}
export interface Aim {
  /** What was aimed at and what came out, as a sentence. */
  text: string;
  met: boolean;
}

/** A Markdown table whose columns line up, so that it reads in a terminal too. */
export function formatTable(table: Table): string {
  const cells = [table.head, ...table.rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = table.head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [head = [], ...rows] = cells;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** A figure as Markdown: numbers first, then what fell short, then how and on what it was measured. */
export function formatFigure(figure: Figure): string {
  const missed = figure.aims.filter((aim) => !aim.met);
  const reached = figure.aims.filter((aim) => aim.met);
  const facts = Object.entries(figure.facts).map(([name, value]) => `${name} ${value}`);
  return [
    ...figure.tables.map(formatTable),
    ...(missed.length > 0 ? [`**Fell short:** ${missed.map((aim) => aim.text).join(' ')}`] : []),
    ...(reached.length > 0 ? [`Reached: ${reached.map((aim) => aim.text).join(' ')}`] : []),
    ...(figure.notes.length > 0 ? [figure.notes.map((note) => `- ${note}`).join('\n')] : []),
    `How: ${figure.how}`,
    `On: ${facts.join('; ')}.`,
  ].join('\n\n');
}

/**
 * Puts new text between `<!-- bench:NAME -->` and `<!-- bench:NAME end -->`; everything else stays as it is.
 * @throws UserError if the document does not have exactly one such place.
 */
export function replaceBlock(document: string, name: FigureName, text: string): string {
  const begin = `<!-- bench:${name} -->`;
  const end = `<!-- bench:${name} end -->`;
  const [before, rest, more] = document.split(begin);
  const [, after, extra] = (rest ?? '').split(end);
  if (before === undefined || after === undefined || more !== undefined || extra !== undefined)
    throw new UserError(`The document has no single place for the figure ${name}.`, {
      hint: `It belongs between the lines ${begin} and ${end}.`,
    });
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}
