import { redact } from './redact.ts';
import { stripControls } from './text.ts';

/** Data as it may leave: well-formed, without control and bidi characters, without secrets. Not yet escaped. Cut huge values before: redacting is slow. */
export function clean(value: string): string {
  return redact(stripControls(value.toWellFormed()));
}
