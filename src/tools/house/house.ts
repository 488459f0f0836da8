import { checkCycles } from './cycles.ts';
import { checkFences } from './fences.ts';
import { checkFloors } from './floors.ts';
import { checkLists } from './lists.ts';
import { type Problem, readSources } from './source.ts';

export type { Problem };

/**
 * Checks the tree below a root against the law of the house (docs/architecture.md): floors, fences, circles, lists.
 * Rooms that are not there are not missed.
 * @returns Problems in the order of files and lines; an empty list is a house in order.
 * @throws Error when a file does not parse.
 */
export function checkHouse(root: string): Problem[] {
  const files = readSources(root, ['src', 'views']);
  const problems = [...checkFloors(files), ...checkFences(files), ...checkCycles(files), ...checkLists(root, files)];
  return problems.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

/** `src/jobs/job.ts:3  jobs imports ...`, one line a problem. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map((p) => `${p.file}:${p.line}  ${p.message}`).join('\n');
}
