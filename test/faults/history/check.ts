import { checkAudit } from './check-audit.ts';
import { checkLeftovers } from './check-leftovers.ts';
import { checkMessages } from './check-messages.ts';
import { checkOwned } from './check-owned.ts';
import { checkRights } from './check-rights.ts';
import { checkRuns } from './check-runs.ts';
import { checkState } from './check-state.ts';
import type { History, Violation } from './history.ts';
import { worldOf } from './world.ts';

/** Everything in a history that must never be so (I1 to I8); none after a run in which all went well, whatever was broken on the way. Pure. */
export function checkHistory(history: History): Violation[] {
  const world = worldOf(history);
  return [
    ...checkOwned(history, world),
    ...checkRuns(history, world),
    ...checkMessages(history, world),
    ...checkRights(history, world),
    ...checkAudit(history),
    ...checkLeftovers(history, world),
    ...checkState(history, world),
  ];
}
