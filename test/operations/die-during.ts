import assert from 'node:assert/strict';
import { moveClock } from '../../src/db/clock.ts';
import { execute } from '../../src/operations/execute.ts';
import type { Rig } from './rig.ts';

/** Dies at a point of its own choosing: everything after that point does not happen, and the lease runs out. */
export async function dieDuring(
  rig: Rig,
  kinds: Parameters<Rig['claim']>[0],
  owner: string,
  die: (stop: () => never) => void,
): Promise<void> {
  const execution = await rig.claim(kinds, owner);
  die(() => {
    execution.abort.abort(new Error('the process died'));
    throw new Error('the process died');
  });
  await assert.rejects(
    execute(rig.services, execution, () => {}),
    /the process died/,
  );
  await moveClock(rig.database.db, 16_000);
}
