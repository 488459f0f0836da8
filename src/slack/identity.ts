import { WebAPIPlatformError, type WebClient } from '@slack/web-api';
import type { Log } from '../core/log.ts';
import { sleep } from '../core/time.ts';

export interface BotIdentity {
  teamId: string;
  botUserId: string;
  botId: string | undefined;
}
/** Slack's own words for why the bot token is of no use: errors of the Web API, and the events that say the same. */
export type LostToken = keyof typeof lostWords;
export interface Identity {
  current(): BotIdentity | undefined;
  /** What Bolt wants to know of us, as far as it is known. */
  forBolt(): { botId?: string; botUserId?: string };
  /** What is wrong and what to do, in a sentence or two; undefined if Slack takes the token. */
  problem(): string | undefined;
  /** Why nothing can be sent; undefined while Slack takes the token, or has not been heard of. */
  lost(): LostToken | undefined;
  /** Somebody was told that the token is of no use: it is said at once, and Slack is asked until it takes the token. */
  doubt(reason: LostToken): void;
  /** Resolves after the first attempt. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const shortestPauseMs = 1_000;
const longestPauseMs = 60_000;
const anew = 'put its new bot token into SLACK_BOT_TOKEN and start Sluice again';
const check = 'Check SLACK_BOT_TOKEN and that the app is installed in the workspace.';
/** Refusals that only a person can mend, and how. */
const lostWords = {
  app_uninstalled: `Sluice was removed from the Slack workspace. Install the app again, ${anew}.`,
  tokens_revoked: `The bot token was revoked in Slack. Reinstall the app to the workspace (OAuth & Permissions), ${anew}.`,
  token_revoked: `Slack refuses the bot token (token_revoked). ${check} To mend it, reinstall the app, ${anew}.`,
  account_inactive: `Slack refuses the bot token (account_inactive). ${check} To mend it, install the app again, ${anew}.`,
  token_expired: `Slack refuses the bot token (token_expired). ${check} Turn token rotation off in the app's settings, ${anew}.`,
  invalid_auth: `Slack refuses the bot token (invalid_auth). ${check}`,
  not_authed: `Slack refuses the bot token (not_authed). ${check}`,
  not_allowed_token_type: `Slack refuses the bot token (not_allowed_token_type). ${check} It begins with xoxb-.`,
};
/** Those that come as events, the one that tells most last. */
const events: readonly LostToken[] = ['tokens_revoked', 'app_uninstalled'];
const waits = 'Messages wait meanwhile, none is lost.';

/** True for what Slack calls a token that is of no use. */
export function isLostToken(reason: string | undefined): reason is LostToken {
  return reason !== undefined && Object.hasOwn(lostWords, reason);
}

/**
 * Who the bot token makes us (Slack `auth.test`), asked until it is answered: Slack being away must not keep Sluice from starting. Asked again as
 * soon as the token is doubted, so that what Slack says of it now counts, not an event that came late.
 * @param options.onUsable Slack takes a token that it had refused.
 */
export function createIdentity(options: { web: WebClient; log: Log; onChange(): void; onUsable?(): void }): Identity {
  const { web, log, onChange } = options;
  const stopping = new AbortController();
  let current: BotIdentity | undefined;
  let problem: string | undefined;
  let lost: LostToken | undefined;
  let running: Promise<void> | undefined;

  function note(reason: LostToken): void {
    // An event tells more than the errors that follow from it, and the removal more than what it revoked.
    const known = lost !== undefined && events.indexOf(lost) > events.indexOf(reason);
    lost = known ? lost : reason;
    problem = `${lostWords[lost as LostToken]} ${waits}`;
    if (!stopping.signal.aborted) log.error({ problem }, 'Slack does not take the bot token');
    onChange();
  }
  /** True once Slack has said who we are. */
  async function attempt(): Promise<boolean> {
    try {
      const answer = await web.auth.test();
      current = { teamId: answer.team_id ?? '', botUserId: answer.user_id ?? '', botId: answer.bot_id };
      problem = undefined;
      const again = lost !== undefined;
      lost = undefined;
      log.info({ team: answer.team, teamId: current.teamId, botUserId: current.botUserId }, 'Slack knows us');
      onChange();
      if (again) options.onUsable?.();
      return true;
    } catch (error) {
      const reason = error instanceof WebAPIPlatformError ? error.data.error : undefined;
      if (isLostToken(reason)) note(reason);
      // Slack being away says nothing of a token that it has refused.
      else if (lost === undefined) {
        problem = `Slack does not answer: ${reason ?? (error instanceof Error ? error.message : String(error))}`;
        if (!stopping.signal.aborted) log.error({ problem }, 'Slack is not usable, trying again');
        onChange();
      }
      return false;
    }
  }
  /** Asks until Slack takes the token; one loop at a time. `attempted` is called after the first attempt. */
  function begin(attempted: () => void = () => {}): void {
    running ??= (async () => {
      for (let pauseMs = shortestPauseMs; !stopping.signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
        const known = await attempt();
        attempted();
        // Doubted once more in this very moment: it goes on.
        if (known && lost === undefined) break;
        await sleep(pauseMs, stopping.signal).catch(() => undefined);
      }
      running = undefined;
      attempted();
    })();
  }
  return {
    current: () => current,
    forBolt: () => ({ ...(current?.botId ? { botId: current.botId } : {}), ...(current ? { botUserId: current.botUserId } : {}) }),
    problem: () => problem,
    lost: () => lost,
    doubt(reason) {
      if (stopping.signal.aborted) return;
      if (lost !== reason) note(reason);
      begin();
    },
    start: () => new Promise((resolve) => begin(resolve)),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
