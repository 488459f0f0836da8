import type { ChannelKind, ChannelSettings, SettingsOf } from '../config/channels.ts';
import { NotFoundError } from '../core/errors.ts';
import { nearest } from '../core/text.ts';
import type { Sender } from '../outbox/sender.ts';
import type { Channel, ChannelDeps } from './channel.ts';
import { createEmail } from './email.ts';
import { createEvents } from './events.ts';
import { createDingtalk, createLark, createWecom } from './robots.ts';
import { createSender } from './sender.ts';
import { type ChannelTest, runTest } from './test-message.ts';
import { createWebhook } from './webhook.ts';

/** Every kind of channel beside Slack. A new one is a file, its settings in config/channels.ts and a line here. */
const kinds: { [K in ChannelKind]: (settings: SettingsOf<K>, deps: ChannelDeps) => Channel } = {
  email: createEmail,
  webhook: createWebhook,
  events: createEvents,
  wecom: createWecom,
  dingtalk: createDingtalk,
  lark: createLark,
};

export interface Channels {
  /** One for each kind, also for kinds without a channel: they refuse what is left of a channel that is no longer configured. */
  senders: Sender[];
  list(): { name: string; kind: ChannelKind }[];
  /**
   * Sends a test message past the outbox and tells exactly what came back.
   * @throws NotFoundError when no channel of that name is configured
   */
  test(name: string): Promise<ChannelTest>;
}

/** The configured channels. A message goes to one by the outbox's `channelKind` (the kind) and `channel` (the configured name). */
export function createChannels(config: Readonly<Record<string, ChannelSettings>>, deps: ChannelDeps): Channels {
  const made = Object.entries(config).map(([name, settings]) => ({ name, kind: settings.kind, channel: make(settings, deps) }));
  return {
    senders: (Object.keys(kinds) as ChannelKind[]).map((kind) => {
      const ofKind = made.filter((entry) => entry.kind === kind).map(({ name, channel }) => [name, channel] as const);
      return createSender(kind, new Map(ofKind), deps.log);
    }),
    list: () => made.map(({ name, kind }) => ({ name, kind })),
    async test(name) {
      const entry = made.find((each) => each.name === name);
      if (entry) return runTest(entry, deps);
      const names = made.map((each) => each.name);
      const near = nearest(name, names, 1)[0];
      throw new NotFoundError(`There is no channel ${name}.`, {
        hint: near
          ? `Did you mean ${near}?`
          : names.length > 0
            ? `There are: ${names.join(', ')}.`
            : 'Set one up in sluice.yaml; docs/channels.md shows how.',
      });
    },
  };
}

function make<K extends ChannelKind>(settings: SettingsOf<K>, deps: ChannelDeps): Channel {
  return kinds[settings.kind as K](settings, deps);
}
