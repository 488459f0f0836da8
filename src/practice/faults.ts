import { isObject, type Json } from './types.ts';

/** What goes wrong on purpose. Counters count down as they are used up. */
export interface Faults {
  /** Each slash command and interaction is delivered this many times, with the same trigger and envelope id. */
  deliverTimes: number;
  /** So many of the next Web API calls of `rateLimitMethod` get 429. */
  rateLimitNext: number;
  rateLimitMethod: string;
  retryAfterS: number;
  /** So many of the next calls of `dropMethod` are carried out, and the connection is cut before the answer. */
  dropAfterAcceptNext: number;
  dropMethod: string;
  /** So many of the next Web API calls answer HTTP 503. */
  serverErrorNext: number;
  /** Every Web API answer is held back this long. */
  slowAnswerMs: number;
  /** Nothing answers: each connection is cut at once. */
  outage: boolean;
  /** The bot's token has been revoked. */
  tokenRevoked: boolean;
}
export const noFaults: Faults = {
  deliverTimes: 1,
  rateLimitNext: 0,
  rateLimitMethod: 'chat.postMessage',
  retryAfterS: 1,
  dropAfterAcceptNext: 0,
  dropMethod: 'chat.postMessage',
  serverErrorNext: 0,
  slowAnswerMs: 0,
  outage: false,
  tokenRevoked: false,
};

/** Takes over the known fields of the right type; the rest is ignored. */
export function setFaults(faults: Faults, change: unknown): void {
  if (!isObject(change)) return;
  const target = faults as unknown as Json;
  for (const [key, value] of Object.entries(change)) if (typeof value === typeof target[key]) target[key] = value;
}
