import type { Message } from '../core/message.ts';
import type { LeftOut } from '../db/schema/index.ts';

/** What one outbox row asks of a channel. */
export interface Delivery {
  outboxId: string;
  /** Where to post (the fallback once the first place refused). */
  channel: string;
  threadTs: string | undefined;
  message: Message;
}
export type PostResult =
  | {
      is: 'sent';
      channel: string;
      ts: string;
      permalink?: string;
      /** Some of several recipients do not have it yet: the sender is asked again then, with this `ts`, and sends to those alone. */
      again?: { afterMs: number; reason: string };
      /** Who of several was refused for good; empty: nobody; absent: nothing new is known. */
      left?: LeftOut['recipients'];
    }
  /** The channel refuses for good (archived, not a member, token revoked): `reason` is the channel's own error name. */
  | { is: 'refused'; reason: string }
  /** The whole channel asks to be left alone for this long (rate limit, revoked token): order is kept. */
  | { is: 'later'; afterMs: number; reason: string }
  /** No answer: it may have been posted, or edited. */
  | { is: 'unknown'; reason: string };

/**
 * A kind of channel that messages go out by; one file each, wired by the roof. Senders never retry by themselves and never throw
 * for what the other side answers.
 */
export interface Sender {
  kind: string;
  /** Posts a new message that carries the outbox id where it can be found again (Slack: message metadata). */
  post(delivery: Delivery): Promise<PostResult>;
  /** Replaces a message's content. */
  update(delivery: Delivery & { ts: string }): Promise<PostResult>;
  /**
   * Looks for a post that may have been made since the given time; undefined if there is none, or if this channel cannot tell;
   * `unclear` if it may tell later: then the post waits.
   */
  find(delivery: Delivery, since: Date): Promise<{ channel: string; ts: string } | 'unclear' | undefined>;
}
