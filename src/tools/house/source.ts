import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { type Node, type Program, parseSync, Visitor } from 'oxc-parser';
import { collectImports, type ImportFound } from './imports.ts';

/** One breach of the law of the house. */
export interface Problem {
  /** Relative to the root, with forward slashes. */
  file: string;
  line: number;
  message: string;
}

/** A parsed source file. */
export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  path: string;
  text: string;
  program: Program;
  imports: ImportFound[];
  /** The line (from 1) of a position in the text. */
  lineOf(position: number): number;
}

/** All TypeScript and JavaScript files below the folders, parsed, in the order of their paths. A folder that is not there is empty. */
export function readSources(root: string, folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => listFiles(root, folder)).map((path) => readSource(root, path));
}

/** Paths of the code files below a folder, relative to the root. */
function listFiles(root: string, folder: string): string[] {
  let entries: string[];
  try {
    entries = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => /\.(ts|mts|js|mjs)$/.test(entry) && !entry.includes('node_modules'))
    .map((entry) =>
      relative(root, join(root, folder, entry))
        .split(sep)
        .join('/'),
    )
    .sort();
}

/** @throws Error that names the file and the line when the file does not parse. */
function readSource(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const lineOf = (position: number) => text.slice(0, position).split('\n').length;
  const parsed = parseSync(path, text);
  const error = parsed.errors[0];
  if (error) throw new Error(`${path}:${lineOf(error.labels[0]?.start ?? 0)} does not parse: ${error.message}`);
  return { path, text, program: parsed.program, imports: collectImports(parsed, lineOf), lineOf };
}

/** Problem at a node of a file. */
export function problemAt(file: SourceFile, node: Pick<Node, 'start'>, message: string): Problem {
  return { file: file.path, line: file.lineOf(node.start), message };
}

export { Visitor };
