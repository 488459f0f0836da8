import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import type { PostResult } from '../outbox/sender.ts';

/** A pause where Slack asks for one without saying how long. */
const defaultPauseMs = 30_000;
/** Slack's own faults: whether it acted is not told. */
const unclear = new Set(['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'accesslimited', 'ekm_access_denied']);
/** The token, not the place, is refused: nothing is lost by waiting until an admin has mended it. */
const tokenTrouble = new Set([
  'invalid_auth',
  'not_authed',
  'token_revoked',
  'token_expired',
  'account_inactive',
  'missing_scope',
  'org_login_required',
  'team_access_not_granted',
]);
const tokenPauseMs = 60_000;
const slowDown = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded']);

/** What a failed `chat.postMessage` or `chat.update` means for the outbox. */
export function resultOfError(error: unknown): PostResult {
  if (error instanceof WebAPIRateLimitedError) return { is: 'later', afterMs: error.retryAfter * 1000, reason: 'ratelimited' };
  if (error instanceof WebAPIPlatformError) {
    const { error: name, response_metadata } = error.data;
    // The library passes a body that is no JSON (a proxy's page, a cut answer) off as an error of Slack.
    if (!/^[a-z][a-z0-9_]{2,60}$/.test(name)) return unanswered('no readable answer');
    if (slowDown.has(name)) return { is: 'later', afterMs: (response_metadata?.retryAfter ?? defaultPauseMs / 1000) * 1000, reason: name };
    if (tokenTrouble.has(name)) return { is: 'later', afterMs: tokenPauseMs, reason: name };
    if (!unclear.has(name)) return { is: 'refused', reason: name };
    return unanswered(name);
  }
  const reason = error instanceof Error ? error.message : String(error);
  // A 429 without Retry-After reaches us as a plain error of the library.
  if (/^Retry header did not contain/.test(reason)) return { is: 'later', afterMs: defaultPauseMs, reason: 'ratelimited' };
  return unanswered(error instanceof WebAPIHTTPError ? `http_${error.statusCode}` : reason);
}
function unanswered(reason: string): PostResult {
  return { is: 'unknown', reason };
}

const tooMuch = new Set(['invalid_blocks', 'invalid_blocks_format', 'msg_blocks_too_long', 'msg_too_long']);
/** True when Slack surely posted nothing because it dislikes the blocks: the plain text may then be sent instead. */
export function dislikesBlocks(error: unknown): boolean {
  return error instanceof WebAPIPlatformError && tooMuch.has(error.data.error);
}
