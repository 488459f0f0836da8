import { test } from 'node:test';
import { appToken, refuses, startPractice } from '../rig.ts';

const source = 'docs.slack.dev/authentication/tokens';

test(`token kinds: no token is not_authed (${source})`, async (t) => {
  await refuses(await startPractice(t), 'auth.test', {}, 'not_authed', '');
});
test(`token kinds: an unknown token is invalid_auth (${source})`, async (t) => {
  await refuses(await startPractice(t), 'auth.test', {}, 'invalid_auth', 'xoxb-other');
});
test(`token kinds: an app-level token for a bot's method is not_allowed_token_type (${source})`, async (t) => {
  await refuses(await startPractice(t), 'chat.postMessage', { channel: 'C0ETL', text: 'x' }, 'not_allowed_token_type', appToken);
});
test(`token kinds: a bot token for apps.connections.open is not_allowed_token_type (docs.slack.dev/reference/methods/apps.connections.open)`, async (t) => {
  await refuses(await startPractice(t), 'apps.connections.open', {}, 'not_allowed_token_type');
});
test(`token kinds: a revoked token is token_revoked, for every method of the bot (${source})`, async (t) => {
  const practice = await startPractice(t);
  practice.faults({ tokenRevoked: true });
  await refuses(practice, 'auth.test', {}, 'token_revoked');
  await refuses(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x' }, 'token_revoked');
});
