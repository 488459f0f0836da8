import assert from 'node:assert/strict';
import type { AddressInfo, Server } from 'node:net';
import { test } from 'node:test';
import bolt from '@slack/bolt';
import { connectPractice } from '../../src/practice/client.ts';
import type { Practice } from '../../src/practice/server.ts';
import { appToken, atEnd, botToken, type Ending, modal, plain, section, signingSecret, startPractice } from './rig.ts';

const buttons = (text: string) => [
  section(text),
  { type: 'actions', elements: [{ type: 'button', action_id: 'approve', text: plain('Approve'), value: 'op_1' }] },
];
const form = {
  ...modal(),
  submit: plain('Go'),
  notify_on_close: true,
  blocks: [
    { type: 'input', block_id: 'reason', label: plain('Reason'), element: { type: 'plain_text_input', action_id: 'text' } },
    {
      type: 'input',
      block_id: 'job',
      optional: true,
      label: plain('Job'),
      element: { type: 'external_select', action_id: 'jobs', min_query_length: 0 },
    },
  ],
} as const;

/** A small real Bolt app: one command, a button, a modal, an external select, a mention, Home. */
async function startBolt(t: Ending, practice: Practice, transport: 'http' | 'socket') {
  const heard = { clicks: 0, closed: 0, views: [] as unknown[] };
  const app = new bolt.App({
    token: botToken,
    ...(transport === 'http' ? { signingSecret } : { appToken, socketMode: true }),
    clientOptions: { slackApiUrl: practice.apiUrl },
    logLevel: bolt.LogLevel.ERROR,
  });
  app.command('/flink', async ({ command, ack, respond, client }) => {
    if (command.text === 'help') return ack('Try /flink status');
    if (command.text === 'late') {
      await ack();
      return void (await respond({ text: 'here it is' }));
    }
    await ack();
    const posted = await client.chat.postMessage({ channel: command.channel_id, text: 'queued', blocks: buttons('*queued*') });
    await client.chat.update({
      channel: command.channel_id,
      ts: String(posted.ts),
      text: 'running',
      blocks: buttons('*running* on 4/4 tasks'),
    });
  });
  app.action('approve', async ({ ack, body, client, respond }) => {
    heard.clicks++;
    await ack();
    if (body.user.id === 'U0OTTO') return void (await respond({ text: 'You may not approve.', replace_original: false }));
    await client.views.open({ trigger_id: (body as bolt.BlockAction).trigger_id, view: form as never });
  });
  app.options('jobs', async ({ ack, payload }) => ack({ options: [{ text: plain(`${payload.value}-orders`) as never, value: 'j1' }] }));
  app.view('m', async ({ ack, view, client }) => {
    heard.views.push(view.state.values);
    if (view.state.values['reason']?.['text']?.value === 'no') return ack({ response_action: 'errors', errors: { reason: 'Say why.' } });
    await ack();
    await client.chat.postMessage({ channel: 'C0ETL', text: 'approved' });
  });
  app.view({ callback_id: 'm', type: 'view_closed' }, async ({ ack }) => {
    heard.closed++;
    await ack();
  });
  app.event(
    'app_mention',
    async ({ event, say }) => void (await say({ text: `heard ${event.text}`, thread_ts: event.thread_ts ?? event.ts })),
  );
  app.event('app_home_opened', async ({ event, client }) => {
    await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [section('Your jobs') as never] } });
  });
  const server = await app.start(0);
  if (transport === 'http')
    practice.setRequestUrl(`http://127.0.0.1:${((server as unknown as Server).address() as AddressInfo).port}/slack/events`);
  const people = connectPractice(practice.url);
  atEnd(t, async () => {
    people.close();
    await app.stop();
  });
  return { people, heard };
}

for (const transport of ['http', 'socket'] as const) {
  test(`a Bolt app over ${transport}: commands, edits, buttons, modals, options, mentions, Home`, async (t) => {
    const practice = await startPractice(t, { transport });
    const { people, heard } = await startBolt(t, practice, transport);
    const [emma, lena, otto] = [people.as('emma'), people.as('lena'), people.as('otto')];

    const help = await emma.says('/flink help', { channel: 'etl' });
    assert.equal(help.text, 'Try /flink status');
    assert.ok(help.ephemeral);
    assert.equal((await emma.says('/flink late', { channel: 'general' })).text, 'here it is');

    await emma.types('/flink start', { channel: 'etl' });
    const running = await lena.sees(/running on 4\/4/, { channel: 'etl' });
    assert.deepEqual(await lena.edits(running), ['queued', 'running on 4/4 tasks']);
    assert.ok(running.edited);

    const refusal = await otto.clicksFor(running, 'Approve');
    assert.equal(refusal.text, 'You may not approve.');
    assert.ok(refusal.ephemeral);

    await lena.clicks(running, 'Approve');
    const dialog = await lena.seesModal('Reason');
    assert.equal((await lena.options({ viewId: dialog.id }, 'jobs', 'etl'))[0]?.['value'], 'j1');
    assert.deepEqual((await lena.fills({})).errors, { reason: 'Please complete this required field.' });
    assert.equal(heard.views.length, 0, 'an empty required input is not sent to the app');
    assert.deepEqual((await lena.fills({ Reason: 'no' })).errors, { reason: 'Say why.' });
    assert.deepEqual((await lena.fills({ reason: 'bad deploy' })).errors, {});
    await emma.sees('approved', { channel: 'etl' });

    await lena.clicks(running, 'Approve');
    await lena.seesModal('Reason');
    await lena.closesModal();
    assert.equal(heard.closed, 1);

    const root = await emma.says('@sluice logs', { channel: 'etl' });
    const reply = await lena.sees('heard @sluice logs', { thread: root.ts });
    assert.equal(reply.threadTs, root.ts);
    assert.match((await emma.says('/flink help', { channel: 'etl', thread: root.ts })).text, /not supported in threads/);
    assert.match((await emma.says('/unknown', { channel: 'etl' })).text, /not a valid command/);

    await emma.opensHome();
    const refused = practice.journal().filter((e) => e.refused);
    assert.deepEqual(refused, []);
  });
}
