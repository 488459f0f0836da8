import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { forgetDeliveries } from '../access/deliveries.store.ts';
import { forgetSessions } from '../access/sign-in.store.ts';
import { sweepWorkspaces } from '../build/workspace.ts';
import type { Db } from '../db/db.ts';
import { activeOperations } from '../operations/operations.store.ts';
import { buildIdOf } from '../operations/steps/build-sources.ts';
import { forgetCheckpoints } from '../restore-points/checkpoints.store.ts';
import { forgetFlows } from './flow.store.ts';
import { forgetIncidents, forgetMessages } from './forget.store.ts';

/**
 * Forgets what is of no more use: answers to requests older than two days, ended sessions and links, checkpoints older than a month, messages
 * that nothing changes any more, incidents that were over long ago. One that fails
 * keeps no other from its turn.
 * @param keep how long incidents are kept once they are over, in ms.
 * @throws Error that names each that failed.
 */
export async function forgetOld(db: Db, keep: { incidentsMs: number }, signal?: AbortSignal): Promise<void> {
  const tasks = {
    deliveries: () => forgetDeliveries(db),
    sessions: () => forgetSessions(db),
    flows: () => forgetFlows(db),
    checkpoints: () => forgetCheckpoints(db, signal),
    messages: () => forgetMessages(db, signal),
    incidents: () => forgetIncidents(db, keep.incidentsMs, signal),
  };
  const failed: string[] = [];
  for (const [what, forget] of Object.entries(tasks))
    await forget().catch((error) => failed.push(`${what}: ${error instanceof Error ? error.message : String(error)}`));
  if (failed.length > 0) throw new Error(`Not all was forgotten: ${failed.join('; ')}`);
}

/** Removes the workspaces of builds that are over: a process that was fenced, or died on another host, does not come back for its own. */
export async function sweepBuilds(db: Db, workDir: string): Promise<void> {
  const root = join(workDir, 'workspaces');
  // Read before the operations: a build that is accepted in between is not in the list of folders.
  const there = await readdir(root).catch(() => []);
  if (there.length === 0) return;
  const live = new Set((await activeOperations(db)).map((op) => buildIdOf(op.id)));
  const over = new Set(there.filter((id) => !live.has(id)));
  await sweepWorkspaces(root, (id) => !over.has(id));
}
