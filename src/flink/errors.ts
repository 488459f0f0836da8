import { UpstreamError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { truncate } from '../core/text.ts';
import { causesOf, rootCauseOf } from './causes.ts';
import { because, type FlinkErrorKind, rules } from './error-rules.ts';

export type { FlinkErrorKind };

export interface FlinkErrorFacts {
  kind: FlinkErrorKind;
  /** The innermost cause, one line, for example `IOException: Failed to create savepoint directory at …`. */
  rootCause: string;
  savepointPath?: string;
}

/** Flink answered, and the answer is no. `kind` is found in the text: Flink's status codes mean different things for the same fault. */
export class FlinkError extends UpstreamError {
  readonly kind: FlinkErrorKind;
  readonly rootCause: string;
  /** Set for 'stopping-failed-with-savepoint': a consistent savepoint that exists although the operation failed. */
  readonly savepointPath: string | undefined;
  constructor(message: string, facts: FlinkErrorFacts, options?: ConstructorParameters<typeof UpstreamError>[1]) {
    super(message, { ...options, details: { kind: facts.kind, rootCause: facts.rootCause, ...options?.details } });
    this.kind = facts.kind;
    this.rootCause = facts.rootCause;
    this.savepointPath = facts.savepointPath;
  }
}

export interface ClassifyContext {
  /** For example `POST /jars/:id/run`; goes into the details, never into the message. */
  endpoint?: string;
  /** The status of the HTTP answer; kept as a fact, never used to classify but for 401 and 403. */
  status?: number;
}

/**
 * What Flink's refusal means: body is `{"errors":[…]}` of any endpoint, a `failure-cause`'s stack trace, or plain text. Classified by
 * text alone, because the same fault is 400, 404 or 500 depending on endpoint and release.
 */
export function classifyFlinkError(status: number | undefined, body: string, context: ClassifyContext = {}): FlinkError {
  const trace = errorText(body);
  const root = rootCauseOf(trace);
  const rootCause = redact(root ? [root.name, root.message].filter(Boolean).join(': ') : '');
  // The class name of a cause says nothing to most people when there is a message.
  const cause = redact(root ? root.message || root.name : '');
  const details = {
    ...(context.endpoint ? { endpoint: context.endpoint } : {}),
    ...(status === undefined ? {} : { status }),
    trace: redact(truncate(thin(trace), 8000)),
  };
  if (status === 401 || status === 403) {
    const facts: FlinkErrorFacts = { kind: 'not-authorized', rootCause };
    return new FlinkError('The Flink cluster refused the login.', facts, {
      hint: 'Correct the headers or the login of this cluster.',
      details,
    });
  }
  for (const rule of rules) {
    const match = rule.test.exec(trace);
    if (!match) continue;
    const facts: FlinkErrorFacts = { kind: rule.kind, rootCause };
    if (rule.kind === 'stopping-failed-with-savepoint' && match[1]) facts.savepointPath = match[1];
    return new FlinkError(rule.say(match, cause), facts, { hint: rule.hint, details, retryable: rule.retryable ?? false });
  }
  return new FlinkError(
    `Flink refused${because(cause)}`,
    { kind: 'other', rootCause },
    { hint: 'The full answer is on the page.', details },
  );
}

/** A stack trace with the first frame of each cause only. */
function thin(trace: string): string {
  let frames = 0;
  const kept = trace.split('\n').filter((line) => {
    const isFrame = /^\s+(?:at |\.\.\. )/.test(line);
    frames = isFrame ? frames + 1 : 0;
    return frames <= 1;
  });
  return kept.join('\n');
}

/** The text inside `{"errors":["Internal server error.", "<Exception on server side:…>"]}`, or the body itself. */
export function errorText(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (parsed !== null && typeof parsed === 'object' && 'errors' in parsed && Array.isArray(parsed.errors)) {
      const texts = parsed.errors.map(String).filter((text) => text !== 'Internal server error.');
      return texts.join('\n') || 'Internal server error.';
    }
  } catch {
    // not JSON: a proxy's page or a plain text
  }
  return body;
}

/** Whether a text is one of Flink's own refusals and not a proxy's error page. */
export function isFlinkAnswer(body: string): boolean {
  return /^\s*\{\s*"errors"\s*:/.test(body) || causesOf(body).some((cause) => cause.name.endsWith('Exception'));
}
