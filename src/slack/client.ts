import { WebClient, type WebClientOptions } from '@slack/web-api';
import type { Log } from '../core/log.ts';
import { boltLog } from './bolt-log.ts';

/** Longest wait for an answer of Slack's Web API. */
const timeoutMs = 10_000;

/**
 * Options of every Web API client: no retries (a lost answer to a post would post again; the outbox retries), ten seconds, and a rate
 * limit told instead of waited for. A fresh object each time: Bolt and the socket client write into theirs.
 */
export function clientOptions(apiUrl: string, log: Log, options: { timeoutMs?: number } = {}): WebClientOptions {
  return {
    slackApiUrl: apiUrl,
    timeout: options.timeoutMs ?? timeoutMs,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: boltLog(log),
  };
}

/** A Web API client of the bot's. */
export function webClient(botToken: string, apiUrl: string, log: Log, options: { timeoutMs?: number } = {}): WebClient {
  return new WebClient(botToken, clientOptions(apiUrl, log, options));
}
