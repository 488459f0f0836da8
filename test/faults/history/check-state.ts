import { samePathKey } from '../../../src/deploy/restore-path.ts';
import type { History, Violation } from './history.ts';
import { isOver, type TruePoint, type TrueRun, type World } from './world.ts';

/** I8: no run starts from older or empty state unless its plan names that; no savepoint of an operation is forgotten, none is made up. */
export function checkState(h: History, world: World): Violation[] {
  return [...rewinds(h, world), ...forgotten(h, world), ...unmarked(h), ...madeUp(h, world)].map(([what, ...ids]) => ({
    invariant: 'I8',
    what,
    ids,
  }));
}
type Found = [what: string, ...ids: string[]];

function rewinds(h: History, world: World): Found[] {
  const found: Found[] = [];
  for (const run of world.trueRuns) {
    if (run.job === undefined || run.outside) continue;
    const other = named(run);
    if (other !== undefined) {
      found.push([`${run.job} was started from ${run.restoredFrom ?? 'nothing'}, and its plan names ${other}`, run.jobId]);
      continue;
    }
    const before = world.trueRuns.findLast((other) => other.job === run.job && other.order < run.order && hasState(other));
    if (!before || isNamed(run)) continue;
    const finishedBatch = before.end?.how === 'FINISHED' && h.jobs.some((job) => job.name === run.job && job.mode === 'batch');
    if (finishedBatch) continue;
    if (run.restoredFrom === undefined) {
      found.push([`${run.job} was started from nothing, and nobody had said so`, run.jobId, before.jobId]);
      continue;
    }
    const newest = newestState(h, world, before, run.order);
    if (newest && run.counter < newest.counter)
      found.push([
        `${run.job} was started from older state (${run.counter}) than there was (${newest.counter}, ${newest.path})`,
        run.jobId,
        before.jobId,
      ]);
  }
  return found;
}
/** Whether a run replaced the state of the one before it: not if it never came up, nor if it was taken back before it had kept anything. */
function hasState(run: TrueRun): boolean {
  return run.cameUp && !run.outside && (run.run?.endReason !== 'never-started' || run.points.length > 0);
}
/** Whether the operation itself asked for this state: then I5 sees to it that the right people agreed. */
function isNamed(run: TrueRun): boolean {
  const { from, fresh } = run.operation?.input ?? {};
  return run.restoredFrom === undefined ? fresh === true : typeof from === 'string';
}
/** What the operation asked for, where the run began from something else. */
function named(run: TrueRun): string | undefined {
  const { from, fresh } = run.operation?.input ?? {};
  if (typeof from === 'string')
    return run.restoredFrom !== undefined && samePathKey(from) === samePathKey(run.restoredFrom) ? undefined : from;
  return fresh === true && run.restoredFrom !== undefined ? 'nothing' : undefined;
}
/** The newest state that a run left and that was there at a moment: its restore points, else what it began from. */
function newestState(h: History, world: World, run: TrueRun, order: number): Pick<TruePoint, 'counter' | 'path'> | undefined {
  const readable = h.clusters.find((cluster) => cluster.name === run.cluster)?.pathsReadable ?? false;
  const recorded = new Set(h.restorePoints.filter((point) => point.job === run.job).map((point) => samePathKey(point.path)));
  const there = run.points.filter(
    (point) =>
      point.madeAt < order &&
      point.goneAt > order &&
      // A JobManager that lost its memory told nobody of its last checkpoints, and only the disk knows them.
      (readable || run.end?.how !== 'LOST' || point.kind === 'savepoint' || recorded.has(samePathKey(point.path))),
  );
  const began = run.restoredFrom === undefined ? undefined : world.points.get(samePathKey(run.restoredFrom));
  const all = began && began.goneAt > order ? [...there, began] : there;
  return all.reduce<TruePoint | undefined>((best, point) => (best && best.counter >= point.counter ? best : point), undefined);
}

function forgotten(h: History, world: World): Found[] {
  const recorded = new Set(h.restorePoints.map((point) => `${point.job}\n${samePathKey(point.path)}`));
  const askedBy = new Map(
    h.steps.flatMap((step) => (typeof step.intent?.['triggerId'] === 'string' ? [[step.intent['triggerId'], step.operationId]] : [])),
  );
  const operations = new Map(h.operations.map((op) => [op.id, op]));
  const found: Found[] = [];
  for (const run of world.trueRuns)
    for (const point of run.points) {
      const op = operations.get(askedBy.get(point.triggerId ?? '') ?? '');
      // One that is under way, or parked, still has to look for it.
      if (point.kind !== 'savepoint' || !op || !isOver(op)) continue;
      if (!recorded.has(`${op.job}\n${samePathKey(point.path)}`))
        found.push([`a savepoint of ${op.job} was made for a ${op.kind} and is not recorded: ${point.path}`, op.id, run.jobId]);
    }
  return found;
}
/** Savepoints that a step took, and whose records do not name its operation: watch may have seen the path first, but only the step knows whose it is. */
function unmarked(h: History): Found[] {
  const jobs = new Map(h.operations.map((op) => [op.id, op.job]));
  const marked = new Set(h.restorePoints.map((point) => `${point.job}\n${samePathKey(point.path)}\n${point.operationId}`));
  return h.steps.flatMap((step): Found[] => {
    const path = step.result?.['path'];
    if (step.state !== 'done' || typeof path !== 'string' || typeof step.intent?.['triggerId'] !== 'string') return [];
    const job = jobs.get(step.operationId);
    if (marked.has(`${job}\n${samePathKey(path)}\n${step.operationId}`)) return [];
    return [[`a savepoint of ${job} is not recorded as that of its operation: ${path}`, step.operationId]];
  });
}
/** Restore points of runs on clusters whose truth is known. */
function madeUp(h: History, world: World): Found[] {
  const runs = new Map(h.runs.map((run) => [run.id, run]));
  const known = new Set(h.clusters.map((cluster) => cluster.name));
  return h.restorePoints
    .filter((point) => known.has(runs.get(point.runId)?.cluster ?? '') && !world.points.has(samePathKey(point.path)))
    .map((point): Found => [`a restore point of ${point.job} is recorded that was never made: ${point.path}`, point.id]);
}
