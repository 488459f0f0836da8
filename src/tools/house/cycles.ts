import { isRelative, targetOf } from './floors.ts';
import type { Problem, SourceFile } from './source.ts';

/** Files that import each other in a circle at run time (type-only imports are gone by then); one problem per circle. */
export function checkCycles(files: readonly SourceFile[]): Problem[] {
  const known = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const problems: Problem[] = [];
  const visit = (file: SourceFile, trail: readonly string[]): void => {
    state.set(file.path, 'open');
    for (const found of file.imports) {
      if (found.kind === 'type-only' || !isRelative(found.specifier)) continue;
      const next = known.get(targetOf(file.path, found.specifier));
      if (!next) continue;
      const here = [...trail, file.path];
      if (state.get(next.path) === 'open') {
        const circle = [...here.slice(here.indexOf(next.path)), next.path];
        problems.push({ file: file.path, line: found.line, message: `closes a circle of imports: ${circle.join(' -> ')}` });
      } else if (!state.has(next.path)) visit(next, here);
    }
    state.set(file.path, 'done');
  };
  for (const file of files) if (!state.has(file.path)) visit(file, []);
  return problems;
}
