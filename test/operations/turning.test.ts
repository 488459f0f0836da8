import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { putPerson } from '../../src/access/people.store.ts';
import { UserError } from '../../src/core/errors.ts';
import { moveClock } from '../../src/db/clock.ts';
import { eq } from '../../src/db/query.ts';
import { operations } from '../../src/db/schema/index.ts';
import { execute } from '../../src/operations/execute.ts';
import { claim, FencedError, guarded, holderOf, listSteps, requestCancel, unpark } from '../../src/operations/operations.store.ts';
import { ann, createRig, lee, type Rig } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

/** Plays until a named point, where the process dies; the lease runs out. */
async function dieAt(rig: Rig, kinds: Parameters<Rig['claim']>[0], owner: string, point: string): Promise<void> {
  const execution = await rig.claim(kinds, owner);
  const services = {
    ...rig.services,
    async onPoint(at: string) {
      if (at !== point) return;
      execution.abort.abort(new Error('the process died'));
      throw new Error('the process died');
    },
  };
  await assert.rejects(
    execute(services, execution, () => {}),
    /the process died/,
  );
  await moveClock(rig.database.db, 16_000);
}

describe('an operation that failed', () => {
  it('only goes back, also when its process dies while it does, and says the same in the end', async (t) => {
    const rig = await createRig(t);
    const did: string[] = [];
    const kind = kindOf(
      [
        step('one', { act: async () => ({ n: did.push('one') }) }),
        step('two', {
          async act() {
            did.push('two');
            throw new UserError('No such class.', { hint: 'Look at main-class.' });
          },
        }),
        step('three', { act: async () => ({ n: did.push('three') }) }),
      ],
      { undo: [step('undo', { act: async () => ({ n: did.push('undo'), said: 'It was taken away again.' }) })] },
    );
    const op = await rig.accept(kind);
    await dieAt(rig, [kind], 'a:1:1', 'start/undo/after-intent');
    assert.equal((await rig.carryOut([kind], 'b:1:1')).state, 'failed');
    assert.deepEqual(did, ['one', 'two', 'undo']);
    assert.match(await rig.said(op), /No such class\.\nLook at main-class\.\nIt was taken away again\./);
    assert.deepEqual(await rig.steps(op), { one: 'done', two: 'failed', undo: 'done' });
  });

  it('and cannot be undone is given to a person, the job still reserved', async (t) => {
    const rig = await createRig(t);
    const refuses = async () => Promise.reject(new UserError('It will not go.'));
    const kind = kindOf([step('one', { act: refuses })], { undo: [step('undo', { act: refuses })] });
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
    assert.match(await rig.said(op), /"Do undo" failed: It will not go\./);
    assert.equal((await holderOf(rig.database.db, 'etl-orders'))?.id, op.id);
  });
});

describe('a cancel', () => {
  it('waits for a stop that has begun, also when its process died in it', async (t) => {
    const rig = await createRig(t);
    let made = 0;
    const kind = kindOf([
      step('one', { cancel: 'at-once' }),
      step('stop', {
        observe: async () => (made > 0 ? { is: 'done', result: { path: 'kept' } } : { is: 'not-done' }),
        act: async () => ({ n: ++made }),
      }),
      step('three', { cancel: 'at-once', act: async () => assert.fail('canceled before') }),
    ]);
    const op = await rig.accept(kind);
    await dieAt(rig, [kind], 'a:1:1', 'start/stop/after-effect');
    await rig.database.transaction((tx) => requestCancel(tx, op.id, lee));
    assert.equal((await rig.carryOut([kind], 'b:1:1')).state, 'canceled');
    assert.equal(made, 1);
    assert.deepEqual((await listSteps(rig.database.db, op.id)).find((row) => row.name === 'stop')?.result, { path: 'kept' });
  });
});

