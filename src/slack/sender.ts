import type { WebClient } from '@slack/web-api';
import type { Log } from '../core/log.ts';
import type { Delivery, PostResult, Sender } from '../outbox/sender.ts';
import { webClient } from './client.ts';
import { ExpiringCache } from './expiring-cache.ts';
import { renderMessage } from './render.ts';
import { dislikesBlocks, resultOfError } from './sender-errors.ts';

/** The link is a nicety: a post must not wait for it. */
const permalinkTimeoutMs = 2_000;
/** Clocks differ: a post is looked for from a little earlier. */
const earlierMs = 5_000;
const pageSize = 100;
const pagesAtMost = 5;
const metadataType = 'sluice_message';

/**
 * Slack as a channel of the outbox. Posts carry the outbox id as message metadata (readable by the whole workspace, so an id only), by
 * which `find` recognises a post whose answer was lost.
 */
export function createSender(options: { botToken: string; apiUrl: string; log: Log }): Sender {
  const { botToken, apiUrl, log } = options;
  const web = webClient(botToken, apiUrl, log);
  const quick = webClient(botToken, apiUrl, log, { timeoutMs: permalinkTimeoutMs });
  const permalinks = new ExpiringCache<string>({ ttlMs: 24 * 3_600_000, limit: 5_000 });

  async function sent(channel: string, ts: string): Promise<PostResult> {
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
        return resultOfError(error);
      }
    },
    update: async (delivery) => {
      try {
        await withBlocks(delivery, (content) => web.chat.update({ channel: delivery.channel, ts: delivery.ts, ...content }));
        return await sent(delivery.channel, delivery.ts);
      } catch (error) {
        return resultOfError(error);
      }
    },
    find: async (delivery, since) => {
      try {
        return await findPost(web, delivery, new Date(since.getTime() - earlierMs));
      } catch (err) {
        log.warn({ err, outboxId: delivery.outboxId }, 'cannot look whether a message was posted');
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
