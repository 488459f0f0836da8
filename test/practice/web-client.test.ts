import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, WebClient } from '@slack/web-api';
import { botToken, section, startHttpPractice } from './rig.ts';

/** The error that Slack's client makes of a refusal. */
async function refusal(call: Promise<unknown>): Promise<{ code: string; error?: string; retryAfter?: number }> {
  const error = (await call.then(
    () => assert.fail('was not refused'),
    (e: unknown) => e,
  )) as { code: string; data?: { error: string }; retryAfter?: number };
  return {
    code: error.code,
    ...(error.data ? { error: error.data.error } : {}),
    ...(error.retryAfter ? { retryAfter: error.retryAfter } : {}),
  };
}

test("Slack's own client alone: everything Sluice does with the Web API", async (t) => {
  const { practice, app, emma } = await startHttpPractice(t);
  const web = new WebClient(botToken, { slackApiUrl: practice.apiUrl, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true });
  const who = await web.auth.test();
  assert.deepEqual([who.team_id, who.user_id, who.bot_id], ['T0PRACTICE', 'U0SLUICE', 'B0SLUICE']);

  const channel = 'C0ETL';
  const blocks = [section('*queued*')] as never;
  const posted = await web.chat.postMessage({ channel, text: '{queued', blocks, unfurl_links: false, unfurl_media: false });
  const ts = String(posted.ts);
  assert.equal(posted.message?.text, '{queued');
  await web.chat.update({ channel, ts, text: 'running', blocks: [section('*running*')] as never });
  await web.chat.postMessage({ channel, text: 'step 1', thread_ts: ts });
  await web.reactions.add({ channel, timestamp: ts, name: 'eyes' });
  const { messages = [] } = await web.conversations.replies({ channel, ts });
  assert.deepEqual(
    messages.map((m) => [m.text, m.thread_ts, m.edited?.user]),
    [
      ['running', ts, 'U0SLUICE'],
      ['step 1', ts, undefined],
    ],
  );
  assert.deepEqual(messages[0]?.reactions, [{ name: 'eyes', users: ['U0SLUICE'], count: 1 }]);
  assert.equal((await web.conversations.history({ channel, oldest: ts, inclusive: true })).messages?.length, 1);
  assert.match(String((await web.chat.getPermalink({ channel, message_ts: ts })).permalink), /\/archives\/C0ETL\/p\d{16}$/);

  assert.equal((await web.users.info({ user: 'U0LENA' })).user?.real_name, 'Lena Brandt');
  const seen: unknown[] = [];
  for await (const page of web.paginate('users.list', { limit: 3 })) seen.push(...((page as { members?: unknown[] }).members ?? []));
  assert.equal(seen.length, 9);
  assert.deepEqual((await web.usergroups.users.list({ usergroup: 'S0LEADS' })).users, ['U0LENA', 'U0LARS']);
  assert.equal((await web.conversations.info({ channel })).channel?.name, 'etl');
  assert.ok((await web.conversations.members({ channel })).members?.includes('U0EMMA'));
  const dm = await web.conversations.open({ users: 'U0EMMA' });
  await web.chat.postMessage({ channel: String(dm.channel?.id), text: 'Approved.' });
  assert.equal((await emma.history('dm'))[0]?.text, 'Approved.');

  await emma.types('/flink x', { channel: 'etl' });
  const view = { type: 'modal', title: { type: 'plain_text', text: 'Loading' }, blocks } as never;
  const opened = await web.views.open({ trigger_id: String(app.received[0]?.form.get('trigger_id')), view });
  const next = { type: 'modal', title: { type: 'plain_text', text: 'Ready' }, blocks } as never;
  await web.views.update({ view_id: String(opened.view?.id), hash: String(opened.view?.hash), view: next });
  assert.equal((await emma.seesModal('Ready')).title, 'Ready');
  await web.views.publish({ user_id: 'U0EMMA', view: { type: 'home', blocks } });

  await web.chat.postEphemeral({ channel, user: 'U0EMMA', text: 'only you' });
  assert.equal((await web.chat.delete({ channel, ts })).ok, true);

  assert.deepEqual(await refusal(web.chat.postMessage({ channel, text: 'x', blocks: [{ type: 'fancy' }] as never })), {
    code: ErrorCode.PlatformError,
    error: 'invalid_blocks',
  });
  practice.faults({ rateLimitNext: 1, retryAfterS: 3 });
  assert.deepEqual(await refusal(web.chat.postMessage({ channel, text: 'x' })), { code: ErrorCode.RateLimitedError, retryAfter: 3 });
  practice.faults({ serverErrorNext: 1 });
  assert.equal((await refusal(web.chat.postMessage({ channel, text: 'x' }))).code, ErrorCode.HTTPError);
  practice.faults({ dropAfterAcceptNext: 1 });
  assert.equal((await refusal(web.chat.postMessage({ channel, text: 'x' }))).code, ErrorCode.RequestError);
});
