import type { TruthEvent, TruthFact } from '../truth.ts';
import { auditHash } from './check-audit.ts';
import type { History, Invariant, OperationFact } from './history.ts';

/** One way to spoil a good history. */
export interface Mutation {
  invariant: Invariant;
  name: string;
  /** Concerns what a lead has to approve. */
  approvals?: true;
  /** Spoils it; false where the history has nothing of that kind. */
  plant(h: History): boolean;
}

export const last = (h: History, test: (op: OperationFact) => boolean) => h.operations.findLast(test);
export const ended = (kind: string) => (op: OperationFact) => op.kind === kind && op.state === 'succeeded';
export const startsJob = (op: OperationFact) => ['start', 'restart', 'restore'].includes(op.kind) && op.state === 'succeeded';
export function truth(h: History): TruthEvent[] {
  return [...(h.clusters[0]?.truth ?? [])];
}
export function setTruth(h: History, events: TruthEvent[]): true {
  const [first] = h.clusters;
  if (first) first.truth = events;
  return true;
}
/** Something more happened, at the very end. */
export function append(h: History, ...facts: TruthFact[]): true {
  const events = truth(h);
  for (const fact of facts) events.push({ seq: events.length + 1, at: h.now.getTime() + events.length, ...fact });
  return setTruth(h, events);
}
/** Changes the event that a test finds; from the end. */
export function changeEvent(h: History, test: (event: TruthEvent) => boolean, change: object): boolean {
  const events = truth(h);
  const at = events.findLastIndex(test);
  const event = events[at];
  if (!event) return false;
  events[at] = { ...event, ...change };
  return setTruth(h, events);
}
export function remove<T>(list: T[], test: (item: T) => boolean): boolean {
  const at = list.findLastIndex(test);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}
export function change<T extends object>(item: T | undefined, with_: Partial<T>): boolean {
  if (item) Object.assign(item, with_);
  return item !== undefined;
}
export const liveRun = (h: History) => h.runs.find((run) => !run.ended);
export const approved = (h: History) => h.approvals.findLast((a) => a.state === 'approved');
/** The post of an operation that is over. */
export const postOf = (h: History, op: OperationFact | undefined) => h.posts.find((post) => op && post.outboxId === op.messageId);
/** The hashes after a row that was changed by somebody who knows how. */
export function rechain(h: History, from: number): void {
  for (const [i, row] of h.audit.entries()) {
    if (i < from) continue;
    row.previousHash = h.audit[i - 1]?.hash ?? '';
    row.hash = auditHash(row);
  }
}

/** Whether a run's operation names where it begins. */
export function named(h: History, jobId: string): boolean {
  const run = h.runs.find((r) => r.flinkJobId === jobId);
  return h.operations.some((op) => op.id === run?.operationId && op.kind === 'restore');
}
