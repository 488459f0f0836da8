import type { Message, PersonRef } from '../core/message.ts';

/** What a person asked, however it came: typed, by a button, by a mention, on the page. */
export interface CommandRequest {
  /** The command line without `/flink`, for example `start etl-orders --build`; already unescaped by the adapter. */
  line: string;
  person: PersonRef;
  origin: {
    kind: 'typed' | 'button' | 'mention' | 'web';
    /** Slack channel where it was typed or clicked. */
    channel?: string;
    /** Root timestamp of the thread it was said in. */
    threadTs?: string;
    /** Timestamp of the message whose button was clicked. */
    messageTs?: string;
  };
  /** Names this very request (Slack trigger id, envelope, action): a replay gets the first answer and has no effect. */
  deliveryKey: string;
}

export interface CommandReply {
  message: Message;
  /** Set when the answer takes longer than a reply may: `message` says so, and this resolves with the answer. It never rejects. */
  later?: Promise<Message>;
  /** Nothing was done, and the message says why: a form that asked stays open with it. */
  refused?: true;
}

/** The one road for every command line; never throws, bad input is a reply. */
export type HandleCommand = (request: CommandRequest) => Promise<CommandReply>;
