import { AppError, type ErrorCode, errorToMessage } from '../core/errors.ts';
import type { Turn } from '../db/schema/index.ts';

/** What is written down when an operation fails or is canceled, so that whoever carries it on goes back and says the same. */
export function turnOf(step: string, error: unknown, unanswered: boolean): Turn {
  const told = errorToMessage(error);
  if (error instanceof AppError)
    return {
      into: 'failed',
      step,
      error: { code: error.code, message: error.message, hint: error.hint ?? null, details: plain(error.details) },
      reference: null,
      unanswered,
    };
  return {
    into: 'failed',
    step,
    error: { code: told.code, message: told.message.title, hint: 'The full error is on the page.', details: {} },
    reference: told.reference ?? null,
    unanswered,
  };
}
/** The error as it was, as far as people and kinds need it. */
export function errorOf(turn: Turn): AppError | undefined {
  const { error } = turn;
  return error
    ? new AppError(error.code as ErrorCode, error.message, { hint: error.hint ?? undefined, details: error.details })
    : undefined;
}
function plain(details: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(details)) as Record<string, unknown>;
}
