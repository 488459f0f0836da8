import { ConfigError } from '../core/errors.ts';
import { nearest } from '../core/text.ts';
import type { ChannelSettings } from './channels.ts';

/**
 * Names of configured channels with their kinds, as the outbox addresses them.
 * @param key the setting that names them, for the sentence that refuses.
 * @throws ConfigError for a name that is not configured.
 */
export function chosenChannels(
  configured: Readonly<Record<string, ChannelSettings>>,
  names: readonly string[],
  key: string,
): { kind: string; name: string }[] {
  return names.map((name) => {
    const found = configured[name];
    if (found) return { kind: found.kind, name };
    const [near] = nearest(name, Object.keys(configured), 1);
    throw new ConfigError(`${key} names the channel ${name}, which is not configured.`, {
      hint: near ? `Did you mean ${near}?` : 'Set it up under channels in sluice.yaml; docs/channels.md shows how.',
    });
  });
}
