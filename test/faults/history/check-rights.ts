import { decide, type Person, type Right, samePerson, type Verdict } from '../../../src/access/policy.ts';
import type { PersonRef } from '../../../src/core/message.ts';
import type { ApprovalFact, History, JobFact, OperationFact, Violation } from './history.ts';
import type { World } from './world.ts';

/** Roles are read after the claim and before the first step is written: how long in between, at most, where the database is slow. */
const justBeforeMs = 10_000;

/** I5: nothing is done without a person who may have it done at that moment, and a second one where the policy says so. */
export function checkRights(h: History, world: World): Violation[] {
  return [...h.operations.flatMap((op) => operationProblem(h, world, op)), ...strays(h, world)].map(([what, ...ids]) => ({
    invariant: 'I5',
    what,
    ids,
  }));
}
type Found = [what: string, ...ids: string[]];
/** When roles may have been read: milliseconds of the database's clock. */
interface Moment {
  from: number;
  to: number;
}

function operationProblem(h: History, world: World, op: OperationFact): Found[] {
  // What failed before it had an intent was refused, as it should be.
  const begun = world.steps(op.id).filter((step) => step.state !== 'skipped' && !(step.state === 'failed' && step.intent === null));
  const job = h.jobs.find((j) => j.name === op.job);
  if (begun.length === 0 || !job) return [];
  const to = Math.min(...begun.map((step) => step.startedAt.getTime()));
  const at: Moment = { from: Math.max((op.startedAt ?? op.createdAt).getTime(), to - justBeforeMs), to };
  const name = `a ${op.kind} of ${op.job} was carried out`;
  const rights = new Set<Right>(neededRights(world, op, job));
  const verdicts = [...rights].map((right): Verdict => best(h, op.actor, right, job, at));
  if (verdicts.includes('no')) return [[`${name} for ${op.actor.name}, who was not allowed it (${[...rights].join(', ')})`, op.id]];
  if (!verdicts.includes('asks')) return [];
  if (op.breakGlass?.trim())
    return best(h, op.actor, 'break-glass', job, at) === 'yes' ? [] : [[`${name} by break-glass, without the right to`, op.id]];
  const approval = h.approvals.find((a) => a.operationId === op.id);
  const problem = approvalProblem(h, op, job, approval, at);
  return problem ? [[`${name}, and ${problem}`, op.id]] : [];
}

/** What an operation needs by what it does, whatever its row says; and what its row says. */
function neededRights(world: World, op: OperationFact, job: JobFact): Right[] {
  const { input } = op;
  const rights: Right[] = typeof input['right'] === 'string' ? [input['right'] as Right] : [];
  if (op.kind === 'restore' || input['noSavepoint'] === true) rights.push('rewind');
  else if (
    op.kind === 'start' &&
    input['fresh'] === true &&
    world.trueRuns.some((run) => run.job === job.name && run.cameUp && before(run, op, world))
  )
    rights.push('rewind');
  else if (op.kind === 'build' || input['build'] === true) rights.push('change');
  else rights.push('operate');
  // A first start needs `change`, which on-call does not have; whoever may change may operate.
  return rights;
}
function before(run: { order: number; operation: OperationFact | undefined }, op: OperationFact, world: World): boolean {
  const own = world.startedBy(op.id)[0];
  return run.operation?.id !== op.id && (own === undefined || run.order < own.order);
}

/** The best verdict at any moment in which the roles may have been read. */
function best(h: History, ref: PersonRef, right: Right, job: JobFact, at: Moment): Verdict {
  const scope = { team: job.team, environment: job.environment };
  const verdicts = personsAt(h, ref, at).map((person) => decide(person, right, scope));
  return verdicts.includes('yes') ? 'yes' : verdicts.includes('asks') ? 'asks' : 'no';
}
function personsAt(h: History, ref: PersonRef, at: Moment): (Person | undefined)[] {
  const mine = h.people.filter((entry) => samePerson(entry.person.ref, ref));
  return mine
    .filter((entry, i) => {
      const until = mine[i + 1]?.at.getTime() ?? Number.POSITIVE_INFINITY;
      return entry.at.getTime() <= at.to && until > at.from;
    })
    .map((entry) => entry.person);
}

function approvalProblem(h: History, op: OperationFact, job: JobFact, approval: ApprovalFact | undefined, at: Moment): string | undefined {
  if (approval?.state !== 'approved' || !approval.decidedBy || !approval.decidedAt) return 'nobody had approved it';
  if (approval.planHash !== op.planHash) return 'another plan had been approved';
  if (samePerson(approval.decidedBy, op.actor)) return 'the person who asked had approved it';
  if (approval.decidedAt.getTime() > at.to) return 'it was approved afterwards';
  if (approval.decidedAt > approval.expiresAt) return 'the approval came too late';
  if (best(h, approval.decidedBy, 'approve', job, at) !== 'yes') return `${approval.decidedBy.name}, who had approved it, was no lead then`;
  return undefined;
}

/** Savepoints and cancels on a cluster that no operation had in mind. */
function strays(h: History, world: World): Found[] {
  const found: Found[] = [];
  const triggers = new Set(h.steps.map((step) => step.intent?.['triggerId']));
  const targets = new Set(
    h.operations.filter((op) => ['stop', 'restart', 'restore'].includes(op.kind)).map((op) => world.target(op.id)?.jobId),
  );
  for (const run of world.trueRuns) {
    if (run.outside) continue;
    for (const point of run.points)
      if (point.triggerId !== undefined && !triggers.has(point.triggerId))
        found.push([`a savepoint of ${run.jobName} was taken that no operation asked for`, run.jobId, point.triggerId]);
    const undone = run.operation?.state === 'failed' || run.operation?.state === 'canceled' || run.operation?.finishedAt === null;
    if (run.end?.how === 'CANCELED' && !targets.has(run.jobId) && !undone)
      found.push([`${run.jobName} was canceled, and no operation asked for it`, run.jobId]);
  }
  return found;
}
