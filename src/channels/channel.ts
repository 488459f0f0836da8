import type { Environment } from '../config/environment.ts';
import type { Log } from '../core/log.ts';
import type { IncidentRef, Message } from '../core/message.ts';
import type { Mark } from './mark.ts';

/** What is to be sent: a message for the first time, or its next edition where the channel cannot change what it has sent. */
export interface Outgoing {
  outboxId: string;
  message: Message;
  /** Set when the message is that of an incident. */
  incident: IncidentRef | undefined;
  /** What was sent of this message before; undefined: nothing yet. */
  before: Mark | undefined;
  /** The message in whose thread this one belongs, if it went out by a channel of this kind. */
  thread: Mark | undefined;
  /** Set when only these of its recipients lack it: the others have it. */
  only?: readonly string[];
  /** 1 for the first time. */
  edition: number;
  /** The same when the same content of the same edition is tried again, another one for anything else: an idempotency key. */
  key: string;
}

/** One recipient, and what the other side said of it. */
export interface Refusal {
  who: string;
  words: string;
}

/** What became of it. `answer` is what the other side said, without secrets, for the test of a channel. */
export type SendResult =
  /** `note` is given back in `before.note` and `thread.note` later. */
  | {
      is: 'sent';
      note?: string;
      answer?: string;
      /** Of several recipients those that were refused for now, and those that were refused for good; the others have it. */
      waiting?: Refusal[];
      left?: Refusal[];
    }
  /** The other side will not take it: repeating it as it is makes no sense. */
  | { is: 'refused'; reason: string; answer?: string }
  /** It was surely not sent, and may be later. Without a time: after a pause that doubles from failure to failure. */
  | { is: 'later'; reason: string; afterMs?: number; answer?: string }
  /** It may have been sent. It is sent once more, with the same key. */
  | { is: 'unknown'; reason: string; answer?: string };

/** One configured channel. A kind of channel is one file with a function that makes it from its settings. */
export interface Channel {
  /**
   * Sends every change (true), or only news: another title, another tone, another state of the incident (false, for channels that
   * cannot change what they have sent).
   */
  takesRepaints: boolean;
  /** Opens incidents elsewhere, so that a test must close what it opened. */
  opensIncidents?: boolean;
  send(outgoing: Outgoing): Promise<SendResult>;
}

export interface ChannelDeps {
  /** Address of the page, without a trailing slash: where buttons lead. */
  publicUrl: string;
  log: Log;
  /** Where secrets are read from; the environment of the process by default. */
  env?: Environment;
  /** Milliseconds since 1970; the clock by default. */
  now?: () => number;
}
