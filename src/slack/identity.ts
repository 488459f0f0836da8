import { WebAPIPlatformError, type WebClient } from '@slack/web-api';
import type { Log } from '../core/log.ts';
import { sleep } from '../core/time.ts';

export interface BotIdentity {
  teamId: string;
  botUserId: string;
  botId: string | undefined;
}
export interface Identity {
  current(): BotIdentity | undefined;
  /** What Bolt wants to know of us, as far as it is known. */
  forBolt(): { botId?: string; botUserId?: string };
  problem(): string | undefined;
  /** Resolves after the first attempt. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const shortestPauseMs = 1_000;
const longestPauseMs = 60_000;
/** Refusals that only a person can mend. */
const badToken = new Set(['invalid_auth', 'not_authed', 'account_inactive', 'token_revoked', 'token_expired', 'not_allowed_token_type']);

/** Who the bot token makes us (Slack `auth.test`), asked until it is answered: Slack being away must not keep Sluice from starting. */
export function createIdentity(options: { web: WebClient; log: Log; onChange(): void }): Identity {
  const { web, log, onChange } = options;
  const stopping = new AbortController();
  let current: BotIdentity | undefined;
  let problem: string | undefined;
  let running = Promise.resolve();

  async function attempt(): Promise<boolean> {
    try {
      const answer = await web.auth.test();
      current = { teamId: answer.team_id ?? '', botUserId: answer.user_id ?? '', botId: answer.bot_id };
      problem = undefined;
      log.info({ team: answer.team, teamId: current.teamId, botUserId: current.botUserId }, 'Slack knows us');
    } catch (error) {
      const reason = error instanceof WebAPIPlatformError ? error.data.error : undefined;
      problem =
        reason !== undefined && badToken.has(reason)
          ? `Slack refuses the bot token (${reason}). Check SLACK_BOT_TOKEN and that the app is installed in the workspace.`
          : `Slack does not answer: ${reason ?? (error instanceof Error ? error.message : String(error))}`;
      if (!stopping.signal.aborted) log.error({ problem }, 'Slack is not usable, trying again');
    }
    onChange();
    return current !== undefined;
  }
  return {
    current: () => current,
    forBolt: () => ({ ...(current?.botId ? { botId: current.botId } : {}), ...(current ? { botUserId: current.botUserId } : {}) }),
    problem: () => problem,
    start: async () => {
      if (await attempt()) return;
      running = (async () => {
        for (let pauseMs = shortestPauseMs; !stopping.signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
          await sleep(pauseMs, stopping.signal).catch(() => undefined);
          if (stopping.signal.aborted || (await attempt())) return;
        }
      })();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
