import type { Problem } from '../blocks/problems.ts';
import type { Json } from '../types.ts';

/** A refusal by its Slack name, such as `channel_not_found`; `extra` joins the answer's body. */
export class SlackError extends Error {
  readonly code: string;
  readonly extra: Json;
  constructor(code: string, extra: Json = {}) {
    super(code);
    this.name = 'SlackError';
    this.code = code;
    this.extra = extra;
  }
}

/** A refusal with the list of what is wrong, in the form Slack gives it (`[ERROR] ... [json-pointer:/blocks/0]`). */
export function problemsError(code: string, problems: readonly Problem[]): SlackError {
  const texts = problems.map((p) => `${p.message} [json-pointer:${p.pointer}]`);
  return new SlackError(code, { errors: texts, response_metadata: { messages: texts.map((t) => `[ERROR] ${t}`) } });
}
/** `invalid_arguments` for a missing or malformed argument. */
export function argumentError(message: string): SlackError {
  return new SlackError('invalid_arguments', { response_metadata: { messages: [`[ERROR] ${message}`] } });
}
