import { UnreachableError } from '../core/errors.ts';

/** SQLSTATE of a PostgreSQL error, also when it is wrapped as a cause; undefined for anything else. */
export function sqlState(error: unknown): string | undefined {
  return postgresError(error)?.code;
}

/** Whether a statement broke a unique index (SQLSTATE 23505), of this name if one is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const found = postgresError(error);
  return found?.code === '23505' && (constraint === undefined || found.constraint === constraint);
}

/** Whether the same transaction may go through at the next try: serialization failure or deadlock. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** Class 57 and 53300: shutdown, crash, too many connections, statement timeout; 25P03: our transaction stood idle too long. */
const lossStates = new Set(['57P01', '57P02', '57P03', '57P05', '57014', '53300', '25P03']);
const lossCodes = /^(ECONN|EPIPE|ENOENT|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|EACCES)/;
const lossMessages =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired|Client (has encountered|was closed))/;

/** Whether the connection, the server or the time ran out, so that the connection must not be used again. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) return lossMessages.test(error.message);
  return code.startsWith('08') || lossStates.has(code) || (lossCodes.test(code) && !isPostgresError(error));
}

/** Whether other connections to the same server are probably dead too; not so when the server itself ended one statement or refused one more. */
export function mayConcernAll(error: unknown): boolean {
  return isConnectionLoss(error) && (!isPostgresError(error) || error.code.startsWith('57P0'));
}

/** The error for people of a server that has no room (SQLSTATE 53100 its disk, 53200 its memory); undefined for any other. The statement did nothing. */
export function storeFull(error: unknown): UnreachableError | undefined {
  const state = sqlState(error);
  const details = { outcome: 'nothing', sqlState: state };
  if (state === '53100')
    return new UnreachableError('The disk of the state store is full; nothing was started.', {
      cause: error,
      hint: 'Reading still works. An admin can free some space on the machine of PostgreSQL; then try again.',
      details,
    });
  if (state === '53200')
    return new UnreachableError('The state store is out of memory; nothing was started.', {
      cause: error,
      hint: 'Try again in a minute. If it goes on, look at the PostgreSQL that Sluice uses.',
      details,
    });
  return undefined;
}

/** The error for people of a lost connection. `unknown`: the loss fell into a write or its COMMIT, which may have happened. */
export function storeUnreachable(cause: unknown, outcome: 'nothing' | 'unknown', details: Record<string, unknown> = {}): UnreachableError {
  if (outcome === 'nothing') {
    return new UnreachableError('The state store does not answer; nothing was started.', {
      cause,
      hint: 'Try again in a minute. If it goes on, look at the PostgreSQL that Sluice uses.',
      details: { ...details, outcome },
    });
  }
  return new UnreachableError('The state store did not confirm the change; it may or may not have been saved.', {
    cause,
    hint: 'Look whether it is there before you try again.',
    details: { ...details, outcome },
    retryable: false,
  });
}

interface PostgresError extends Error {
  code: string;
  constraint?: string;
}
function isPostgresError(error: unknown): error is PostgresError {
  return error instanceof Error && 'severity' in error && typeof (error as { code?: unknown }).code === 'string';
}
function postgresError(error: unknown): PostgresError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) if (isPostgresError(current)) return current;
  return undefined;
}
