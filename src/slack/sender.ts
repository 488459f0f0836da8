import { WebAPIHTTPError, type WebClient } from '@slack/web-api';
import type { Log } from '../core/log.ts';
import type { Delivery, PostResult, Sender } from '../outbox/sender.ts';
import { webClient } from './client.ts';
import { ExpiringCache } from './expiring-cache.ts';
import { isLostToken, type LostToken } from './identity.ts';
import { renderMessage } from './render.ts';
import { blockedWords, dislikesBlocks, nameOfError, resultOfError, tokenPauseMs } from './sender-errors.ts';

/** The link is a nicety: a post must not wait for it. */
const permalinkTimeoutMs = 2_000;
/** Clocks differ: a post is looked for from a little earlier. */
const earlierMs = 60_000;
const pageSize = 200;
const pagesAtMost = 5;
/** Looks that Slack answered, but not with messages, before a post is made without having looked. */
const vainLooksAtMost = 10;
const metadataType = 'sluice_message';

export interface SenderOptions {
  botToken: string;
  apiUrl: string;
  log: Log;
  /** What is known of the bot token; while it is refused nothing is tried. */
  token?: { lost(): LostToken | undefined; doubt(reason: LostToken): void };
  /** Told what Slack refuses everything for, in a sentence; undefined once it took something. */
  onBlocked?(problem: string | undefined): void;
}

/**
 * Slack as a channel of the outbox. Posts carry the outbox id as message metadata (readable by the whole workspace, so an id only), by
 * which `find` recognises a post whose answer was lost.
 */
export function createSender(options: SenderOptions): Sender {
  const { botToken, apiUrl, log } = options;
  const web = webClient(botToken, apiUrl, log);
  const quick = webClient(botToken, apiUrl, log, { timeoutMs: permalinkTimeoutMs });
  const permalinks = new ExpiringCache<string>({ ttlMs: 24 * 3_600_000, limit: 5_000 });

  const vainLooks = new Map<string, number>();

  /** While the token is refused, messages wait for it. */
  function waiting(): PostResult | undefined {
    const reason = options.token?.lost();
    return reason === undefined ? undefined : { is: 'later', afterMs: tokenPauseMs, reason };
  }
  function failed(error: unknown): PostResult {
    const name = nameOfError(error);
    if (isLostToken(name)) options.token?.doubt(name);
    const words = name === undefined ? undefined : blockedWords(name);
    if (words !== undefined) options.onBlocked?.(words);
    return resultOfError(error);
  }
  async function sent(channel: string, ts: string): Promise<PostResult> {
    options.onBlocked?.(undefined);
    const permalink = await permalinks.get(`${channel}/${ts}`, () => permalinkOf(quick, channel, ts));
    return permalink === undefined ? { is: 'sent', channel, ts } : { is: 'sent', channel, ts, permalink };
  }
  /** With blocks; if Slack dislikes them, which is a fault of ours, the plain text still goes out. */
  async function withBlocks<T>(delivery: Delivery, call: (content: Content) => Promise<T>): Promise<T> {
    const content = renderMessage(delivery.message);
    try {
      return await call(content);
    } catch (error) {
      if (!dislikesBlocks(error)) throw error;
      log.error({ err: error, outboxId: delivery.outboxId }, 'Slack dislikes the blocks of a message, its text is sent alone');
      return await call({ text: content.text, blocks: [] });
    }
  }

  return {
    kind: 'slack',
    post: async (delivery) => {
      const wait = waiting();
      if (wait) return wait;
      try {
        const answer = await withBlocks(delivery, (content) =>
          web.chat.postMessage({
            channel: delivery.channel,
            ...content,
            ...(delivery.threadTs === undefined ? {} : { thread_ts: delivery.threadTs }),
            metadata: { event_type: metadataType, event_payload: { outbox_id: delivery.outboxId } },
            unfurl_links: false,
            unfurl_media: false,
          }),
        );
        if (!answer.channel || !answer.ts) return { is: 'unknown', reason: 'Slack named no message' };
        return await sent(answer.channel, answer.ts);
      } catch (error) {
        return failed(error);
      }
    },
    update: async (delivery) => {
      const wait = waiting();
      if (wait) return wait;
      try {
        await withBlocks(delivery, (content) => web.chat.update({ channel: delivery.channel, ts: delivery.ts, ...content }));
        return await sent(delivery.channel, delivery.ts);
      } catch (error) {
        return failed(error);
      }
    },
    find: async (delivery, since) => {
      const { outboxId } = delivery;
      if (waiting()) return 'unclear';
      try {
        const found = await findPost(web, delivery, new Date(since.getTime() - earlierMs));
        vainLooks.delete(outboxId);
        return found;
      } catch (err) {
        log.warn({ err, outboxId }, 'cannot look whether a message was posted');
        const why = failed(err);
        const name = nameOfError(err);
        // It may not look there (a scope, a channel that it is not in), or never can: then the post is made.
        if (why.is === 'refused' || (name !== undefined && blockedWords(name) !== undefined)) return undefined;
        const answered = err instanceof WebAPIHTTPError || (name !== undefined && why.is === 'unknown');
        const vain = (vainLooks.get(outboxId) ?? 0) + (answered ? 1 : 0);
        vainLooks.set(outboxId, vain);
        if (vain < vainLooksAtMost) return 'unclear';
        vainLooks.delete(outboxId);
        return undefined;
      }
    },
  };
}

type Content = ReturnType<typeof renderMessage>;

async function permalinkOf(web: WebClient, channel: string, ts: string): Promise<string | undefined> {
  try {
    return (await web.chat.getPermalink({ channel, message_ts: ts })).permalink;
  } catch {
    return undefined;
  }
}

/** Reads the channel, or the thread, back (Slack `conversations.history`, `conversations.replies`) for the outbox id. */
async function findPost(web: WebClient, delivery: Delivery, since: Date): Promise<{ channel: string; ts: string } | undefined> {
  const channel = /^[UW]/.test(delivery.channel) ? await directChannel(web, delivery.channel) : delivery.channel;
  if (channel === undefined) return undefined;
  const oldest = (since.getTime() / 1000).toFixed(6);
  let cursor: string | undefined;
  for (let page = 0; page < pagesAtMost; page++) {
    const args = { channel, oldest, limit: pageSize, include_all_metadata: true, ...(cursor ? { cursor } : {}) };
    const answer = delivery.threadTs
      ? await web.conversations.replies({ ...args, ts: delivery.threadTs })
      : await web.conversations.history(args);
    for (const post of answer.messages ?? []) {
      const payload = post.metadata?.event_payload as { outbox_id?: unknown } | undefined;
      if (payload?.outbox_id === delivery.outboxId && post.ts) return { channel, ts: post.ts };
    }
    cursor = answer.response_metadata?.next_cursor;
    if (!cursor) return undefined;
  }
  return undefined;
}
async function directChannel(web: WebClient, userId: string): Promise<string | undefined> {
  return (await web.conversations.open({ users: userId })).channel?.id;
}
