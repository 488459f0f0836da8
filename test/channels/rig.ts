import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ChannelDeps } from '../../src/channels/channel.ts';
import { type Channels, createChannels } from '../../src/channels/index.ts';
import { type ChannelKind, Channels as ChannelsSchema } from '../../src/config/channels.ts';
import type { Environment } from '../../src/config/environment.ts';
import type { Log } from '../../src/core/log.ts';
import { actions, fields, type IncidentRef, type Message, message, text } from '../../src/core/message.ts';
import type { Delivery, Sender } from '../../src/outbox/sender.ts';
import { certificate } from './certificate.ts';

export const publicUrl = 'https://sluice.example';

/** Channels from settings as they are typed in `sluice.yaml`. */
export function channelsOf(settings: Record<string, unknown>, env: Environment = {}, change: Partial<ChannelDeps> = {}): Channels {
  return createChannels(ChannelsSchema.parse(settings), { publicUrl, log: noteLog().log, env, ...change });
}
/** The sender of a kind, as the outbox would find it. */
export function senderOf(channels: Channels, kind: ChannelKind): Sender {
  const sender = channels.senders.find((each) => each.kind === kind);
  if (!sender) throw new Error(`no sender of kind ${kind}`);
  return sender;
}
export function deliveryOf(channel: string, what: Message, change: Partial<Delivery> = {}): Delivery {
  return { outboxId: 'msg_4k2m9x7qw3tz', channel, threadTs: undefined, message: what, ...change };
}

/** The message of an incident, as on-call gets it. */
export function incidentMessage(state: IncidentRef['state'], change: Partial<Message> = {}): Message & { incident: IncidentRef } {
  const over = state === 'resolved';
  return {
    ...message(
      over ? 'good' : 'bad',
      over ? 'Resolved: etl-orders failed' : 'etl-orders failed',
      text('The job ended by itself, see ', { link: 'the dashboard', url: 'https://grafana.example/d/1?a=1&b=2' }),
      fields([
        ['Since', [{ time: '2026-11-25T08:15:00Z' }]],
        ['Cluster', 'standalone'],
      ]),
      { kind: 'code', text: 'java.lang.IllegalStateException: no\n\tat org.example.Job.main(Job.java:42)' },
      ...(over
        ? []
        : [actions({ label: 'Resume', command: 'start etl-orders', style: 'primary' }, { label: 'Logs', command: 'logs etl-orders' })]),
    ),
    ...change,
    incident: { id: 'inc_8h3k2m9x7qw3', state, cause: 'failed', job: 'etl-orders', cluster: 'standalone', since: '2026-11-25T08:15:00Z' },
  };
}

/** A log that keeps everything as text, to look for secrets in it. */
export function noteLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const note = (facts: object, line: string) =>
    void lines.push(
      `${line} ${JSON.stringify(facts, (_key, value) => (value instanceof Error ? `${value.stack} ${JSON.stringify(value)}` : value))}`,
    );
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  return { log, lines };
}

/** A folder with the certificate of the mail server's authority; removed after the test. */
export function caFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ca-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'ca.pem');
  writeFileSync(file, certificate);
  return file;
}
