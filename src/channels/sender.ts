import type { Log } from '../core/log.ts';
import type { Delivery, PostResult, Sender } from '../outbox/sender.ts';
import type { Channel, Outgoing, SendResult } from './channel.ts';
import { incidentOf } from './incident.ts';
import { contentOf, decodeMark, encodeMark, type Mark, newsOf } from './mark.ts';
import { createPauses, type Pauses, pauseMs } from './pauses.ts';

/**
 * The channels of one kind as a sender of the outbox: its `channelKind` is the kind, its `channel` the configured name. What none of them
 * can do, change what was sent, is done by sending again when there is news. Nothing can be looked up either: what may have been sent is
 * sent once more with the same key.
 */
export function createSender(kind: string, channels: ReadonlyMap<string, Channel>, log: Log): Sender {
  const pauses = new Map<string, Pauses>();

  async function send(delivery: Delivery, before: Mark | undefined, ts: string | undefined): Promise<PostResult> {
    const name = delivery.channel;
    const channel = channels.get(name);
    if (channel === undefined) return { is: 'refused', reason: `no channel ${name} of kind ${kind} is configured` };
    const incident = incidentOf(delivery.message);
    const news = newsOf(delivery.message, incident);
    // Some lack what the others have: they alone get it.
    const rest = before?.news === news ? before.rest : undefined;
    if (rest === undefined && before !== undefined && ts !== undefined && before.news === news && !channel.takesRepaints)
      return { is: 'sent', channel: name, ts };
    const outgoing = rest && before ? restOf(delivery, before, rest.to) : outgoingOf(delivery, before);
    const result = restResult(await guarded(channel, outgoing, log), rest);
    const pause = pauses.get(name) ?? createPauses();
    pauses.set(name, pause);
    switch (result.is) {
      case 'sent': {
        pause.reset();
        const { waiting = [], left = [] } = result;
        const { tries, since } = rest ? { ...rest, tries: rest.tries + 1 } : { tries: 0, since: Date.now() };
        const goesOn = waiting.length > 0 && Date.now() - since < keepTryingMs;
        const lost = goesOn ? left : [...left, ...waiting];
        const note = result.note ?? before?.note ?? '';
        const mark: Mark = { outboxId: delivery.outboxId, edition: outgoing.edition, news, note };
        return {
          is: 'sent',
          channel: name,
          ts: encodeMark(goesOn ? { ...mark, rest: { to: waiting.map((one) => one.who), tries, since } } : mark),
          ...(goesOn ? { again: { afterMs: pauseMs(tries), reason: waiting.map((one) => `${one.who}: ${one.words}`).join('; ') } } : {}),
          // That nobody is left out is only known of a message that went to all.
          ...(rest && lost.length === 0 ? {} : { left: lost }),
        };
      }
      case 'later':
        return { is: 'later', afterMs: result.afterMs ?? pause.nextMs(), reason: result.reason };
      default:
        return { is: result.is, reason: result.reason };
    }
  }

  return {
    kind,
    post: (delivery) => send(delivery, undefined, undefined),
    update: (delivery) => send(delivery, decodeMark(delivery.ts), delivery.ts),
    find: async () => undefined,
  };
}

/** Recipients that are refused for now are tried again for a day. */
const keepTryingMs = 24 * 3_600_000;

/** A message for those alone that lack it: the same edition, as it went to the others. */
function restOf(delivery: Delivery, before: Mark, to: readonly string[]): Outgoing {
  const first = outgoingOf(delivery, undefined);
  const { edition } = before;
  const key = `${delivery.outboxId}.${edition}.${contentOf(delivery.message)}`;
  return { ...first, key, edition, before: edition === 1 ? undefined : before, only: to };
}
/** What is refused for the rest is no refusal of the message: the others have it. */
function restResult(result: SendResult, rest: Mark['rest']): SendResult {
  if (rest === undefined || result.is !== 'refused') return result;
  return { is: 'sent', left: rest.to.map((who) => ({ who, words: result.reason })) };
}

/** What a channel is given for a delivery. */
export function outgoingOf(delivery: Delivery, before: Mark | undefined): Outgoing {
  const { outboxId, message } = delivery;
  const edition = (before?.edition ?? 0) + 1;
  const key = `${outboxId}.${edition}.${contentOf(message)}`;
  return { outboxId, message, incident: incidentOf(message), before, thread: decodeMark(delivery.threadTs), edition, key };
}

/** A fault of ours is no reason to lose the message, nor to throw. The error itself may hold what it was sent with, so its kind alone is told. */
export async function guarded(channel: Channel, outgoing: Outgoing, log: Log): Promise<SendResult> {
  try {
    return await channel.send(outgoing);
  } catch (error) {
    const kind = error instanceof Error ? error.name : typeof error;
    log.error({ outboxId: outgoing.outboxId, kind }, 'a channel failed by a fault of Sluice');
    return { is: 'unknown', reason: `a fault of Sluice (${kind})` };
  }
}
