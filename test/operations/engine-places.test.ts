import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createJob, findJob } from '../../src/jobs/jobs.store.ts';
import { startEngine } from '../../src/operations/engine.ts';
import { claim, findOperation, listSteps, renew } from '../../src/operations/operations.store.ts';
import { ann, createRig, definition, type Rig, until } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

const state = async (rig: Rig, id: string) => (await findOperation(rig.database.db, id))?.state;

it('one cluster that is frozen leaves places for the others', async (t) => {
  const rig = await createRig(t);
  await rig.database.transaction((tx) =>
    createJob(tx, {
      name: 'healthy',
      team: 'etl',
      kind: 'jar',
      mode: 'streaming',
      project: null,
      definition: { ...definition, cluster: 'other' },
      origin: 'form',
      createdBy: ann,
    }),
  );
  const thaw = Promise.withResolvers<void>();
  let atWork = 0;
  let most = 0;
  const kind = kindOf([
    step('one', {
      holds: false,
      act: async (c) => {
        if (c.op.job === 'healthy') return {};
        most = Math.max(most, ++atWork);
        await thaw.promise;
        atWork--;
        return {};
      },
    }),
  ]);
  const slow = [];
  for (let n = 0; n < 6; n++) slow.push(await rig.accept(kind));
  const fast = await rig.accept(kind, { job: (await findJob(rig.database.db, 'healthy'))! });
  const engine = await startEngine({ services: rig.services, kinds: [kind], concurrent: 6, perCluster: 4 });
  t.after(() => engine.stop());
  t.after(() => thaw.resolve());
  await until(async () => (await state(rig, fast.id)) === 'succeeded');
  await until(async () => atWork === 4);
  assert.equal(engine.active().length, 4);
  thaw.resolve();
  for (const op of slow) await until(async () => (await state(rig, op.id)) === 'succeeded');
  assert.equal(most, 4);
});

it('claims nothing more once it stops, and gives back what does not heed it', async (t) => {
  const rig = await createRig(t);
  const thaw = Promise.withResolvers<void>();
  t.after(() => thaw.resolve());
  const kind = kindOf([step('one', { holds: false, act: () => thaw.promise.then(() => ({})) })]);
  const deaf = await rig.accept(kind);
  const engine = await startEngine({ services: rig.services, kinds: [kind], drainMs: 200 });
  await until(async () => (await listSteps(rig.database.db, deaf.id)).length === 1);
  const held = (await findOperation(rig.database.db, deaf.id))!;
  const stopped = engine.stop();
  const late = await rig.accept(kind);
  engine.wake();
  await stopped;
  assert.equal(await state(rig, late.id), 'queued');
  const free = await findOperation(rig.database.db, deaf.id);
  assert.deepEqual([free?.state, free?.owner, free?.leaseUntil], ['running', null, null]);
  assert.equal(await renew(rig.database.db, held), undefined, 'what still works on it here is fenced');
  assert.equal((await claim(rig.database.db, 'next:1:1', ['start'], ['one'], []))?.crashed, false);
});
