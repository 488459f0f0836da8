import type { WebClient } from '@slack/web-api';
import { http } from '../core/http.ts';
import type { Log } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import { renderMessage } from './render.ts';

/** Where an answer belongs. */
export interface ReplyPlace {
  userId: string;
  channel?: string | undefined;
  threadTs?: string | undefined;
  /** Slack's one-off address for this request: 5 uses in 30 minutes. */
  responseUrl?: string | undefined;
}
export interface Replies {
  /** Sends an answer by every road there is, the response address first; never throws. `replace` replaces the first, ephemeral answer. */
  send(place: ReplyPlace, message: Message, options?: { replace?: boolean }): Promise<void>;
}

const noUnfurl = { unfurl_links: false, unfurl_media: false };
const responseTimeoutMs = 10_000;

/** Answers outside the acknowledgement: `response_url`, else `chat.postEphemeral` or `chat.postMessage`, else a direct message. */
export function createReplies(options: { web: WebClient; apiUrl: string; log: Log }): Replies {
  const { web, apiUrl, log } = options;
  return {
    send: async (place, message, { replace = false } = {}) => {
      const roads = [
        () => byResponseUrl(place, message, replace, apiUrl, log),
        () => byChannel(web, place, message),
        () => byDirectMessage(web, place, message),
      ];
      const failed: string[] = [];
      for (const road of roads) {
        try {
          if (await road()) return;
        } catch (error) {
          failed.push(error instanceof Error ? error.message : String(error));
        }
      }
      log.error({ failed, userId: place.userId, channel: place.channel }, 'an answer could not be delivered');
    },
  };
}

/** True for Slack's own hosts and the configured API's: an address in a payload may be anywhere. */
export function isResponseUrl(url: string, apiUrl: string): boolean {
  try {
    const target = new URL(url);
    const api = new URL(apiUrl);
    if (target.host === api.host) return target.protocol === api.protocol;
    return target.protocol === 'https:' && (target.host === 'hooks.slack.com' || target.host === `hooks.${api.host}`);
  } catch {
    return false;
  }
}

async function byResponseUrl(place: ReplyPlace, message: Message, replace: boolean, apiUrl: string, log: Log): Promise<boolean> {
  const { responseUrl, threadTs } = place;
  if (responseUrl === undefined || responseUrl === '') return false;
  if (!isResponseUrl(responseUrl, apiUrl)) {
    log.warn({ userId: place.userId }, 'a response address that is not of Slack was not used');
    return false;
  }
  const inChannel = message.visibility === 'channel';
  const answer = await http(responseUrl, {
    method: 'POST',
    timeoutMs: responseTimeoutMs,
    json: {
      response_type: inChannel ? 'in_channel' : 'ephemeral',
      replace_original: replace && !inChannel,
      ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
      ...renderMessage(message),
      ...noUnfurl,
    },
  });
  if (answer.status >= 200 && answer.status < 300) return true;
  throw new Error(`response address answered ${answer.status}`);
}

async function byChannel(web: WebClient, place: ReplyPlace, message: Message): Promise<boolean> {
  if (place.channel === undefined) return false;
  const post = {
    channel: place.channel,
    ...renderMessage(message),
    ...(place.threadTs === undefined ? {} : { thread_ts: place.threadTs }),
  };
  if (message.visibility === 'channel') await web.chat.postMessage({ ...post, ...noUnfurl });
  else await web.chat.postEphemeral({ ...post, user: place.userId });
  return true;
}

async function byDirectMessage(web: WebClient, place: ReplyPlace, message: Message): Promise<boolean> {
  const { channel } = await web.conversations.open({ users: place.userId });
  if (channel?.id === undefined) return false;
  await web.chat.postMessage({ channel: channel.id, ...renderMessage(message), ...noUnfurl });
  return true;
}
