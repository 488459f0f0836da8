import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import type { PostResult } from '../outbox/sender.ts';
import { isLostToken } from './identity.ts';

/** A pause where Slack asks for one without saying how long. */
const defaultPauseMs = 30_000;
/** Slack's own faults: whether it acted is not told. */
const unclear = new Set(['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'accesslimited', 'ekm_access_denied']);
/** The app as a whole, not the place, is refused: nothing is lost by waiting until an admin has mended it. */
const blocked: Record<string, string> = {
  missing_scope:
    'The app lacks a scope that Sluice needs (missing_scope). Print the manifest again, put it into App Manifest, and reinstall the app.',
  org_login_required: 'The workspace is being moved to an organization (org_login_required). Sluice goes on once that is done.',
  team_access_not_granted: 'The app may not use the workspace (team_access_not_granted). An admin of the organization has to approve it.',
};
/** For a refused token, or app: it is asked for more often elsewhere, and sending goes on when it is taken again. */
export const tokenPauseMs = 60_000;
const slowDown = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded']);

/** What to do when Slack refuses everything for a reason that is not the token's; undefined for other errors. */
export function blockedWords(name: string): string | undefined {
  return Object.hasOwn(blocked, name) ? blocked[name] : undefined;
}
/** Slack's name for why a call failed, if it gave one. */
export function nameOfError(error: unknown): string | undefined {
  return error instanceof WebAPIPlatformError ? error.data.error : undefined;
}

/** What a failed `chat.postMessage` or `chat.update` means for the outbox. */
export function resultOfError(error: unknown): PostResult {
  if (error instanceof WebAPIRateLimitedError) return { is: 'later', afterMs: error.retryAfter * 1000, reason: 'ratelimited' };
  if (error instanceof WebAPIPlatformError) {
    const { error: name, response_metadata } = error.data;
    // The library passes a body that is no JSON (a proxy's page, a cut answer) off as an error of Slack.
    if (!/^[a-z][a-z0-9_]{2,60}$/.test(name)) return unanswered('no readable answer');
    if (slowDown.has(name)) return { is: 'later', afterMs: (response_metadata?.retryAfter ?? defaultPauseMs / 1000) * 1000, reason: name };
    if (isLostToken(name) || blockedWords(name) !== undefined) return { is: 'later', afterMs: tokenPauseMs, reason: name };
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
