import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { operationKinds } from '../../src/operations/kinds/index.ts';
import {
  type Answer,
  afterAnswer,
  type Move,
  maxCrashes,
  type Next,
  nextMove,
  type RowShape,
  type StepShape,
  type Trying,
  type View,
} from '../../src/operations/machine.ts';

const step = (name: string, cancel: StepShape['cancel']): StepShape => ({ name, cancel });
/** A stop and a start after it, in small. */
const steps = [
  step('look', 'at-once'),
  step('stop', 'finish-first'),
  step('ended', 'finish-first'),
  step('submit', 'compensate'),
  step('running', 'at-once'),
];
const undo = [step('undo-build', 'finish-first'), step('undo-start', 'finish-first')];
/** `look:done stop:running` */
function view(rows: string, change: Partial<View> = {}): View {
  const list = rows.split(' ').filter(Boolean);
  return {
    steps,
    undo,
    rows: list.map((row) => ({ name: row.split(':')[0]!, state: row.split(':')[1] as RowShape['state'] })),
    cancelRequested: false,
    turned: false,
    crashes: 0,
    ...change,
  };
}
const fresh = (name: string): Move => ({ is: 'step', name, begun: false });
const begun = (name: string): Move => ({ is: 'step', name, begun: true });
const back: Move = { is: 'turn-back' };
const allDone = 'look:done stop:done ended:done submit:done running:done';

const moves: readonly [string, string, Partial<View>, Move][] = [
  ['begins with the first step', '', {}, fresh('look')],
  ['goes on behind what is done', 'look:done', {}, fresh('stop')],
  ['says that a step was begun before', 'look:done stop:running', {}, begun('stop')],
  ['passes what was skipped', 'look:done stop:skipped ended:skipped', {}, fresh('submit')],
  ['ends behind the last step', allDone, {}, { is: 'end' }],
  ['does not look at the order of the rows', 'stop:done look:done', {}, fresh('ended')],
  ['a step that was not asked for and has no row hides none after it', 'look:done ended:running', {}, begun('ended')],
  ['nor one that is done', 'look:done ended:done', {}, fresh('submit')],
  ['a cancel before anything turns back', '', { cancelRequested: true }, back],
  ['a cancel between steps turns back', 'look:done', { cancelRequested: true }, back],
  ['a cancel during a step that can be cut off turns back', 'look:running', { cancelRequested: true }, back],
  ['a begun finish-first step is finished before a cancel', 'look:done stop:running', { cancelRequested: true }, begun('stop')],
  ['also behind a step without a row', 'ended:running', { cancelRequested: true }, begun('ended')],
  ['its proof is finished too', 'look:done stop:done', { cancelRequested: true }, fresh('ended')],
  ['also with a skipped step between', 'look:done stop:done ended:skipped', { cancelRequested: true }, back],
  ['a proof that was not begun, with nothing to prove, is not', 'look:done stop:skipped', { cancelRequested: true }, back],
  ['but no more than that', 'look:done stop:done ended:done', { cancelRequested: true }, back],
  [
    'what may have been submitted is looked at before a cancel',
    'look:done stop:skipped ended:skipped submit:running',
    { cancelRequested: true },
    begun('submit'),
  ],
  ['also behind steps without a row', 'submit:running', { cancelRequested: true }, begun('submit')],
  ['a submission that is done is taken back', 'look:done stop:done ended:done submit:done', { cancelRequested: true }, back],
  ['a cancel behind the last step comes too late', allDone, { cancelRequested: true }, { is: 'end' }],
  ['turned, it undoes in the order of undo', 'look:done stop:failed', { turned: true }, fresh('undo-build')],
  ['turned, it goes on undoing', 'look:done submit:failed undo-build:done undo-start:running', { turned: true }, begun('undo-start')],
  ['turned, a cancel changes nothing', 'submit:failed undo-build:skipped', { turned: true, cancelRequested: true }, fresh('undo-start')],
  ['turned, it ends behind undo, whatever is open', 'look:done undo-build:done undo-start:skipped', { turned: true }, { is: 'end' }],
  ['two deaths are borne', 'look:done stop:running', { crashes: 2 }, begun('stop')],
  ['three deaths park', 'look:done stop:running', { crashes: 3 }, { is: 'park' }],
  ['also on the way back', 'stop:failed undo-build:running', { crashes: 3, turned: true }, { is: 'park' }],
  ['also before a cancel', 'look:done', { crashes: 4, cancelRequested: true }, { is: 'park' }],
];

