import { isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { oneLine } from '../core/text.ts';
import { type ConfigProblem, type Locate, problemsOf } from './problems.ts';

export interface ParsedYaml<T> {
  /** Set when there are no problems. */
  value: T | undefined;
  problems: ConfigProblem[];
  /** `file:line:column` of a key or a value. */
  locate: Locate;
  /** What was typed, before the schema; empty values left out. */
  typed: unknown;
}

/**
 * Reads YAML text with a schema and reports everything that is wrong at once, in the order of the file, each with its place.
 * An empty value (`slack:` with nothing after it) counts as not given; duplicate keys and anchors without end are refused.
 */
export function parseYaml<S extends z.ZodType>(schema: S, source: string, file: string): ParsedYaml<z.output<S>> {
  const lines = new LineCounter();
  const doc = parseDocument(source, { lineCounter: lines, logLevel: 'error', prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const locate: Locate = (path, part) => {
    for (let length = path.length; length > 0; length--) {
      const offset = offsetOf(doc.contents, path.slice(0, length), length === path.length ? part : 'key');
      if (offset !== undefined) return at(offset);
    }
    return at(0);
  };
  if (doc.errors.length > 0) {
    const problems = doc.errors.map((e) => ({
      where: at(e.pos[0]),
      key: '(syntax)',
      problem: oneLine(e.message),
      expected: 'YAML: `key: value` lines, indented with spaces',
    }));
    return { value: undefined, problems, locate, typed: undefined };
  }
  const typed = readValue(doc, at);
  if ('problem' in typed) return { value: undefined, problems: [typed.problem], locate, typed: undefined };
  const result = schema.safeParse(typed.value);
  if (result.success) return { value: result.data, problems: [], locate, typed: typed.value };
  const problems = problemsOf(result.error, schema, typed.value, locate).sort((a, b) => place(a) - place(b));
  return { value: undefined, problems, locate, typed: typed.value };
}
/** Line and column as one number, for sorting. */
function place(problem: ConfigProblem): number {
  const [column, line] = problem.where.split(':').reverse();
  return Number(line) * 1_000_000 + Number(column);
}

function readValue(doc: ReturnType<typeof parseDocument>, at: (offset: number) => string): { value: unknown } | { problem: ConfigProblem } {
  try {
    return { value: withoutNulls(doc.toJS({ maxAliasCount: 100 })) ?? {} };
  } catch (cause) {
    const problem = cause instanceof Error ? oneLine(cause.message) : 'cannot be read';
    return { problem: { where: at(0), key: '(syntax)', problem, expected: 'YAML without aliases that multiply' } };
  }
}

function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map((v) => (v === null ? v : withoutNulls(v)));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (v === null ? [] : [[k, withoutNulls(v)]])));
}

function offsetOf(root: unknown, path: readonly PropertyKey[], part: 'key' | 'value'): number | undefined {
  let node: unknown = root;
  let key: unknown;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) return undefined;
      [key, node] = [pair.key, pair.value];
    } else if (typeof step === 'number' && typeof node === 'object' && node !== null && 'items' in node) {
      node = (node.items as unknown[])[step];
      key = node;
    } else return undefined;
  }
  const wanted = (part === 'value' ? (node ?? key) : key) as Node | null | undefined;
  return wanted?.range?.[0];
}
