import type { History, OperationFact, Violation } from './history.ts';
import type { TrueRun, World } from './world.ts';

/** I2: at most one effective run per start, never two runs of a job at once, none that nobody asked for. I3: one operation at a time holds a job. */
export function checkRuns(h: History, world: World): Violation[] {
  return [...perOperation(h, world), ...atOnce(h, world), ...unknown(h, world), ...overlaps(h, world)];
}

function perOperation(h: History, world: World): Violation[] {
  const found: Violation[] = [];
  for (const run of world.trueRuns)
    if (run.starts > 1 && !run.outside)
      found.push({ invariant: 'I2', what: `a Flink job id was started ${run.starts} times`, ids: idsOf([run]) });
  for (const op of h.operations) {
    const up = world.startedBy(op.id).filter((run) => run.cameUp);
    if (up.length > 1)
      found.push({ invariant: 'I2', what: `one ${op.kind} of ${op.job} brought up ${up.length} runs`, ids: [op.id, ...idsOf(up)] });
  }
  return found;
}

/** Two Flink jobs of one Sluice job alive at the same moment. */
function atOnce(h: History, world: World): Violation[] {
  const found: Violation[] = [];
  const ours = world.trueRuns.filter((run) => run.job !== undefined && !run.outside);
  for (const [i, later] of ours.entries())
    for (const earlier of ours.slice(0, i)) {
      if (earlier.job !== later.job || (earlier.end && earlier.end.order < later.order)) continue;
      // A person said that the former run is gone (break-glass), and answers for it.
      if (later.operation?.breakGlass && assumedGone(h, earlier)) continue;
      found.push({ invariant: 'I2', what: `${later.job} ran twice at once`, ids: idsOf([earlier, later]) });
    }
  return found;
}
function assumedGone(h: History, run: TrueRun): boolean {
  return h.audit.some((row) => row.action === 'run.assumed-gone' && row.details['run'] === run.run?.id);
}

function unknown(h: History, world: World): Violation[] {
  const found: Violation[] = [];
  for (const run of world.trueRuns) {
    if (run.outside) continue;
    if (!run.operation)
      found.push({ invariant: 'I2', what: `a run of ${run.jobName} was started that no operation asked for`, ids: idsOf([run]) });
    else if (!run.end && run.run?.ended && !assumedGone(h, run))
      found.push({
        invariant: 'I2',
        what: `${run.job} runs, and Sluice believes that this run is over`,
        ids: [run.run.id, ...idsOf([run])],
      });
  }
  return found;
}
const idsOf = (runs: readonly TrueRun[]) => runs.map((run) => run.jobId);

interface Hold {
  op: OperationFact;
  from: number;
  to: number;
}
function overlaps(h: History, world: World): Violation[] {
  const found: Violation[] = [];
  const holds = h.operations.flatMap((op) => holdOf(op, world));
  for (const [i, a] of holds.entries())
    for (const b of holds.slice(0, i))
      if (a.op.job === b.op.job && a.from < b.to && b.from < a.to)
        found.push({
          invariant: 'I3',
          what: `a ${b.op.kind} and a ${a.op.kind} held ${a.op.job} at the same time`,
          ids: [b.op.id, a.op.id],
        });
  return found;
}
/** From the first step that touches the cluster to the end. */
function holdOf(op: OperationFact, world: World): Hold[] {
  const from = Math.min(
    ...world
      .steps(op.id)
      .filter((step) => step.holds && step.state !== 'skipped' && !neverBegan(step))
      .map((step) => step.startedAt.getTime()),
  );
  return Number.isFinite(from) ? [{ op, from, to: op.finishedAt?.getTime() ?? Number.POSITIVE_INFINITY }] : [];
}
/** What failed before it had an intent was refused before it was begun. */
function neverBegan(step: { state: string; intent: unknown }): boolean {
  return step.state === 'failed' && step.intent === null;
}