describe('the next move', () => {
  for (const [name, rows, change, expected] of moves) it(name, () => assert.deepEqual(nextMove(view(rows, change)), expected));

  const kind = fc.constantFrom(...operationKinds);
  const state = fc.constantFrom<RowShape['state'] | 'none'>('none', 'running', 'done', 'skipped', 'failed');
  /** Any rows at all, of any real kind. */
  const views = kind.chain((k) =>
    fc.record({
      steps: fc.constant(k.steps),
      undo: fc.constant(k.undo ?? []),
      rows: fc
        .array(state, { minLength: k.steps.length + (k.undo ?? []).length, maxLength: k.steps.length + (k.undo ?? []).length })
        .map((states) =>
          [...k.steps, ...(k.undo ?? [])].flatMap(({ name }, at) =>
            states[at] === 'none' ? [] : [{ name, state: states[at] as RowShape['state'] }],
          ),
        ),
      cancelRequested: fc.boolean(),
      turned: fc.boolean(),
      crashes: fc.nat(4),
    }),
  );
  it('is never a step that has ended, and after the turn only one that undoes', () => {
    fc.assert(
      fc.property(views, (v) => {
        const move = nextMove(v);
        if (v.crashes >= maxCrashes) assert.equal(move.is, 'park');
        if (v.turned) assert.notEqual(move.is, 'turn-back');
        if (move.is === 'turn-back') assert.ok(v.cancelRequested);
        if (move.is !== 'step') return;
        const row = v.rows.find((r) => r.name === move.name);
        assert.ok(row === undefined || row.state === 'running');
        assert.equal(move.begun, row?.state === 'running');
        assert.ok((v.turned ? v.undo : v.steps).some((s) => s.name === move.name));
      }),
    );
  });
  it('carries every kind to its end, one step after the other, whichever steps leave no row and whenever a cancel comes', () => {
    fc.assert(
      fc.property(kind, fc.array(fc.constantFrom('done', 'no row', 'skipped'), { minLength: 20 }), fc.nat(20), (k, fates, cancelAt) => {
        /** As the executor knows it, and as a successor reads it: what was not asked for left no row. */
        const known: RowShape[] = [];
        const stored: RowShape[] = [];
        for (let round = 0; ; round++) {
          const at = { steps: k.steps, undo: k.undo ?? [], turned: false, crashes: 0, cancelRequested: round >= cancelAt };
          const move = nextMove({ ...at, rows: known });
          if (move.is !== 'step') return assert.ok(move.is === 'end' || (move.is === 'turn-back' && round >= cancelAt));
          assert.ok(!known.some((row) => row.name === move.name), 'once each');
          const { cancel } = k.steps.find((s) => s.name === move.name)!;
          if (cancel !== 'at-once') {
            const died = nextMove({ ...at, rows: [...stored, { name: move.name, state: 'running' }], cancelRequested: true });
            assert.deepEqual(died, { is: 'step', name: move.name, begun: true }, 'a successor finishes it first');
          }
          const fate = fates[round % fates.length]!;
          known.push({ name: move.name, state: fate === 'done' ? 'done' : 'skipped' });
          if (fate !== 'no row') stored.push(known.at(-1)!);
        }
      }),
    );
  });
});

