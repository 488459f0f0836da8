import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChannelSettings } from '../../src/config/channels.ts';
import { chosenChannels } from '../../src/config/chosen-channels.ts';
import { ConfigError } from '../../src/core/errors.ts';

const configured = { 'oncall-mail': { kind: 'email' }, pager: { kind: 'events' } } as unknown as Record<string, ChannelSettings>;

test('channels are named with their kinds; one that is not configured is refused with the nearest name', () => {
  assert.deepEqual(chosenChannels(configured, ['pager', 'oncall-mail'], 'incidents.channels'), [
    { kind: 'events', name: 'pager' },
    { kind: 'email', name: 'oncall-mail' },
  ]);
  assert.throws(
    () => chosenChannels(configured, ['oncal-mail'], 'incidents.channels'),
    (error) =>
      error instanceof ConfigError &&
      error.message === 'incidents.channels names the channel oncal-mail, which is not configured.' &&
      error.hint === 'Did you mean oncall-mail?',
  );
});
