import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isRelative, targetOf } from './floors.ts';
import { type Problem, problemAt, type SourceFile } from './source.ts';

/** Folders where a new thing is one file and one line in the folder's index. */
const listedFolders = ['src/operations/kinds', 'src/watch/rules', 'src/deploy/kinds', 'src/channels'];

/** Nothing is written and then forgotten: commands are listed, documented and tested; kinds, rules and channels are listed. */
export function checkLists(root: string, files: readonly SourceFile[]): Problem[] {
  return [...checkCommands(root, files), ...listedFolders.flatMap((folder) => checkListed(folder, files))];
}

/** A file is listed if the index of its folder imports it, or if something that is listed does. */
function checkListed(folder: string, files: readonly SourceFile[]): Problem[] {
  const members = files.filter((file) => dirname(file.path) === folder && basename(file.path) !== 'index.ts');
  const reached = new Set<string>();
  const follow = (path: string): void => {
    const file = files.find((f) => f.path === path);
    for (const found of file?.imports ?? []) {
      const target = isRelative(found.specifier) ? targetOf(path, found.specifier) : '';
      if (dirname(target) !== folder || reached.has(target)) continue;
      reached.add(target);
      follow(target);
    }
  };
  follow(`${folder}/index.ts`);
  return members
    .filter((file) => !reached.has(file.path))
    .map((file) => ({ file: file.path, line: 1, message: `is not listed in ${folder}/index.ts` }));
}

function checkCommands(root: string, files: readonly SourceFile[]): Problem[] {
  const folder = 'src/commands';
  const index = files.find((file) => file.path === `${folder}/index.ts`);
  const listed = new Set(
    (index?.imports ?? []).filter((i) => isRelative(i.specifier)).map((i) => targetOf(`${folder}/index.ts`, i.specifier)),
  );
  const docs = readText(join(root, 'docs/commands.md'));
  return files.flatMap((file) => {
    if (dirname(file.path) !== folder || basename(file.path) === 'index.ts') return [];
    return definedCommands(file).flatMap(({ node, name }) => {
      const test = `test/commands/${basename(file.path)}`.replace(/\.ts$/, '.test.ts');
      const documented = docs.split('\n').some((line) => /^#+ /.test(line) && line.replaceAll('`', '').split(/[\s,]+/)[1] === name);
      return [
        ...(listed.has(file.path) ? [] : [problemAt(file, node, `the command ${name} is not listed in ${folder}/index.ts`)]),
        ...(documented ? [] : [problemAt(file, node, `the command ${name} is not in docs/commands.md; run npm run docs`)]),
        ...(existsSync(join(root, test)) ? [] : [problemAt(file, node, `the command ${name} has no test ${test}`)]),
      ];
    });
  });
}

/** The commands that a file exports: `export const start = defineCommand({ name: 'start', ... })`. */
function definedCommands(file: SourceFile): { node: { start: number }; name: string }[] {
  return file.program.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || statement.declaration?.type !== 'VariableDeclaration') return [];
    return statement.declaration.declarations.flatMap(({ init, id }) => {
      if (init?.type !== 'CallExpression' || init.callee.type !== 'Identifier' || init.callee.name !== 'defineCommand') return [];
      const [argument] = init.arguments;
      const properties = argument?.type === 'ObjectExpression' ? argument.properties : [];
      const named = properties.find((p) => p.type === 'Property' && p.key.type === 'Identifier' && p.key.name === 'name');
      const value = named?.type === 'Property' && named.value.type === 'Literal' ? named.value.value : undefined;
      return [
        { node: statement, name: typeof value === 'string' ? value : id.type === 'Identifier' ? id.name : basename(file.path, '.ts') },
      ];
    });
  });
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
