import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fourChannels, manifest, modal, rawApi, refuses, section, startPractice } from '../rig.ts';

const here = { channel: 'C1' };
const gone = '1700000000.000001';
const home = { type: 'home', blocks: [section('x')] };

/** Method, its scope and its tier (slack.md 1.1, https://docs.slack.dev/reference/methods), and arguments that get past both. */
const table: [method: string, scope: string | undefined, tier: string | undefined, args: Record<string, unknown>][] = [
  ['auth.test', undefined, undefined, {}],
  ['chat.postMessage', 'chat:write', 'postPerChannel', { ...here, text: 'x' }],
  ['chat.update', 'chat:write', 'update', { ...here, ts: gone, text: 'x' }],
  ['chat.delete', 'chat:write', 'tier3', { ...here, ts: gone }],
  ['chat.postEphemeral', 'chat:write', 'tier4', { ...here, user: 'U1', text: 'x' }],
  ['chat.getPermalink', undefined, undefined, { ...here, message_ts: gone }],
  ['conversations.history', 'channels:history', 'tier3', here],
  ['conversations.replies', 'channels:history', 'tier3', { ...here, ts: gone }],
  ['conversations.info', 'channels:read', 'tier3', here],
  ['conversations.members', 'channels:read', 'tier4', here],
  ['conversations.list', 'channels:read', 'tier2', {}],
  ['conversations.open', 'im:write', 'tier3', { users: 'U1' }],
  ['reactions.add', 'reactions:write', 'tier3', { ...here, name: 'eyes', timestamp: gone }],
  ['users.info', 'users:read', 'tier4', { user: 'U1' }],
  ['users.list', 'users:read', 'tier2', {}],
  ['usergroups.list', 'usergroups:read', 'tier2', {}],
  ['usergroups.users.list', 'usergroups:read', 'tier2', { usergroup: 'S1' }],
  ['views.open', undefined, 'tier4', { trigger_id: '1.2.a', view: modal() }],
  ['views.push', undefined, 'tier4', { trigger_id: '1.2.a', view: modal() }],
  ['views.update', undefined, 'tier4', { view_id: 'V1', view: modal() }],
  ['views.publish', undefined, 'tier4', { user_id: 'U1', view: home }],
];

test('scopes: a method without its scope is refused with what is needed and what is there (docs.slack.dev/reference/scopes)', async (t) => {
  const practice = await startPractice(t, { workspace: fourChannels, manifest: manifest({ scopes: ['commands'] }), limits: 'off' });
  for (const [method, scope, , args] of table) {
    if (scope === undefined) continue;
    const { needed, provided } = await refuses(practice, method, args, 'missing_scope');
    assert.deepEqual([needed, provided], [scope, 'commands'], method);
  }
});

test('tiers: each method has its own bucket of its tier, then 429 (docs.slack.dev/apis/web-api/rate-limits)', async (t) => {
  const calls: Record<string, number> = { postPerChannel: 1, tier2: 2, tier3: 3, tier4: 4, update: 5 };
  const limits = Object.fromEntries(Object.entries(calls).map(([tier, burst]) => [tier, { burst, perMinute: 1 }]));
  const scopes = [...new Set(table.flatMap(([, scope]) => scope ?? []))];
  const practice = await startPractice(t, { workspace: fourChannels, manifest: manifest({ scopes }), limits });
  for (const [method, , tier, args] of table) {
    let passed = 0;
    while (passed < 6 && (await rawApi(practice, method, args)).status === 200) passed++;
    assert.equal(passed, tier === undefined ? 6 : calls[tier], `${method} is ${tier ?? 'without a tier'}`);
  }
});

/** What real Slack refuses: arguments and error name, from the page of each method. */
const refused: [what: string, method: string, args: Record<string, unknown>, error: string][] = [
  ['an unknown method', 'chat.nothing', {}, 'unknown_method'],
  ['no channel', 'chat.postMessage', { text: 'x' }, 'invalid_arguments'],
  ['an unknown channel', 'chat.postMessage', { channel: 'C9', text: 'x' }, 'channel_not_found'],
  ['a private channel without the bot', 'chat.postMessage', { channel: 'C4', text: 'x' }, 'channel_not_found'],
  ['a channel by its name where only posting takes one', 'conversations.info', { channel: 'in' }, 'channel_not_found'],
  ['blocks that are no JSON', 'chat.postMessage', { ...here, blocks: '[{' }, 'invalid_blocks_format'],
  ['a thread that is not there', 'chat.postMessage', { ...here, text: 'x', thread_ts: gone }, 'thread_not_found'],
  ['a malformed timestamp', 'chat.update', { ...here, ts: '12', text: 'x' }, 'invalid_arguments'],
  ['an ephemeral message to nobody', 'chat.postEphemeral', { ...here, text: 'x', user: 'U9' }, 'user_not_found'],
  ['an ephemeral message where the bot is not', 'chat.postEphemeral', { channel: 'C2', text: 'x', user: 'U1' }, 'not_in_channel'],
  ['an ephemeral message to who is not there', 'chat.postEphemeral', { ...here, text: 'x', user: 'UBOT2' }, 'user_not_found'],
  ['history of a channel without the bot', 'conversations.history', { channel: 'C2' }, 'not_in_channel'],
  ['more of a history than a page holds', 'conversations.history', { ...here, limit: 1000 }, 'invalid_limit'],
  ['a made-up cursor', 'conversations.history', { ...here, cursor: 'x' }, 'invalid_cursor'],
  ['replies of no thread', 'conversations.replies', { ...here, ts: gone }, 'thread_not_found'],
  ['an unknown kind of conversation', 'conversations.list', { types: 'party' }, 'invalid_types'],
  ['a direct message to the app itself', 'conversations.open', { users: 'UBOT' }, 'cannot_dm_bot'],
  ['an unknown person', 'users.info', { user: 'U9' }, 'user_not_found'],
  ['an unknown user group', 'usergroups.users.list', { usergroup: 'S9' }, 'no_such_subteam'],
  ['a reaction of no name', 'reactions.add', { ...here, name: 'no such', timestamp: gone }, 'invalid_name'],
  ['a reaction to nothing', 'reactions.add', { ...here, name: 'eyes', timestamp: gone }, 'message_not_found'],
  ['a permalink of no message', 'chat.getPermalink', { ...here, message_ts: gone }, 'message_not_found'],
];
for (const [what, method, args, error] of refused) {
  test(`error names: ${what} is ${error} (docs.slack.dev/reference/methods/${method})`, async (t) => {
    const scopes = [...new Set(table.flatMap(([, scope]) => scope ?? []))];
    const practice = await startPractice(t, { workspace: fourChannels, manifest: manifest({ scopes }), limits: 'off' });
    await refuses(practice, method, args, error);
    assert.equal(practice.messages('in').length, 0);
  });
}
