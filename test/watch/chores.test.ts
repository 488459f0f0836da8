import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { moveClock } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { createChores } from '../../src/watch/chores.ts';
import { insertOp, openKeys, rig } from './rig.ts';

const minute = 60_000;
it('a lasting fault in one of them stops none of the others, and says which it is', async (t) => {
  const warned: Record<string, unknown>[] = [];
  const log = { ...silentLog, warn: (about: object) => void warned.push(about as Record<string, unknown>) };
  const base = await rig(t);
  Object.assign(base.deps, { log });
  await base.run();
  base.shows({ orders: ['RUNNING', 2] });
  base.deployer.always('rootCause', undefined);
  Object.assign(base.deps.incidents, { restartingForMs: minute });
  await base.poll(true);
  await insertOp(base, 'parked');
  await moveClock(base.database.db, 2 * minute);
  assert.deepEqual(await openKeys(base), [], 'it may pass by itself');
  // The first of them fails each time.
  await base.database.db.execute(sql`alter table approvals rename to approvals_away`);
  await createChores(base.deps).run();
  await base.database.db.execute(sql`alter table approvals_away rename to approvals`);
  assert.deepEqual(
    warned.map(({ task }) => task),
    ['expiry of approvals'],
  );
  assert.deepEqual((await openKeys(base)).sort(), ['job:orders:restarting', 'operation:op_stop:parked']);
  // Only that incidents were carried on counts for the dead-man switch.
  const failing = createChores(base.deps);
  const before = failing.carriedAgeMs();
  await base.database.db.execute(sql`alter table silences rename to silences_away`);
  await failing.run();
  assert.ok(failing.carriedAgeMs() > before);
  await base.database.db.execute(sql`alter table silences_away rename to silences`);
  await failing.run();
  assert.ok(warned.some(({ task }) => task === 'incidents'));
  assert.ok(failing.carriedAgeMs() < 1000);
});
