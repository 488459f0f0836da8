import assert from 'node:assert/strict';
import { it } from 'node:test';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { createBlindness } from '../../src/watch/blind.ts';
import { rig } from './rig.ts';

it('a cluster whose polls end in a fault of Sluice is told after five, stays told while it answers, and is over with a poll that goes through', async (t) => {
  const r = await rig(t);
  await r.run();
  r.shows({ orders: ['RUNNING', 4] });
  const blindness = createBlindness(r.deps);
  const states = async () => (await listIncidents(r.database.db)).map((one) => [one.key, one.state]);
  for (let n = 0; n < 4; n++) await blindness.fault('standalone', new Error('no such column'));
  assert.deepEqual(await states(), []);
  for (let n = 0; n < 3; n++) {
    await blindness.fault('standalone', new Error('no such column'));
    // What the cluster answers is no proof that it is watched.
    await r.poll();
  }
  assert.deepEqual(await states(), [['cluster:standalone:blind', 'firing']]);
  const [told] = await listIncidents(r.database.db);
  assert.equal(told?.occurrences, 1);
  assert.match(
    await r.text(told?.messageId ?? null),
    /^standalone cannot be watched: every look ends in a fault of Sluice\n[\s\S]*What is not known since: orders/,
  );
  // Another process: what an earlier one has told is over too.
  await createBlindness(r.deps).well('standalone');
  assert.deepEqual(await states(), [['cluster:standalone:blind', 'resolved']]);
});
