import { newId } from '../core/ids.ts';
import type { IncidentRef } from '../core/message.ts';
import { fields, type Message, message, text } from '../core/message.ts';
import { formatDuration } from '../core/time.ts';
import type { Channel, ChannelDeps, SendResult } from './channel.ts';
import { guarded, outgoingOf } from './sender.ts';

/** What came back for a test message. */
export interface ChannelTest {
  channel: string;
  kind: string;
  result: SendResult;
  tookMs: number;
  /** The same for people. */
  reply: Message;
}

/** Sends a test message. Where that opens an incident, of the lowest severity, it is closed at once. */
export async function runTest(
  { name, kind, channel }: { name: string; kind: string; channel: Channel },
  deps: ChannelDeps,
): Promise<ChannelTest> {
  const clock = deps.now ?? Date.now;
  const began = clock();
  const outboxId = newId('test');
  const send = (state: IncidentRef['state'], before: SendResult | undefined) => {
    const incident: IncidentRef = { id: outboxId, state, cause: 'test', since: new Date(began).toISOString() };
    const delivery = { outboxId, channel: name, threadTs: undefined, message: { ...testMessage(name), incident } };
    const note = before?.is === 'sent' ? (before.note ?? '') : '';
    return guarded(channel, outgoingOf(delivery, before && { outboxId, edition: 1, news: '', note }), deps.log);
  };
  let result = await send('firing', undefined);
  if (result.is === 'sent' && channel.opensIncidents) {
    const closed = await send('resolved', result);
    if (closed.is !== 'sent') result = closed;
  }
  const tookMs = clock() - began;
  return { channel: name, kind, result, tookMs, reply: replyOf(name, kind, result, tookMs) };
}

function testMessage(name: string): Message {
  return message(
    'neutral',
    'Test message from Sluice',
    text(`The channel ${name} works: messages of Sluice arrive here. There is nothing to do.`),
  );
}

const titles: Record<SendResult['is'], (name: string) => string> = {
  sent: (name) => `The test message to ${name} was taken`,
  refused: (name) => `The test message to ${name} was refused`,
  later: (name) => `The test message to ${name} could not be sent now`,
  unknown: (name) => `Whether the test message to ${name} arrived is unknown`,
};
function notTaken(result: SendResult): string | undefined {
  const refused = result.is === 'sent' ? [...(result.waiting ?? []), ...(result.left ?? [])] : [];
  return refused.length > 0 ? refused.map(({ who, words }) => `${who}: ${words}`).join('; ') : undefined;
}
function replyOf(name: string, kind: string, result: SendResult, tookMs: number): Message {
  return message(
    notTaken(result) ? 'warn' : result.is === 'sent' ? 'good' : result.is === 'refused' ? 'bad' : 'warn',
    titles[result.is](name),
    fields([
      ['Kind', kind],
      ['Answer', result.answer],
      ['Not taken for', notTaken(result)],
      ['Reason', result.is === 'sent' || result.reason === result.answer ? undefined : result.reason],
      ['Took', formatDuration(tookMs)],
    ]),
  );
}