describe('a fault of Sluice itself', () => {
  it('in a step that may have acted is looked at, not repeated', async (t) => {
    const rig = await createRig(t);
    let acts = 0;
    const kind = kindOf([
      step('one', {
        observe: async () => ({ is: 'done', result: { seen: true } }),
        async act() {
          acts++;
          throw new TypeError('x is not a function');
        },
      }),
    ]);
    await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
    assert.equal(acts, 1);
  });

  it('that comes back again and again is given to a person, with a reference', async (t) => {
    const rig = await createRig(t);
    let acts = 0;
    const kind = kindOf([
      step('one', {
        observe: async () => ({ is: 'not-done' }),
        async act() {
          acts++;
          throw new TypeError('x is not a function');
        },
      }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
    assert.equal(acts, 3);
    assert.match(await rig.said(op), /again and again[\s\S]*err_[a-z0-9]{12}/);
  });

  it('in the last words leaves plain ones: what was done is told all the same', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one')], { succeeded: async () => Promise.reject(new TypeError('no words')) });
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
    assert.match(await rig.said(op), /^Done: starting etl-orders/);
  });

  it('between two steps counts like a death', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one'), step('two')]);
    const op = await rig.accept(kind);
    const services = { ...rig.services, onPoint: async () => Promise.reject(new Error('planted')) };
    for (const owner of ['a:1:1', 'b:1:1', 'c:1:1']) {
      await assert.rejects(
        execute(services, await rig.claim([kind], owner), () => {}),
        /planted/,
      );
      await moveClock(rig.database.db, 16_000);
    }
    assert.equal((await rig.carryOut([kind], 'd:1:1')).state, 'parked');
    assert.match(await rig.said(op), /died or failed \d times/);
  });
});

describe('rights', () => {
  it('are looked at again when the job is taken after a build', async (t) => {
    const rig = await createRig(t);
    const did: string[] = [];
    const kind = kindOf([
      step('build-compile', {
        holds: false,
        async act() {
          await rig.database.transaction((tx) => putPerson(tx, { ...ann, memberships: [] }));
          return { n: did.push('built') };
        },
      }),
      step('two', { act: async () => ({ n: did.push('two') }) }),
    ]);
    const op = await rig.accept(kind, { input: { build: true, right: 'change' } });
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    assert.deepEqual(did, ['built']);
    assert.match(await rig.said(op), /ann may no longer do this/);
  });

  it('are looked at again when a parked operation is sent on, as long as nothing outside was touched', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([
      step('look', { cancel: 'at-once' }),
      step('two', { act: async () => assert.fail('ann may not do this any more') }),
    ]);
    const op = await rig.accept(kind);
    for (const owner of ['a:1:1', 'b:1:1', 'c:1:1']) await dieAt(rig, [kind], owner, 'start/two/before-intent');
    assert.equal((await rig.carryOut([kind], 'd:1:1')).state, 'parked');
    await rig.database.transaction(async (tx) => {
      await putPerson(tx, { ...ann, memberships: [] });
      await unpark(tx, op.id);
    });
    assert.equal((await rig.carryOut([kind], 'e:1:1')).state, 'failed');
    assert.match(await rig.said(op), /ann may no longer do this/);
  });
});

describe('an owner', () => {
  it('that stood still between its claim and the reading of the row takes nothing: the epoch is another one by then', async (t) => {
    const rig = await createRig(t);
    const op = await rig.accept(kindOf([step('one')]));
    const { db } = rig.database;
    const slow = new Proxy(db, {
      get(target, name, self) {
        if (name !== 'execute') return Reflect.get(target, name, self);
        return async (query: Parameters<typeof db.execute>[0]) => {
          const result = await target.execute(query);
          await target.update(operations).set({ epoch: 9, owner: 'b:1:1' }).where(eq(operations.id, op.id));
          return result;
        };
      },
    });
    assert.equal(await claim(slow, 'a:1:1', ['start'], ['one'], []), undefined);
  });

  it('of an operation that was given up meanwhile writes nothing more', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one')]);
    await rig.accept(kind);
    const { op } = await rig.claim([kind]);
    await rig.database.db.update(operations).set({ state: 'canceled' }).where(eq(operations.id, op.id));
    await assert.rejects(
      guarded(rig.database, op, async () => assert.fail('it is over')),
      FencedError,
    );
  });
});
