import type { WebClient } from '@slack/web-api';
import type { Pickers } from '../commands/picker.ts';
import type { CommandReply, CommandRequest, HandleCommand } from '../commands/request.ts';
import { errorToMessage } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Message } from '../core/message.ts';
import type { LostToken } from './identity.ts';
import { OnceCache } from './once-cache.ts';
import type { Replies, ReplyPlace } from './replies.ts';

/** What all listeners share. */
export interface ListenerContext {
  handle: HandleCommand;
  /** The lists of jobs and restore points; without them a line that names no job gets its usage. */
  pickers: Pickers | undefined;
  log: Log;
  web: WebClient;
  replies: Replies;
  /** Slash commands that are ours, for example `/flink`. */
  commandNames: readonly string[];
  botUserId(): string | undefined;
  /** A Slack user group changed: what is cached of it is stale. */
  groupChanged(groupId: string): void;
  /** The id of the incident that a message tells of, or whose thread it begins. */
  incidentAt(channel: string, ts: string): Promise<string | undefined>;
  /** A channel takes messages again: the app was invited, or it is archived no more. */
  channelOpened(channel: string): Promise<void>;
  /** Slack says that the bot token holds no more. */
  tokenLost(reason: LostToken): void;
  /** How long after arrival an acknowledgement went out. */
  acknowledged(ms: number): void;
  /** Answers by delivery key, so that a redelivery is not handled twice by this process (the database excludes the rest). */
  answers: OnceCache<CommandReply>;
  /** Response addresses of what opened a form, by the name that the form carries. */
  clicks: Map<string, string>;
  /** Whether a form was opened, by delivery key: a redelivery has the same trigger, which is used by then. */
  opened: OnceCache<boolean>;
  /** Keeps sight of work that outlives its request; its failures are logged. */
  background(work: Promise<unknown>): void;
}

/** Slack gives up after 3 s; this leaves time for the way. */
export const ackWithinMs = 2_400;

/** A cache for the answers of the last ten minutes. */
export function answerCache<T>(): OnceCache<T> {
  return new OnceCache<T>({ ttlMs: 10 * 60_000, limit: 5_000 });
}

/** Hands a request to the commands once per delivery key; a fault becomes a plain sentence with a reference. Never rejects. */
export function ask(ctx: ListenerContext, request: CommandRequest): { first: boolean; result: Promise<CommandReply> } {
  return answerOnce(ctx, request.deliveryKey, () => ctx.handle(request));
}
/** Answers a delivery once; a fault becomes a plain sentence with a reference. Never rejects. */
export function answerOnce(
  ctx: ListenerContext,
  deliveryKey: string,
  work: () => Promise<CommandReply>,
): { first: boolean; result: Promise<CommandReply> } {
  return ctx.answers.run(deliveryKey, async () => {
    try {
      return await work();
    } catch (err) {
      const told = errorToMessage(err);
      ctx.log.error({ err, reference: told.reference, deliveryKey }, 'a Slack request failed');
      return { message: told.message, refused: true };
    }
  });
}

/** The result if it is there within the time, else undefined; the work goes on. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends a reply and, if it announced one, the later answer. */
export async function sendReply(ctx: ListenerContext, place: ReplyPlace, reply: CommandReply, replace = false): Promise<void> {
  await ctx.replies.send(place, reply.message, { replace });
  if (reply.later) await ctx.replies.send(place, await reply.later);
}

/** What a person is told while an answer takes longer than Slack waits. */
export const stillWorking: Message = { tone: 'busy', title: 'Still working on it, the answer follows here.', parts: [] };

/** When the request arrived, by the receiver's clock reading. */
export function arrival(context: Record<string, unknown>): number {
  return typeof context['receivedAt'] === 'number' ? context['receivedAt'] : Date.now();
}
