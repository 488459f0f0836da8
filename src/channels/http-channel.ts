import { readSecret, type SecretRef } from '../config/secrets.ts';
import { AppError } from '../core/errors.ts';
import { type HttpAnswer, http } from '../core/http.ts';
import type { ChannelDeps, SendResult } from './channel.ts';
import { scrub } from './clean.ts';

/** A secret that is not there will be set by an admin: nothing is lost by waiting for that. */
const secretPauseMs = 60_000;
const shortestPauseMs = 1_000;
const longestPauseMs = 3_600_000;

/** Secrets by name, read anew for each message; or the result to give when one is missing. */
export function readSecrets<K extends string>(
  refs: Record<K, SecretRef | undefined>,
  deps: ChannelDeps,
): { values: Record<K, string | undefined> } | { failed: SendResult } {
  try {
    const values = {} as Record<K, string | undefined>;
    for (const name of Object.keys(refs) as K[]) {
      const ref = refs[name];
      values[name] = ref && readSecret(ref, deps.env).trim();
    }
    return { values };
  } catch (error) {
    // Its message names the variable or the file, never the value.
    const reason = error instanceof AppError ? error.message : 'a secret cannot be read';
    return { failed: { is: 'later', afterMs: secretPauseMs, reason } };
  }
}

export interface PostRequest {
  url: string;
  /** Sent as it is: what is signed must be what is sent. */
  body: string;
  headers?: Record<string, string>;
  timeoutMs: number;
}

/** Posts JSON. `answer`: there was one, of whatever status. */
export async function postJson(request: PostRequest): Promise<{ answer: HttpAnswer } | { failed: SendResult }> {
  const { url, body, headers, timeoutMs } = request;
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    return { failed: { is: 'refused', reason: 'the address does not begin with http:// or https://' } };
  try {
    const answer = await http(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Sluice', ...headers },
      timeoutMs,
      maxBytes: 4 * 1024 * 1024,
    });
    return { answer };
  } catch (error) {
    const code = codeOf(error);
    if (code !== undefined && neverSent.has(code)) return { failed: { is: 'later', reason: `${parsed.host} cannot be reached (${code})` } };
    const timedOut = error instanceof AppError && error.details['timedOut'] === true;
    return { failed: { is: 'unknown', reason: `${parsed.host} gave no answer${timedOut ? ` in ${timeoutMs} ms` : ''}` } };
  }
}
/** No connection, so nothing was sent. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);
function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (code !== undefined && !(at instanceof AppError)) return code;
    if (at instanceof AggregateError && at.errors[0] instanceof Error) return (at.errors[0] as NodeJS.ErrnoException).code;
  }
  return undefined;
}

/**
 * What an HTTP status means: 2xx sent; 408, 425, 429 and 5xx later, after the time that Retry-After asks for (seconds or a date, at most an
 * hour); everything else is refused, 410 for good.
 */
export function resultOfStatus(answer: HttpAnswer, secrets: readonly string[], now: number): SendResult {
  const { status } = answer;
  const said = scrub(answer.body, secrets);
  const told = `HTTP ${status}${said ? `: ${said}` : ''}`;
  if (status >= 200 && status < 300) return { is: 'sent', answer: told };
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const afterMs = retryAfterMs(answer.headers['retry-after'], now);
    return { is: 'later', reason: told, answer: told, ...(afterMs === undefined ? {} : { afterMs }) };
  }
  return { is: 'refused', reason: status === 410 ? `gone for good (${told})` : told, answer: told };
}

/** Milliseconds that a Retry-After header asks for (RFC 9110 10.2.3: seconds or an HTTP date); undefined if it says nothing usable. */
export function retryAfterMs(header: string | string[] | undefined, now: number): number | undefined {
  const value = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!value) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(longestPauseMs, Math.max(shortestPauseMs, ms)) : undefined;
}
