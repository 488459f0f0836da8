import type { History, OperationFact, Violation } from './history.ts';
import { isOver, type World } from './world.ts';

/** I1: every accepted operation is over, owned, or parked with an incident; what was accepted is there; and no job is down without anybody being told. */
export function checkOwned(h: History, world: World): Violation[] {
  return [...h.operations.flatMap((op) => ownedProblem(h, world, op)), ...accepted(h), ...unnoticed(h, world)].map(([what, ...ids]) => ({
    invariant: 'I1',
    what,
    ids,
  }));
}
type Found = [what: string, ...ids: string[]];

function ownedProblem(h: History, world: World, op: OperationFact): Found[] {
  const name = `the ${op.kind} of ${op.job}`;
  if (isOver(op)) {
    if (op.finishedAt && op.outcome) return [];
    return [[`${name} is ${op.state} without ${op.outcome ? 'an end' : 'anything to say'}`, op.id]];
  }
  if (op.state === 'running') {
    if (op.owner && op.leaseUntil && (op.leaseUntil > h.now || world.recent(op.leaseUntil))) return [];
    return [[`${name} is running, and nobody ${op.owner ? 'has renewed its lease' : 'owns it'}`, op.id]];
  }
  if (op.state === 'parked') {
    const told = world.firing((incident) => incident.cause === 'parked' && incident.key.includes(op.id));
    return told ? [] : [[`${name} is parked, and no incident tells of it`, op.id]];
  }
  if (op.state === 'waiting') {
    const approval = h.approvals.find((a) => a.operationId === op.id);
    if (approval?.state === 'pending' && (approval.expiresAt > h.now || world.recent(approval.expiresAt))) return [];
    return [
      [
        `${name} waits for an approval that is ${approval ? (approval.state === 'pending' ? 'too late' : approval.state) : 'nowhere'}`,
        op.id,
      ],
    ];
  }
  return world.recent(lastTouched(h, op)) ? [] : [[`${name} is queued, and nobody takes it`, op.id]];
}
/** When somebody last sent it on. */
function lastTouched(h: History, op: OperationFact): Date {
  const times = h.audit.filter((row) => row.details['operation'] === op.id).map((row) => row.at);
  return new Date(Math.max(op.createdAt.getTime(), ...times.map((at) => at.getTime())));
}

const acceptedActions = ['operation.accepted', 'operation.requested'];
/** An operation, its message and its audit row are one transaction; what people read of an operation exists. */
function accepted(h: History): Found[] {
  const found: Found[] = [];
  const known = new Set(h.operations.map((op) => op.id));
  const messages = new Set(h.outbox.map((row) => row.id));
  const audited = new Set(h.audit.filter((row) => acceptedActions.includes(row.action)).map((row) => String(row.details['operation'])));
  for (const op of h.operations) {
    if (!audited.has(op.id)) found.push([`the ${op.kind} of ${op.job} was accepted without an audit row`, op.id]);
    if (!messages.has(op.messageId)) found.push([`the ${op.kind} of ${op.job} was accepted without a message`, op.id]);
  }
  for (const id of audited) if (!known.has(id)) found.push(['an operation was accepted, by the audit, and is not there', id]);
  const read = new Set(h.posts.flatMap((post) => post.text.match(/\bop_[0-9a-z]{12}\b/g) ?? []));
  for (const id of read) if (!known.has(id)) found.push(['people read of an operation that is not there', id]);
  const byKey = Map.groupBy(h.operations, (op) => op.idemKey);
  for (const [key, same] of byKey)
    if (same.length > 1) found.push([`one request (${key}) became ${same.length} operations`, ...same.map((op) => op.id)]);
  return found;
}

/** A job that Sluice believes to run and that does not, or that ended by itself: somebody has to know. */
function unnoticed(h: History, world: World): Found[] {
  const found: Found[] = [];
  const streaming = new Set(h.jobs.filter((job) => job.mode === 'streaming').map((job) => job.name));
  for (const run of h.runs) {
    if (world.busy(run.job)) continue;
    const truth = world.find(run.cluster, run.flinkJobId);
    // An incident about an earlier run tells nothing of this one.
    const told = world.firing(
      (i) => i.runId === run.id || (i.job === run.job && i.cause === 'parked') || (i.job === null && i.cluster === run.cluster),
    );
    if (!run.ended) {
      if (!world.isKnown(run.cluster)) continue;
      if (told || (truth && !truth.end)) continue;
      if (truth?.end ? world.recentTruth(truth.end.at) : world.recent(run.startedAt)) continue;
      found.push([`${run.job} is believed to run and is down, and nobody was told`, run.id, run.flinkJobId]);
      continue;
    }
    const own = run.endReason === 'stopped' || run.endReason === 'never-started' || run.endReason === null;
    if (own || (run.endReason === 'finished' && !streaming.has(run.job))) continue;
    const later = h.runs.some((other) => other.job === run.job && other.startedAt > run.startedAt && other.runningAt !== null);
    const incident = h.incidents.some((i) => i.runId === run.id || (i.job === run.job && run.endedAt && i.lastSeen >= run.endedAt));
    if (later || incident || (run.endedAt && world.recent(run.endedAt))) continue;
    // Break-glass: a person said that it is gone.
    if (h.audit.some((row) => row.action === 'run.assumed-gone' && row.details['run'] === run.id)) continue;
    found.push([`${run.job} ended (${run.endReason}), and nobody was told`, run.id]);
  }
  return found;
}
