import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AppError,
  assertNever,
  BuildError,
  ConfigError,
  ConflictError,
  errorCodes,
  errorToMessage,
  NotFoundError,
  PermissionError,
  UnreachableError,
  UpstreamError,
  UserError,
} from '../../src/core/errors.ts';
import { messageToText } from '../../src/core/message.ts';

const classes = [
  [UserError, 'bad_input', false],
  [NotFoundError, 'not_found', false],
  [PermissionError, 'not_permitted', false],
  [ConflictError, 'conflict', false],
  [UpstreamError, 'upstream', false],
  [UnreachableError, 'unreachable', true],
  [BuildError, 'build_failed', false],
  [ConfigError, 'config', false],
] as const;

test('every class has its own code and name, and only the unreachable is worth a retry by itself', () => {
  for (const [Class, code, retryable] of classes) {
    const error = new Class('It failed.', { hint: 'Do this.' });
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.code, error.name, error.retryable, error.hint], [code, Class.name, retryable, 'Do this.']);
    assert.ok(code in errorCodes);
  }
  assert.equal(new UnreachableError('x', { retryable: false }).retryable, false);
  assert.equal(new UpstreamError('x', { retryable: true }).retryable, true);
});

test('details are there to read even when none were given, and the cause is kept', () => {
  const cause = new Error('inner');
  const error = new UpstreamError('outer', { cause });
  assert.deepEqual(error.details, {});
  assert.equal(error.cause, cause);
  assert.equal('cause' in new UpstreamError('outer'), false);
});

test('a person is told an expected error in its own words, with the next step', () => {
  const told = errorToMessage(new ConflictError('etl-orders is being started.', { hint: 'Wait for it.' }));
  assert.deepEqual([told.code, told.reference], ['conflict', undefined]);
  assert.equal(messageToText(told.message), 'etl-orders is being started.\nWait for it.');
  assert.deepEqual(errorToMessage(new UserError('No hint.')).message.parts, []);
});

test('of anything unexpected a person reads neither message nor stack, only a reference to find it by', () => {
  for (const thrown of [new Error('password=hunter2'), 'a string', undefined, null, { code: 'conflict', message: 'looks like ours' }]) {
    const told = errorToMessage(thrown);
    const text = messageToText(told.message);
    assert.equal(told.code, 'internal');
    assert.match(told.reference ?? '', /^err_[0-9a-z]{12}$/);
    assert.ok(text.includes(told.reference ?? '?'));
    assert.doesNotMatch(text, /hunter2|a string|looks like ours|at .*:\d+/);
  }
  assert.notEqual(errorToMessage('x').reference, errorToMessage('x').reference);
});

test('a value that a union does not know is named', () => {
  assert.throws(() => assertNever({ kind: 'new' } as never), /unexpected value: {"kind":"new"}/);
});
