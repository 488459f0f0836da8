import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { CommandReply } from '../../src/commands/request.ts';
import { http } from '../../src/core/http.ts';
import { silentLog } from '../../src/core/log.ts';
import { message } from '../../src/core/message.ts';
import { createSlack } from '../../src/slack/app.ts';
import { signatureOf } from '../../src/slack/signature.ts';
import { fakeSlack } from './fake-slack.ts';

test('a form whose verdict comes too late for it closes; what was typed is in the refusal that follows', { timeout: 30_000 }, async (t) => {
  const slack = await fakeSlack();
  t.after(() => slack.close());
  slack.on('auth.test', { json: { ok: true, team_id: 'T1', user_id: 'U0BOT', bot_id: 'B1' } });
  const told = Promise.withResolvers<string>();
  slack.on('chat.postEphemeral', (args) => {
    told.resolve(args['blocks'] ?? '');
    return { json: { ok: true, message_ts: '1.1' } };
  });
  const verdict = Promise.withResolvers<CommandReply>();
  const adapter = createSlack({
    botToken: 'xoxb-1',
    signingSecret: 's',
    apiUrl: slack.apiUrl,
    log: silentLog,
    handle: () => verdict.promise,
  });
  await adapter.start();
  const server = createServer((request, response) => void adapter.route?.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    await adapter.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const payload = {
    type: 'view_submission',
    team: { id: 'T1' },
    user: { id: 'U1', name: 'emma', team_id: 'T1' },
    view: {
      id: 'V1',
      hash: '1.a',
      type: 'modal',
      callback_id: 'sluice_ask',
      private_metadata: JSON.stringify({ c: 'reject op_1 --reason {input}', channel: 'C1', click: 'k' }),
      state: { values: { input: { input: { value: 'prices of the whole week are wrong' } } } },
      blocks: [],
    },
  };
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const answer = await http(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': signatureOf('s', timestamp, body),
    },
    body,
  });
  assert.deepEqual([answer.status, answer.body], [200, ''], 'closed within Slack’s 3 s');
  verdict.resolve({ message: message('bad', 'op_1 is decided already.'), refused: true });
  assert.match(await told.promise, /decided already.*You had typed.*prices of the whole week are wrong/s);
});
