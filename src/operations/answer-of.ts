import { AppError, UnreachableError } from '../core/errors.ts';
import type { FlinkErrorKind } from '../flink/errors.ts';
import type { Answer } from './machine.ts';

/** Refusals by which Flink does not say that nothing was done. */
const doubtful: ReadonlySet<unknown> = new Set<FlinkErrorKind>(['timed-out', 'unexpected-answer']);
const electing: FlinkErrorKind = 'leader-election';
const unclassified: FlinkErrorKind = 'other';

/** What an error that a step met says of what was done. Pure. */
export function answerOf(error: unknown): Exclude<Answer, 'done' | 'seen-not-done' | 'cannot-tell'> {
  if (error instanceof UnreachableError)
    return error.details['refused'] === true || error.details['sent'] === false ? 'nothing-sent' : 'no-answer';
  if (!(error instanceof AppError)) return 'fault';
  const { kind, status } = error.details;
  // Its REST server found nobody to give the request to; a new leader is there within seconds.
  if (kind === electing) return 'nothing-sent';
  if (doubtful.has(kind) || (kind === unclassified && typeof status === 'number' && status >= 500)) return 'doubtful';
  return 'refused';
}
