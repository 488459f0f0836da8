import { formatAge, formatBytes } from '../../core/time.ts';
import type { RestorePoint } from '../../restore-points/restore-points.store.ts';

/** How many restore points of a job can be named, searched and chosen; older ones are on the page. */
export const pointsAtMost = 500;

/** `savepoint, 10 min ago, 24 KB, final, v3` */
export function describePoint(point: RestorePoint, now: Date): string {
  return [
    point.kind === 'savepoint' ? 'savepoint' : `checkpoint ${point.checkpointId ?? ''}`.trim(),
    formatAge(point.takenAt, now),
    point.size === null ? undefined : formatBytes(point.size),
    point.final ? 'final' : 'mid-run',
    `v${point.version}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** The end of a path, which tells one restore point from another; at most 75 characters (a description in a Slack select). */
export function pathTail(path: string): string {
  if (path.length <= 75) return path;
  // An array of characters, so that no pair of surrogates is cut.
  return `…${[...path.slice(-74)].slice(1).join('')}`;
}