const trying: Trying = {
  mayHaveActed: false,
  hasEffects: true,
  cancelRequested: false,
  late: false,
  refusedForLong: false,
  faults: 0,
  doubts: 0,
};
const acted = { mayHaveActed: true };
const reads = { hasEffects: false };
const late = { late: true };
const answers: readonly [string, Answer, Partial<Trying>, Next['is'], boolean][] = [
  ['what is done is recorded', 'done', {}, 'record', false],
  ['also when it is late and a cancel waits', 'done', { ...acted, ...late, cancelRequested: true }, 'record', true],
  ['what was seen not to be done is tried', 'seen-not-done', acted, 'try', false],
  ['unless a cancel waits', 'seen-not-done', { ...acted, cancelRequested: true }, 'turn-back', false],
  ['"cannot tell" waits', 'cannot-tell', acted, 'wait', true],
  ['and parks in the end', 'cannot-tell', { ...acted, ...late }, 'park', true],
  ['what only reads fails in the end', 'cannot-tell', { ...reads, ...late }, 'fail', false],
  ['after silence it may have acted', 'no-answer', {}, 'wait', true],
  ['silence in the end parks', 'no-answer', late, 'park', true],
  ['what only reads may repeat', 'no-answer', reads, 'wait', false],
  ['and fails in the end', 'no-answer', { ...reads, ...late }, 'fail', false],
  ['where nothing was sent it tries again, with nothing to look for', 'nothing-sent', {}, 'wait', false],
  ['and gives up after a while', 'nothing-sent', { refusedForLong: true }, 'fail', false],
  ['or at its limit', 'nothing-sent', late, 'fail', false],
  ['a refused connection does not make an earlier try undone', 'nothing-sent', { ...acted, refusedForLong: true }, 'wait', true],
  ['and never "failed"', 'nothing-sent', { ...acted, ...late, refusedForLong: true }, 'park', true],
  ['a no that is none is looked at', 'doubtful', {}, 'wait', true],
  ['a no that is none parks in the end', 'doubtful', late, 'park', true],
  ['what only reads takes it for a no', 'doubtful', reads, 'fail', false],
  ['what was seen not to be done after it is tried again', 'seen-not-done', { ...acted, doubts: 2 }, 'try', false],
  ['three times', 'seen-not-done', { ...acted, doubts: 3 }, 'fail', false],
  ['a no is a no', 'refused', {}, 'fail', false],
  ['also late', 'refused', { ...acted, ...late }, 'fail', true],
  ['a fault of Sluice is looked at again', 'fault', { faults: 2 }, 'wait', true],
  ['and parks at the third', 'fault', { faults: 3 }, 'park', true],
  ['a fault in what only reads waits too', 'fault', { ...reads, faults: 2 }, 'wait', false],
  ['and fails at the third', 'fault', { ...reads, faults: 3 }, 'fail', false],
];

describe('after an answer', () => {
  for (const [name, answer, change, is, mayHaveActed] of answers)
    it(name, () => assert.deepEqual(afterAnswer({ ...trying, ...change }, answer), { next: { is }, mayHaveActed }));

  const tryings = fc.record({
    mayHaveActed: fc.boolean(),
    hasEffects: fc.boolean(),
    cancelRequested: fc.boolean(),
    late: fc.boolean(),
    refusedForLong: fc.boolean(),
    faults: fc.nat(5),
    doubts: fc.nat(5),
  });
  const unclear = fc.constantFrom<Answer>('cannot-tell', 'no-answer', 'doubtful');
  it('"cannot tell" and silence never become "failed" or a blind repeat where there are effects', () => {
    fc.assert(
      fc.property(tryings, unclear, (t, answer) => {
        const { next, mayHaveActed } = afterAnswer({ ...t, hasEffects: true }, answer);
        assert.ok(next.is === 'wait' || next.is === 'park');
        assert.equal(next.is === 'park', t.late);
        if (t.mayHaveActed || answer !== 'cannot-tell') assert.equal(mayHaveActed, true);
      }),
    );
  });
  it('only a look takes back that it may have acted', () => {
    fc.assert(
      fc.property(
        tryings,
        fc.constantFrom<Answer>('done', 'cannot-tell', 'no-answer', 'nothing-sent', 'doubtful', 'refused', 'fault'),
        (t, answer) => {
          if (t.mayHaveActed && t.hasEffects) assert.equal(afterAnswer(t, answer).mayHaveActed, true);
        },
      ),
    );
  });
  it('a refused connection fails only what was never sent', () => {
    fc.assert(
      fc.property(tryings, (t) => {
        if (afterAnswer(t, 'nothing-sent').next.is === 'fail') assert.equal(t.mayHaveActed, false);
      }),
    );
  });
  it('what is late does not go on', () => {
    fc.assert(fc.property(tryings, unclear, (t, answer) => assert.notEqual(afterAnswer({ ...t, late: true }, answer).next.is, 'wait')));
  });
});
