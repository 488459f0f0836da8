import { messageToText } from '../../src/core/message.ts';
import type { Delivery, PostResult, Sender } from '../../src/outbox/sender.ts';

export interface Sent {
  what: 'post' | 'update' | 'find';
  outboxId: string;
  channel: string;
  threadTs: string | undefined;
  title: string;
  /** All of it. */
  text: string;
  ts: string | undefined;
  at: number;
}
export interface FakeSender extends Sender {
  sent: Sent[];
  /** What stands in the channel: by ts. */
  visible: Map<string, { channel: string; outboxId: string; title: string; threadTs: string | undefined }>;
  /** Decides the result of a call instead of "it worked"; undefined: it worked. */
  on: { post?: Hook; update?: Hook; find?: (sent: Sent) => Awaited<ReturnType<Sender['find']>> };
}
type Hook = (sent: Sent) => PostResult | undefined | Promise<PostResult | undefined>;

/** A channel in memory that behaves as scripted, and remembers every call. */
export function fakeSender(): FakeSender {
  let n = 0;
  const note = (what: Sent['what'], delivery: Delivery, ts?: string): Sent => {
    const { outboxId, channel, threadTs, message } = delivery;
    const sent: Sent = { what, outboxId, channel, threadTs, title: message.title, text: messageToText(message), ts, at: performance.now() };
    fake.sent.push(sent);
    return sent;
  };
  const fake: FakeSender = {
    kind: 'slack',
    sent: [],
    visible: new Map(),
    on: {},
    async post(delivery) {
      const sent = note('post', delivery);
      const scripted = await fake.on.post?.(sent);
      if (scripted) return scripted;
      const ts = `ts-${++n}`;
      fake.visible.set(ts, { channel: sent.channel, outboxId: sent.outboxId, title: sent.title, threadTs: sent.threadTs });
      return { is: 'sent', channel: sent.channel, ts, permalink: `https://slack.example/${ts}` };
    },
    async update(delivery) {
      const sent = note('update', delivery, delivery.ts);
      const scripted = await fake.on.update?.(sent);
      if (scripted) return scripted;
      const there = fake.visible.get(delivery.ts);
      if (!there) return { is: 'refused', reason: 'message_not_found' };
      there.title = sent.title;
      return { is: 'sent', channel: sent.channel, ts: delivery.ts };
    },
    async find(delivery) {
      const sent = note('find', delivery);
      if (fake.on.find) return fake.on.find(sent);
      for (const [ts, there] of fake.visible) if (there.outboxId === sent.outboxId) return { channel: there.channel, ts };
      return undefined;
    },
  };
  return fake;
}
