import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import { findOperation, holderOf, listSteps, unpark } from '../../src/operations/operations.store.ts';
import type { Json, StepContext } from '../../src/operations/types.ts';
import { noAnswer, refusedConnection } from '../helpers/fake-deployer.ts';
import { dieDuring } from './die-during.ts';
import { createRig } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

describe('a step', () => {
  it('has its intent stored before the effect and its result after', async (t) => {
    const rig = await createRig(t);
    const seenDuring: unknown[] = [];
    const look = async (c: StepContext) => {
      const [row] = await listSteps(c.services.database.db, c.op.id);
      seenDuring.push({
        state: row?.state,
        intent: row?.intent,
        result: row?.result,
        step: (await findOperation(rig.database.db, c.op.id))?.step,
      });
    };
    const kind = kindOf([
      step('one', {
        prepare: async () => ({ id: 'chosen' }),
        async act(c, intent) {
          await look(c);
          return { did: intent['id'] };
        },
        record: async (_tx, _c, _intent, result) => ({ recorded: result['did'] }),
      }),
      step('two', { act: async (c) => ({ before: c.results['one'] }) }),
    ]);
    const op = await rig.accept(kind);
    const done = await rig.carryOut([kind]);
    assert.deepEqual(seenDuring, [{ state: 'running', intent: { id: 'chosen' }, result: null, step: 'one' }]);
    assert.equal(done.state, 'succeeded');
    const [one, two] = await listSteps(rig.database.db, op.id);
    assert.deepEqual([one?.state, one?.result], ['done', { did: 'chosen', recorded: 'chosen' }]);
    assert.deepEqual(two?.result, { before: { did: 'chosen', recorded: 'chosen' } });
    assert.match(await rig.said(op), /^all done/);
    assert.equal(await holderOf(rig.database.db, 'etl-orders'), undefined);
  });

  it('whose process died after the effect is adopted: observed, not repeated', async (t) => {
    const rig = await createRig(t);
    const acts: Json[] = [];
    const observed: Json[] = [];
    let die: () => void = () => {};
    const kind = kindOf([
      step('one', {
        prepare: async () => ({ id: `chosen-${acts.length}` }),
        async observe(_c, intent) {
          observed.push(intent);
          return acts.some((a) => a['id'] === intent['id']) ? { is: 'done', result: { adopted: true } } : { is: 'not-done' };
        },
        async act(_c, intent) {
          acts.push(intent);
          die();
          return { adopted: false };
        },
      }),
    ]);
    const op = await rig.accept(kind);
    await dieDuring(rig, [kind], 'a:1:1', (stop) => {
      die = stop;
    });
    assert.equal((await findOperation(rig.database.db, op.id))?.state, 'running', 'nothing was written on the way down');
    die = () => {};
    const done = await rig.carryOut([kind], 'b:1:1');
    assert.equal(done.state, 'succeeded');
    assert.deepEqual(acts, [{ id: 'chosen-0' }], 'acted once');
    assert.deepEqual(observed, [{ id: 'chosen-0' }], 'under the id that was chosen before');
    assert.deepEqual((await listSteps(rig.database.db, op.id))[0]?.result, { adopted: true });
    assert.equal((await listSteps(rig.database.db, op.id))[0]?.crashes, 1);
  });

  it('whose process died before the effect is done once, under the same id', async (t) => {
    const rig = await createRig(t);
    const acts: Json[] = [];
    let die: () => void = () => {};
    let prepared = 0;
    const kind = kindOf([
      step('one', {
        prepare: async () => ({ n: ++prepared }),
        observe: async () => ({ is: 'not-done' }),
        async act(_c, intent) {
          die();
          acts.push(intent);
          return {};
        },
      }),
    ]);
    await rig.accept(kind);
    await dieDuring(rig, [kind], 'a:1:1', (stop) => {
      die = stop;
    });
    die = () => {};
    await rig.carryOut([kind], 'b:1:1');
    assert.deepEqual(acts, [{ n: 1 }]);
  });

  it('that is done is not done again by the next owner', async (t) => {
    const rig = await createRig(t);
    const acted: string[] = [];
    let die: () => void = () => {};
    const kind = kindOf([
      step('one', { act: async () => ({ n: acted.push('one') }) }),
      step('two', {
        async act(c) {
          die();
          acted.push(`two after ${JSON.stringify(c.results['one'])}`);
          return {};
        },
      }),
    ]);
    await rig.accept(kind);
    await dieDuring(rig, [kind], 'a:1:1', (stop) => {
      die = stop;
    });
    die = () => {};
    await rig.carryOut([kind], 'b:1:1');
    assert.deepEqual(acted, ['one', 'two after {"n":1}']);
  });
});

