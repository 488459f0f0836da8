import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { execute } from '../../src/operations/execute.ts';
import { findOperation, holderOf, requestCancel } from '../../src/operations/operations.store.ts';
import { ann, createRig, lee, type Rig, until } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

describe('a cancel', () => {
  const cancel = (rig: Rig, id: string) => rig.database.transaction((tx) => requestCancel(tx, id, lee));

  it('aborts a step that cancels at once', async (t) => {
    const rig = await createRig(t);
    const later: string[] = [];
    const kind = kindOf([
      step('one', {
        cancel: 'at-once',
        act: (c) =>
          new Promise((_, reject) => {
            c.signal.addEventListener('abort', () => reject(c.signal.reason));
          }),
      }),
      step('two', { act: async () => ({ n: later.push('two') }) }),
    ]);
    const op = await rig.accept(kind);
    const execution = await rig.claim([kind]);
    const ended = execute(rig.services, execution, () => {});
    await until(async () => execution.onCancel);
    assert.equal(await cancel(rig, op.id), true);
    assert.equal(await cancel(rig, op.id), false, 'once');
    execution.op = { ...execution.op, ...(await findOperation(rig.database.db, op.id)) };
    execution.onCancel?.();
    await ended;
    const done = await findOperation(rig.database.db, op.id);
    assert.equal(done?.state, 'canceled');
    assert.deepEqual(later, []);
    assert.match(await rig.said(op), /^Canceled: starting etl-orders\nCanceled by @lee\./);
  });

  it('lets a step that finishes first come to its end, then stops', async (t) => {
    const rig = await createRig(t);
    const acted: string[] = [];
    const kind = kindOf([
      step('one', {
        async act(c) {
          await cancel(rig, c.op.id);
          acted.push('one');
          return {};
        },
      }),
      step('two', { cancel: 'at-once', act: async () => ({ n: acted.push('two') }) }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'canceled');
    assert.deepEqual(acted, ['one']);
    assert.equal((await rig.steps(op))['one'], 'done');
  });

  it('does not tear apart steps that belong together: what finish-first began is finished', async (t) => {
    const rig = await createRig(t);
    const acted: string[] = [];
    const kind = kindOf([
      step('one', {
        async act(c) {
          await cancel(rig, c.op.id);
          return { n: acted.push('one') };
        },
      }),
      step('left-out', { when: () => false }),
      step('two', { act: async () => ({ n: acted.push('two') }) }),
    ]);
    await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded', 'too late to cancel anything');
    assert.deepEqual(acted, ['one', 'two']);
  });

  it('undoes what a compensating step did, and says what', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf(
      [
        step('one', {
          cancel: 'compensate',
          async act(c) {
            await cancel(rig, c.op.id);
            return { made: 'x' };
          },
        }),
        step('two'),
      ],
      { undo: [step('undo', { act: async (c) => ({ said: `${String(c.results['one']?.['made'])} was taken away again.` }) })] },
    );
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'canceled');
    assert.match(await rig.said(op), /x was taken away again\./);
  });

  it('before anything began does nothing at all', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one', { act: async () => assert.fail('canceled before') })]);
    const op = await rig.accept(kind);
    await cancel(rig, op.id);
    assert.equal((await rig.carryOut([kind])).state, 'canceled');
    assert.deepEqual(await rig.steps(op), {});
  });
});

describe('a failure', () => {
  it('says what was wrong and the next step, keeps the report, and frees the job', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([
      step('one', { act: async () => Promise.reject(new UserError('No such class.', { hint: 'Look at main-class.' })) }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    const said = await rig.said(op);
    assert.match(said, /^Failed: starting etl-orders\nNo such class\.\nLook at main-class\./);
    assert.equal((await rig.steps(op))['one'], 'failed');
    const next = await rig.accept(kind);
    assert.equal(next.holds, true);
  });

  it('that nobody foresaw shows a reference, not a stack trace', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one', { act: async () => Promise.reject(new TypeError('x is not a function')) })]);
    const op = await rig.accept(kind);
    await rig.carryOut([kind]);
    const said = await rig.said(op);
    assert.match(said, /err_[a-z0-9]{12}/);
    assert.doesNotMatch(said, /not a function|\.ts:/);
  });
});

describe('holding a job', () => {
  it('begins with the first step that needs it; the loser is told and nothing of it is done', async (t) => {
    const rig = await createRig(t);
    const acted: string[] = [];
    const building = kindOf([
      step('build-compile', { holds: false, act: async () => ({ n: acted.push('built') }) }),
      step('two', { act: async () => ({ n: acted.push('two') }) }),
    ]);
    const other = kindOf([step('three')], { kind: 'stop' });
    const first = await rig.accept(building, { input: { build: true, right: 'change' } });
    const holder = await rig.accept(other, { actor: ann });
    const lost = await rig.carryOut([building]);
    assert.equal(lost.id, first.id);
    assert.equal(lost.state, 'failed');
    assert.deepEqual(acted, ['built']);
    assert.match(await rig.said(first), /etl-orders is busy: ann asked for a stop/);
    assert.equal((await holderOf(rig.database.db, 'etl-orders'))?.id, holder.id);
  });
});

it('leaves out steps whose condition says no', async (t) => {
  const rig = await createRig(t);
  const kind = kindOf([step('one', { when: () => false, act: async () => assert.fail('left out') }), step('two')]);
  const op = await rig.accept(kind);
  await rig.carryOut([kind]);
  assert.deepEqual(await rig.steps(op), { one: 'skipped', two: 'done' });
  assert.doesNotMatch(await rig.said(op), /Do one/);
});
