import type { Database } from '../../db/db.ts';
import { findOperation, listSteps } from '../../operations/operations.store.ts';
import type { Operation, OperationStep } from '../../operations/types.ts';
import type { Table } from './report.ts';
import { formatSpread } from './stats.ts';

/** How long each part of an operation took, in its order, by its recorded times. */
export function stepTimes(
  op: Pick<Operation, 'createdAt' | 'startedAt' | 'finishedAt'>,
  steps: readonly Pick<OperationStep, 'name' | 'state' | 'startedAt' | 'doneAt'>[],
): { name: string; ms: number }[] {
  const parts: { name: string; ms: number }[] = [];
  let at = op.createdAt.getTime();
  const until = (name: string, end: Date | null) => {
    if (!end) return;
    parts.push({ name, ms: end.getTime() - at });
    at = end.getTime();
  };
  until('accepted, until claimed', op.startedAt);
  for (const step of steps) {
    if (step.state === 'skipped') continue;
    until(`before ${step.name}`, step.startedAt);
    until(step.name, step.doneAt);
  }
  until('end recorded', op.finishedAt);
  return parts;
}

/** The same part of several operations side by side: median and spread. */
export async function stepTable(what: string, records: Database, operationIds: readonly string[]): Promise<Table> {
  const parts = new Map<string, number[]>();
  for (const id of operationIds) {
    const op = await findOperation(records.db, id);
    if (!op) continue;
    for (const { name, ms } of stepTimes(op, await listSteps(records.db, id))) parts.set(name, [...(parts.get(name) ?? []), ms]);
  }
  return { head: [what, 'takes'], rows: [...parts].map(([name, all]) => [name, formatSpread(all)]) };
}
