import { formatDuration } from '../core/time.ts';
import type { RestorePoint } from './restore-points.store.ts';

/** What a team asked for. Neither: every savepoint is kept. */
export interface RetentionPolicy {
  /** So many of the newest are kept. */
  keep?: number | undefined;
  /** The younger ones are kept, in ms. */
  keepForMs?: number | undefined;
}
export interface RetentionFacts {
  now: Date;
  policy: RetentionPolicy;
  /** The restore points of one job that are there, savepoints and checkpoints, in any order. */
  points: readonly RestorePoint[];
  /** Why one is needed, by its id. */
  inUse: ReadonlyMap<string, string>;
  /** Ids of those whose files are known not to be complete. */
  broken: ReadonlySet<string>;
  /** Why nothing of this job is touched now. */
  hands: string | undefined;
}
/** What the policy says of one savepoint. */
export interface Judged {
  point: RestorePoint;
  keep: boolean;
  /** Why it is kept, or why it goes. */
  why: string;
  /** It is kept for what will be over soon: its day stays. */
  passing?: boolean;
}

/**
 * Which savepoints of a job go, newest first. Checkpoints are Flink's own to delete. Never one that is needed, pinned, younger than what was asked for,
 * or not of Sluice's making; never the newest that is complete, whatever was asked for.
 */
export function judgeSavepoints(facts: RetentionFacts): Judged[] {
  const savepoints = facts.points
    .filter((point) => point.kind === 'savepoint')
    .sort((a, b) => b.takenAt.getTime() - a.takenAt.getTime() || (b.checkpointId ?? 0) - (a.checkpointId ?? 0) || (a.id < b.id ? 1 : -1));
  // One that cannot be restored counts for nothing: it must not push a good one out.
  const complete = savepoints.filter((point) => !facts.broken.has(point.id));
  return savepoints.map((point) => {
    const kept = whyKept(point, complete.indexOf(point), complete, facts);
    if (kept !== undefined) return { point, keep: true, why: kept };
    if (facts.hands !== undefined) return { point, keep: true, why: facts.hands, passing: true };
    return { point, keep: false, why: whyGone(facts.policy) };
  });
}

function whyKept(point: RestorePoint, place: number, complete: readonly RestorePoint[], facts: RetentionFacts): string | undefined {
  const { keep, keepForMs } = facts.policy;
  if (point.pinned)
    return `pinned by ${point.pinned.by.name ?? point.pinned.by.userId}${point.pinned.reason ? `: ${point.pinned.reason}` : ''}`;
  const needed = facts.inUse.get(point.id);
  if (needed !== undefined) return needed;
  // Of two of one moment nobody can say which is the newer state.
  if (place === 0 || point.takenAt.getTime() === complete[0]?.takenAt.getTime()) return 'the newest one';
  if (place < 0) return 'its files are not complete: look at them before they are deleted';
  if (keep === undefined && keepForMs === undefined) return 'every savepoint of this job is kept';
  if (point.operationId === null) return 'it was not taken by Sluice';
  if (keep !== undefined && place < keep) return `one of the newest ${keep}`;
  if (keepForMs !== undefined && facts.now.getTime() - point.takenAt.getTime() < keepForMs)
    return `younger than ${formatDuration(keepForMs)}`;
  return undefined;
}
function whyGone({ keep, keepForMs }: RetentionPolicy): string {
  const words = [
    keep === undefined ? undefined : `not one of the newest ${keep}`,
    keepForMs === undefined ? undefined : `older than ${formatDuration(keepForMs)}`,
  ];
  return words.filter(Boolean).join(' and ');
}
