/** What goes wrong on purpose. Counters count down as they are used up. */
export interface Faults {
  /** Each slash command, interaction and event is delivered this many times, with the same trigger, event and envelope id. */
  deliverTimes: number;
  /** So many of the next deliveries to the app are held back until a later one has overtaken them (2 s at most). */
  reorderNext: number;
  /** The app's acknowledgements take this much longer on their way; past 3 s the person is told of a timeout. */
  slowAckMs: number;
  /** So many of the next Web API calls of `rateLimitMethod` (`*` for any) get 429. */
  rateLimitNext: number;
  rateLimitMethod: string;
  retryAfterS: number;
  /** So many of the next calls of `dropMethod` (`*` for any) are carried out, and the connection is cut before the answer. */
  dropAfterAcceptNext: number;
  dropMethod: string;
  /** So many of the next Web API calls answer with `serverErrorStatus`. */
  serverErrorNext: number;
  serverErrorStatus: number;
  /** Every Web API answer is held back this long. */
  slowAnswerMs: number;
  /** Slack is gone: each connection is cut at once, sockets too, and nobody can type or press anything. */
  outage: boolean;
  /** The bot's token has been revoked. */
  tokenRevoked: boolean;
}
export const noFaults: Faults = {
  deliverTimes: 1,
  reorderNext: 0,
  slowAckMs: 0,
  rateLimitNext: 0,
  rateLimitMethod: 'chat.postMessage',
  retryAfterS: 1,
  dropAfterAcceptNext: 0,
  dropMethod: 'chat.postMessage',
  serverErrorNext: 0,
  serverErrorStatus: 503,
  slowAnswerMs: 0,
  outage: false,
  tokenRevoked: false,
};

/** Does a fault's counter and method fit this call? Then one is used up. */
export function spend(faults: Faults, counter: 'rateLimitNext' | 'dropAfterAcceptNext', wanted: string, method: string): boolean {
  if (faults[counter] <= 0 || (wanted !== '*' && wanted !== method)) return false;
  faults[counter]--;
  return true;
}
