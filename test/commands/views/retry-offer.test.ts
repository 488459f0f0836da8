import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../../src/commands/index.ts';
import { parseCommand } from '../../../src/commands/parse.ts';
import { changedSince, retryOffer } from '../../../src/commands/views/retry-offer.ts';
import type { Operation, OperationStep } from '../../../src/operations/types.ts';

const at = (minutes: number) => new Date(Date.UTC(2026, 0, 1, 12, minutes));
const op = (kind: string, input: Record<string, unknown> = {}, change: Partial<Operation> = {}) =>
  ({
    id: 'op_4k2m9x7qw3tz',
    kind,
    job: 'etl-orders',
    state: 'failed',
    input,
    createdAt: at(0),
    startedAt: at(0),
    turned: null,
    ...change,
  }) as Operation;
const steps = (done: Record<string, Record<string, unknown>>, last?: string, state: OperationStep['state'] = 'failed') =>
  [
    ...Object.entries(done).map(([name, result]) => ({ name, title: name, state: 'done', result })),
    ...(last ? [{ name: last, title: last, state, result: null }] : []),
  ] as OperationStep[];

test('what a failed operation is gone on with: nothing that it did is done again', () => {
  const stop = { target: { flinkJobId: 'f1' }, 'stop-savepoint': { path: 's3://sp' }, 'stop-ended': {} };
  const table: [Operation, OperationStep[], command: string | undefined, why: RegExp][] = [
    [op('start', { right: 'operate' }), steps({ plan: {} }, 'place'), 'start etl-orders', /asked for in the same way/],
    [op('start', { right: 'change', version: 7 }), steps({}, 'plan'), 'start etl-orders --version v7', /same way/],
    [
      op('start', { right: 'rewind', fresh: true }),
      steps({ plan: {} }, 'submit'),
      'start etl-orders --fresh --reason {input}',
      /a lead is asked again/,
    ],
    [
      op('start', { build: true, branch: 'fix' }),
      steps({ 'build-bind': { version: 9 } }, 'plan'),
      'start etl-orders --version v9',
      /not built again/,
    ],
    [op('restart', { build: true }), steps({}, 'build-compile'), 'restart etl-orders --build', /same way/],
    [
      op('restart', { build: true }),
      steps({ 'build-bind': { version: 9 } }, 'stop-savepoint'),
      'restart etl-orders --version v9',
      /not built again/,
    ],
    [
      op('restart', { build: true }),
      steps({ 'build-bind': { version: 9 }, ...stop }, 'running'),
      'start etl-orders --version v9',
      /not stopped again/,
    ],
    [op('restart', { version: 3 }), steps(stop, 'place'), 'start etl-orders --version v3', /started from there as v3/],
    [op('restart', {}), steps(stop, 'place'), 'start etl-orders', /not stopped again/],
    [
      op('build', { build: true, branch: 'fix' }),
      steps({ 'build-bind': { version: 9 } }, 'x'),
      'build etl-orders --branch fix',
      /same way/,
    ],
    [
      op('stop', { noSavepoint: true, right: 'rewind' }),
      steps({}, 'stop-cancel'),
      'stop etl-orders --no-savepoint --reason {input}',
      /lead/,
    ],
    [op('savepoint', {}), steps({}, 'savepoint'), 'savepoint etl-orders', /same way/],
    [op('start', {}), steps({ plan: {}, submit: {}, running: {} }, 'prove'), undefined, /etl-orders runs: only a later step failed/],
  ];
  for (const [operation, done, command, why] of table) {
    const offer = retryOffer(operation, done, undefined, undefined);
    assert.equal(offer.action?.command, command);
    assert.match(offer.why, why);
    assert.equal(offer.action?.input !== undefined, command?.includes('{input}') ?? false, 'a reason is asked for where it is needed');
    if (command) assert.equal(parseCommand(command.replace('{input}', 'why'), commands).is, 'command');
  }
});

test('what was changed since makes it unsafe; a build, a savepoint and a plan that waits do not', () => {
  const failed = op('restart', {});
  const later = (kind: string, change: Partial<Operation> = {}) =>
    op(kind, {}, { id: 'op_zzzzzzzzzzzz', createdAt: at(5), startedAt: at(5), ...change });
  for (const harmless of [
    later('build'),
    later('savepoint'),
    later('restore', { state: 'waiting', startedAt: null }),
    later('start', { createdAt: at(-5) }),
  ])
    assert.equal(changedSince(failed, [harmless, failed]), undefined);
  const changed = changedSince(failed, [later('build'), later('start'), failed]);
  assert.equal(changed?.kind, 'start');
  const offer = retryOffer(failed, steps({}, 'plan'), undefined, changed);
  assert.equal(offer.action, undefined);
  assert.match(offer.why, /since then a start was begun \(op_zzzzzzzzzzzz\)/);
});

test('each state says whether it is offered, and why', () => {
  const table: [Partial<Operation>, approval: 'rejected' | 'expired' | undefined, command: string | undefined, why: RegExp][] = [
    [{ state: 'parked' }, undefined, 'retry op_4k2m9x7qw3tz', /looks first at what has become of "submit"/],
    [{ state: 'running' }, undefined, undefined, /still in progress/],
    [{ state: 'waiting' }, undefined, undefined, /a lead decides first/],
    [{ state: 'succeeded' }, undefined, undefined, /nothing to go on with/],
    [{ state: 'canceled', startedAt: null }, 'rejected', undefined, /A lead rejected it/],
    [{ state: 'canceled', startedAt: null }, 'expired', 'stop etl-orders', /It never began/],
    [{ state: 'canceled' }, undefined, undefined, /canceled on the way/],
  ];
  for (const [change, approval, command, why] of table) {
    const offer = retryOffer(op('stop', {}, change), steps({}, 'submit', 'running'), approval && { state: approval }, undefined);
    assert.equal(offer.action?.command, command, change.state);
    assert.match(offer.why, why);
  }
});