describe('cannot tell', () => {
  for (const how of ['observe says unknown', 'every call is unanswered'] as const)
    it(`parks at the deadline when ${how}; never failed, never done again`, async (t) => {
      const rig = await createRig(t);
      let acts = 0;
      let undone = 0;
      const kind = kindOf(
        [
          step('one', {
            deadlineMs: 700,
            async observe() {
              if (how === 'every call is unanswered') throw noAnswer();
              return { is: 'unknown', why: 'standalone is silent' };
            },
            async act() {
              acts++;
              throw noAnswer();
            },
          }),
        ],
        { undo: [step('undo', { act: async () => ({ said: String(++undone) }) })] },
      );
      const op = await rig.accept(kind);
      const parked = await rig.carryOut([kind]);
      assert.equal(parked.state, 'parked');
      assert.equal(acts, 1);
      assert.equal(undone, 0, 'what may have happened is not undone');
      assert.equal((await holderOf(rig.database.db, 'etl-orders'))?.id, op.id, 'the job stays reserved');
      const said = await rig.said(op);
      assert.match(said, /^Parked: starting etl-orders/);
      assert.match(said, /\[Try again\] \[Give up\]/);
      assert.equal((await listSteps(rig.database.db, op.id))[0]?.state, 'running', 'it is still open');
    });

  it('parks also when a step only looks, and the cluster does not answer for its whole time', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one', { deadlineMs: 700, act: async () => Promise.reject(noAnswer()) })]);
    await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
  });

  it('just fails a step that changes nothing outside', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one', { cancel: 'at-once', deadlineMs: 700, act: async () => Promise.reject(noAnswer()) })]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    assert.match(await rig.said(op), /standalone gave no answer/);
  });

  it('goes on when the answer comes, without acting twice', async (t) => {
    const rig = await createRig(t);
    const answers = [{ is: 'unknown', why: 'silent' } as const, { is: 'done', result: { late: true } } as const];
    let acts = 0;
    const kind = kindOf([
      step('one', {
        observe: async () => answers.shift()!,
        async act() {
          acts++;
          throw noAnswer();
        },
      }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
    assert.equal(acts, 1);
    assert.deepEqual((await listSteps(rig.database.db, op.id))[0]?.result, { late: true });
  });

  it('a parked operation that a person sends on observes first', async (t) => {
    const rig = await createRig(t);
    let there = false;
    let acts = 0;
    const kind = kindOf([
      step('one', {
        deadlineMs: 600,
        observe: async () => (there ? { is: 'done', result: {} } : { is: 'unknown', why: 'silent' }),
        async act() {
          acts++;
          throw noAnswer();
        },
      }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
    there = true;
    assert.equal(await rig.database.transaction((tx) => unpark(tx, op.id)), true);
    assert.equal(await rig.database.transaction((tx) => unpark(tx, op.id)), false);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
    assert.equal(acts, 1);
  });
});

describe('a refused connection', () => {
  it('fails cleanly with nothing done once 30 s are over', async (t) => {
    const rig = await createRig(t);
    let acts = 0;
    const kind = kindOf([
      step('one', {
        deadlineMs: 600_000,
        observe: async () => assert.fail('nothing was sent, so there is nothing to observe'),
        async act() {
          if (++acts === 2) await moveClock(rig.database.db, 31_000);
          throw refusedConnection();
        },
      }),
    ]);
    const op = await rig.accept(kind);
    const done = await rig.carryOut([kind]);
    assert.equal(done.state, 'failed');
    assert.equal(acts, 2, 'it was tried again while a JobManager may restart');
    assert.match(await rig.said(op), /standalone refused the connection/);
    assert.equal(await holderOf(rig.database.db, 'etl-orders'), undefined);
  });

  it('that follows an unanswered call does not count as nothing done', async (t) => {
    const rig = await createRig(t);
    let acts = 0;
    const kind = kindOf([
      step('one', {
        deadlineMs: 1200,
        observe: async () => Promise.reject(refusedConnection()),
        async act() {
          acts++;
          throw noAnswer();
        },
      }),
    ]);
    await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
    assert.equal(acts, 1);
  });
});
