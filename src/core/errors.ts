import { newId } from './ids.ts';
import { type Message, text } from './message.ts';

/** Every error code there is, with what it means; docs/errors.md is generated from it and checked both ways. */
export const errorCodes = {
  bad_input: 'The command, form or file says something that cannot be understood or is not allowed.',
  not_found: 'Nothing of that name exists.',
  not_permitted: 'The person may not do this.',
  conflict: 'Something else holds the job, or the world changed in between.',
  upstream: 'Flink, git, Slack or another outside system refused or failed.',
  unreachable: 'An outside system did not answer; what it did is unknown.',
  build_failed: 'Compiling the project failed; the log tail tells why.',
  config: 'The configuration is missing something or says something wrong.',
  fenced: 'Another process took over this operation; this one stops without writing.',
  internal: 'A fault of Sluice itself.',
} as const;
export type ErrorCode = keyof typeof errorCodes;

export interface ErrorOptions {
  /** The next step for the person who reads it in Slack. */
  hint?: string | undefined;
  /** Facts for the log and the page (endpoint, status, log tail); never secrets. */
  details?: Record<string, unknown> | undefined;
  retryable?: boolean;
  cause?: unknown;
}

/** An expected failure. `message` and `hint` are written for the person in Slack: what happened, then what to do. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown>;
  readonly retryable: boolean;
  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
    this.retryable = options.retryable ?? false;
  }
}

/** What a person typed cannot be used. */
export class UserError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super('bad_input', message, options);
  }
}
/** The named thing does not exist. */
export class NotFoundError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super('not_found', message, options);
  }
}
/** The person may not do this. */
export class PermissionError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super('not_permitted', message, options);
  }
}
/** Something else holds the job, or the world changed since the plan was made; the message names the holder. */
export class ConflictError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super('conflict', message, options);
  }
}
/** An outside system answered that it will not or cannot. */
export class UpstreamError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super('upstream', message, options);
  }
}
/** An outside system gave no usable answer: whether it acted is unknown. */
export class UnreachableError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super('unreachable', message, { retryable: true, ...options });
  }
}
/** The project does not compile; `details.logTail` holds the last lines of the log. */
export class BuildError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super('build_failed', message, options);
  }
}
/** The configuration or an applied YAML file is wrong. */
export class ConfigError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super('config', message, options);
  }
}

export interface ToldError {
  message: Message;
  /** Set for unexpected errors only: the id that finds the full error in the log and on the page. */
  reference: string | undefined;
  code: ErrorCode;
}

/** What a person is told of an error: an AppError's own words, anything else a plain sentence with a reference id. */
export function errorToMessage(error: unknown): ToldError {
  if (error instanceof AppError) {
    const parts = error.hint ? [text(error.hint)] : [];
    return { message: { tone: 'bad', title: error.message, parts }, reference: undefined, code: error.code };
  }
  const reference = newId('err');
  return {
    message: {
      tone: 'bad',
      title: 'Something went wrong inside Sluice.',
      parts: [text(`Nothing more was done. The full error is in the log and on the page under ${reference}.`)],
    },
    reference,
    code: 'internal',
  };
}

/** Exhaustiveness check for unions. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
