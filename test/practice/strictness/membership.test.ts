import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, manifest, startHttpPractice } from '../rig.ts';

const source = 'docs.slack.dev/reference/events';
const events = ['member_joined_channel', 'channel_unarchive', 'app_uninstalled', 'tokens_revoked'];
const told = (received: { body: string }[]) =>
  received
    .map((r) => JSON.parse(r.body).event)
    .map((event) => [event.type, event.channel, event.user].filter((part) => part !== undefined).join(' '));

test(`member_joined_channel: told of arrivals where the app is, its own too, with channels:read (${source}/member_joined_channel)`, async (t) => {
  const { people, app, emma } = await startHttpPractice(t, { manifest: manifest({ events, scopes: ['commands', 'channels:read'] }) });
  await people.control('channels', { channel: 'etl', kickBot: true });
  await people.control('channels', { channel: 'etl', inviteBot: true });
  await people.control('channels', { channel: 'etl', inviteBot: true });
  await emma.says('/invite @otto', { channel: 'etl' });
  await app.until(1);
  assert.deepEqual(told(app.received), ['member_joined_channel C0ETL U0SLUICE'], 'otto was there already');
  const poor = await startHttpPractice(t, { manifest: manifest({ events, scopes: ['commands'] }) });
  await poor.people.control('channels', { channel: 'etl', kickBot: true });
  await poor.people.control('channels', { channel: 'etl', inviteBot: true });
  await poor.emma.types('/flink x', { channel: 'etl' });
  assert.equal(poor.app.received[0]?.form.get('command'), '/flink');
});

test(`channel_unarchive: told when a channel is archived no more, once (${source}/channel_unarchive)`, async (t) => {
  const { people, app, emma } = await startHttpPractice(t, { manifest: manifest({ events, scopes: ['commands', 'channels:read'] }) });
  for (const archived of [true, false, false]) await people.control('channels', { channel: 'etl', archived });
  await app.until(1);
  await emma.types('/flink x', { channel: 'etl' });
  assert.match(told(app.received.slice(0, 1))[0] ?? '', /^channel_unarchive C0ETL/);
  assert.equal(app.received.length, 2);
});

test(`app_uninstalled: told with tokens_revoked, and the token holds no more (${source}/app_uninstalled)`, async (t) => {
  const { people, app, practice } = await startHttpPractice(t, { manifest: manifest({ events, scopes: ['commands'] }) });
  await people.control('uninstall');
  await app.until(2);
  assert.deepEqual(told(app.received).sort(), ['app_uninstalled', 'tokens_revoked']);
  assert.equal((await api(practice, 'auth.test', {})).error, 'token_revoked');
});
