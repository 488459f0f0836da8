import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelForecast } from '../../../src/commands/views/cancel-words.ts';
import { operationKinds } from '../../../src/operations/kinds/index.ts';
import { stepApplies } from '../../../src/operations/message.ts';
import type { Operation, OperationStep } from '../../../src/operations/types.ts';

const op = (kind: string, input: Record<string, unknown> = {}, change: Partial<Operation> = {}) =>
  ({ kind, job: 'etl-orders', input, turned: null, ...change }) as Operation;
/** The rows of an operation that is in a step: the applicable ones before are done. */
function rowsAt(operation: Operation, current: string): OperationStep[] {
  const kind = operationKinds.find((k) => k.kind === operation.kind)!;
  const target = { flinkJobId: 'f1' };
  const names = kind.steps.map((s) => s.name).filter((name) => stepApplies(name, operation.input, target));
  assert.ok(names.includes(current), `${current} is a step of ${operation.kind}`);
  return names.slice(0, names.indexOf(current) + 1).map((name) => ({
    name,
    state: name === current ? 'running' : 'done',
    result: name === 'target' ? target : {},
  })) as OperationStep[];
}
const forecast = (operation: Operation, current: string) =>
  cancelForecast(
    operation,
    operationKinds.find((k) => k.kind === operation.kind),
    rowsAt(operation, current),
  );

test('what a cancel leads to, by the step that is in progress', () => {
  const table: [Operation, step: string, tooLate: boolean, words: RegExp][] = [
    [
      op('build', { build: true }),
      'build-compile',
      false,
      /^"Compile" is interrupted, and nothing more is begun\. What runs is not touched\.$/,
    ],
    [op('build', { build: true }), 'build-bind', true, /^The new version is being made; that is finished/],
    [op('savepoint'), 'target', false, /is interrupted.* etl-orders keeps running\.$/],
    [
      op('savepoint'),
      'savepoint',
      true,
      /^The savepoint is being written; that is finished, and with it the whole operation.*etl-orders keeps running\.$/,
    ],
    [op('stop'), 'stop-savepoint', true, /past cancelling\. etl-orders ends stopped\. To run it again: \/flink start etl-orders$/],
    [op('stop', { noSavepoint: true }), 'stop-cancel', true, /^The run is being canceled; that is finished/],
    [op('start'), 'place', false, /is interrupted.* etl-orders is not started\.$/],
    [
      op('start'),
      'submit',
      false,
      /^The job is being submitted; that is finished, then nothing more is begun\. What was started is canceled again\.$/,
    ],
    [op('start'), 'running', false, /is interrupted.* What was started is canceled again\.$/],
    [op('start'), 'prove', true, /etl-orders runs\. To stop it: \/flink stop etl-orders$/],
    [op('restart'), 'stop-savepoint', false, /then nothing more is begun\. etl-orders then stays down, with its state kept/],
    [op('restart'), 'place', false, /is interrupted.* etl-orders then stays down/],
    [op('restart'), 'running', false, /What was started is canceled again\. etl-orders then stays down/],
    [op('restart', { build: true }), 'build-clone', false, /is interrupted.* What runs is not touched\.$/],
    [op('restore', { from: 's3://x/f1/chk-7', right: 'rewind' }), 'restore-savepoint', false, /^The safety savepoint is being written/],
  ];
  for (const [operation, step, tooLate, words] of table) {
    const told = forecast(operation, step);
    assert.match(told.words, words, `${operation.kind} in ${step}`);
    assert.equal(told.tooLate, tooLate, `${operation.kind} in ${step}`);
  }
});

test('every step of every kind says how a cancel ends', () => {
  for (const kind of operationKinds)
    for (const input of [{}, { build: true }, { noSavepoint: true }, { from: 's3://x/f1/chk-7' }]) {
      const operation = op(kind.kind, input);
      for (const step of kind.steps.filter((s) => stepApplies(s.name, input, { flinkJobId: 'f1' }))) {
        const { words, tooLate } = forecast(operation, step.name);
        assert.match(words, /^["A-Z].*[.a-z]$/, `${kind.kind} in ${step.name}: ${words}`);
        // The engine's law: what is interrupted at once is never past cancelling.
        if (step.cancel === 'at-once') assert.equal(tooLate, false, `${kind.kind} in ${step.name}`);
        if (step.cancel !== 'at-once') assert.match(words, /that is finished/, `${kind.kind} in ${step.name}`);
      }
    }
});

test('what has not begun, what goes back already, and a kind of a newer replica', () => {
  const kind = operationKinds.find((k) => k.kind === 'start');
  assert.equal(cancelForecast(op('start'), kind, []).words, 'It has not begun, so nothing is done.');
  const turned = { into: 'failed', step: 'submit', error: null, reference: null, unanswered: false } as const;
  assert.match(
    cancelForecast(op('start', {}, { turned }), kind, rowsAt(op('start'), 'running')).words,
    /^It failed already, and what it had begun is being undone/,
  );
  assert.equal(cancelForecast(op('teleport'), undefined, []).tooLate, false);
});
