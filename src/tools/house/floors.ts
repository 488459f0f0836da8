import { dirname, join } from 'node:path/posix';
import type { ImportFound } from './imports.ts';
import type { Problem, SourceFile } from './source.ts';

interface Floor {
  rooms: readonly string[];
  /** A room of this floor may import those before it. */
  isChain?: boolean;
}

/** The floors of the house, from the ground; docs/architecture.md tells them to people. */
const floors: readonly Floor[] = [
  { rooms: ['core'] },
  { rooms: ['flink', 'build', 'db', 'config', 'practice'] },
  { rooms: ['deploy'] },
  { rooms: ['access', 'outbox', 'projects', 'jobs', 'restore-points'], isChain: true },
  { rooms: ['operations', 'incidents'], isChain: true },
  { rooms: ['commands', 'watch'] },
  { rooms: ['slack', 'web', 'channels', 'views'] },
  { rooms: ['roof', 'demo', 'tools'] },
];
const top = floors.length - 1;

/** The room of a file: `jobs` of src/jobs/job.ts, `roof` of src/app.ts, `views` of views/; undefined outside the house. */
function roomOf(path: string): string | undefined {
  if (path.startsWith('views/')) return 'views';
  const match = /^src\/(?:([^/]+)\/)?[^/]+/.exec(path);
  return match ? (match[1] ?? 'roof') : undefined;
}
function floorOf(room: string): number {
  return floors.findIndex((floor) => floor.rooms.includes(room));
}

/** The path that a relative specifier of a file names. */
export function targetOf(from: string, specifier: string): string {
  return join(dirname(from), specifier);
}
export function isRelative(specifier: string): boolean {
  return /^\.\.?(\/|$)/.test(specifier);
}

/** The import law: own room and lower floors, along the arrows within a chained floor, never up or otherwise sideways. */
export function checkFloors(files: readonly SourceFile[]): Problem[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path) ?? '';
    if (floorOf(room) < 0)
      return [{ file: file.path, line: 1, message: `src/${room}/ is no room of the house (src/tools/house/floors.ts)` }];
    return file.imports.flatMap((found) => {
      const message = breach(file.path, room, found);
      return message === undefined ? [] : [{ file: file.path, line: found.line, message }];
    });
  });
}

function breach(path: string, room: string, found: ImportFound): string | undefined {
  const { specifier } = found;
  const how = found.kind === 'static' ? 'imports' : `imports (${found.kind})`;
  if (found.isComputed && (specifier === '' || isRelative(specifier))) {
    if (found.kind === 'resolve') return undefined; // finds a file, runs nothing
    return floorOf(room) === top ? undefined : `${how} a path put together at run time, so the law cannot be checked; name the file`;
  }
  if (/^(\/|#|file:|https?:|data:)/.test(specifier)) return `${how} ${specifier}; use a relative path`;
  if (!isRelative(specifier)) return undefined;
  if (!/\.(ts|mts|js|mjs|json)$/.test(specifier)) return `${how} ${specifier} without its extension`;
  const target = targetOf(path, specifier);
  const to = roomOf(target);
  if (to === undefined) return /^[^/]+\.json$/.test(target) ? undefined : `${how} ${target}, which is outside the house`;
  return between(room, to)?.replace('imports', how);
}

/** Why a room may not import another one; undefined if it may. */
function between(from: string, to: string): string | undefined {
  const [a, b] = [floorOf(from), floorOf(to)];
  if (from === to || b < 0) return undefined;
  if (to === 'practice')
    return from === 'demo' || from === 'tools'
      ? undefined
      : `${from} imports practice, which is for the demo, the bench and the tests only`;
  if (b > a) return `${from} imports ${to}, which is above it (floor ${b} above floor ${a})`;
  if (b < a || a === top) return undefined;
  if (from === 'web' && to === 'views') return undefined;
  const floor = floors[a];
  if (floor?.isChain && floor.rooms.indexOf(to) < floor.rooms.indexOf(from)) return undefined;
  return `${from} imports ${to}, which is beside it on floor ${a}`;
}
