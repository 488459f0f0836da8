import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { CommandReply, CommandRequest } from '../../src/commands/request.ts';
import { http } from '../../src/core/http.ts';
import { silentLog } from '../../src/core/log.ts';
import { actions, message, text } from '../../src/core/message.ts';
import { sleep } from '../../src/core/time.ts';
import { connectPractice, type PracticeClient } from '../../src/practice/client.ts';
import { createPractice, type Practice } from '../../src/practice/server.ts';
import { createSlack, type Slack, type SlackState } from '../../src/slack/app.ts';
import { buildManifest } from '../../src/slack/manifest.ts';

const tokens = { botToken: 'xoxb-practice', signingSecret: 'practice-secret', appToken: 'xapp-practice' };

interface HomeView {
  id: string;
  blocks: { elements?: { action_id?: string; text?: { text: string } }[] }[];
}
interface Rig {
  practice: Practice;
  people: PracticeClient;
  slack: Slack;
  asked: CommandRequest[];
  handle: (request: CommandRequest) => Promise<CommandReply>;
  /** Resolves when the adapter's state is as wanted. */
  until(wanted: (state: SlackState) => boolean): Promise<void>;
  close(): Promise<void>;
}
async function createRig(transport: 'http' | 'socket'): Promise<Rig> {
  const manifest = buildManifest({ transport, publicUrl: 'http://127.0.0.1', commands: [{ name: 'status', summary: 'State' }] });
  const practice = await createPractice({ port: 0, ...tokens, transport, manifest, limits: 'off' });
  const watchers = new Set<() => void>();
  const rig: Partial<Rig> = {};
  const slack = createSlack({
    botToken: tokens.botToken,
    ...(transport === 'http' ? { signingSecret: tokens.signingSecret } : { appToken: tokens.appToken }),
    apiUrl: practice.apiUrl,
    log: silentLog,
    handle: (request) => {
      rig.asked?.push(request);
      return rig.handle?.(request) ?? Promise.reject(new Error('no handler'));
    },
    onState: () => {
      for (const watcher of watchers) watcher();
    },
  });
  const server = createServer((request, response) => void slack.route?.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  practice.setRequestUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
  await slack.start();
  const people = connectPractice(practice.url);
  return Object.assign(rig, {
    practice,
    people,
    slack,
    asked: [],
    handle: async (request: CommandRequest) => ({ message: message('good', `Did ${request.line}`) }),
    until: (wanted: (state: SlackState) => boolean) =>
      new Promise<void>((resolve) => {
        const watcher = () => {
          if (!wanted(slack.state())) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
    close: async () => {
      people.close();
      await slack.stop();
      await practice.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  }) as Rig;
}

for (const transport of ['http', 'socket'] as const) {
  describe(`against the practice workspace over ${transport}`, { timeout: 60_000 }, () => {
    let rig: Rig;
    before(async () => {
      rig = await createRig(transport);
    });
    after(() => rig.close());
    beforeEach(() => {
      rig.asked.length = 0;
      rig.handle = async (request) => ({ message: message('good', `Did ${request.line}`) });
    });

    test('it is known and connected', async () => {
      if (transport === 'http') assert.equal(await rig.practice.verifyRequestUrl(), true);
      const state = rig.slack.state();
      assert.deepEqual([state.teamId, state.botUserId, state.problem], ['T0PRACTICE', 'U0SLUICE', undefined]);
      assert.equal(rig.practice.sockets(), transport === 'socket' ? 2 : 0);
    });

    test('a command is answered to the one who typed it', async () => {
      const answer = await rig.people.as('emma').says('/flink status etl-orders for @lena');
      assert.equal(answer.text.trim(), '✅ Did status etl-orders for <@U0LENA>');
      assert.equal(answer.ephemeral, true);
      assert.equal(rig.asked[0]?.line, 'status etl-orders for <@U0LENA>');
      assert.equal(rig.asked[0]?.person.userId, 'U0EMMA');
      assert.ok((rig.slack.state().lastAckMs ?? -1) >= 0);
    });

    test('an answer for the channel is seen by others', async () => {
      rig.handle = async () => ({ message: { ...message('good', 'For all'), visibility: 'channel' } });
      const lena = rig.people.as('lena');
      await lena.history('etl');
      const seen = lena.sees(/For all/, { channel: 'etl', since: 'start' });
      await rig.people.as('emma').types('/flink share');
      assert.equal((await seen).ephemeral, false);
    });

    test('what takes longer follows the first answer', async () => {
      let finish = () => {};
      rig.handle = async () => ({
        message: message('busy', 'Reading logs'),
        later: new Promise((resolve) => {
          finish = () => resolve(message('good', 'Here they are'));
        }),
      });
      const emma = rig.people.as('emma');
      await emma.says('/flink logs etl');
      const later = emma.sees(/Here they are/);
      finish();
      assert.equal((await later).ephemeral, true);
    });

    test('delivered three times, a command is handled once', async () => {
      rig.practice.faults({ deliverTimes: 3 });
      try {
        const answer = await rig.people.as('emma').says('/flink start etl-orders');
        assert.match(answer.text, /Did start etl-orders/);
        await rig.people.as('emma').says('/flink status');
      } finally {
        rig.practice.faults({ deliverTimes: 1 });
      }
      assert.deepEqual(
        rig.asked.map((r) => r.line),
        ['start etl-orders', 'status'],
      );
    });

    test('a posted message has working buttons, is edited in place and found again', async () => {
      const delivery = {
        outboxId: `out_${transport}`,
        channel: 'C0ETL',
        threadTs: undefined,
        message: message('busy', 'Start etl-orders', actions({ label: 'Stop', command: 'stop etl-orders', style: 'danger' })),
      };
      const lena = rig.people.as('lena');
      await lena.history('etl');
      const since = new Date(Date.now() - 1000);
      const sent = await rig.slack.sender.post(delivery);
      assert.equal(sent.is, 'sent');
      assert.ok(sent.is === 'sent' && sent.permalink?.startsWith('http'));
      const { channel, ts } = sent as { channel: string; ts: string };
      assert.deepEqual(await rig.slack.sender.find(delivery, since), { channel, ts });
      const seen = await lena.sees(/Start etl-orders/, { channel: 'etl', since: 'start' });
      const answer = await lena.clicksFor(seen, 'Stop');
      assert.match(answer.text, /Did stop etl-orders/);
      assert.equal(answer.ephemeral, true);
      assert.deepEqual(rig.asked[0]?.origin, { kind: 'button', channel: 'C0ETL', messageTs: ts });
      assert.equal(rig.asked[0]?.person.userId, 'U0LENA');
      await rig.slack.sender.update({ ...delivery, ts, message: message('good', 'etl-orders runs') });
      await lena.seesEdit(seen, /etl-orders runs/);
      assert.deepEqual(await rig.slack.sender.update({ ...delivery, ts: '1700000000.000001' }), {
        is: 'refused',
        reason: 'message_not_found',
      });
    });

    test('an answer that was lost after Slack accepted the post is told as unknown and found', async () => {
      const delivery = { outboxId: `lost_${transport}`, channel: 'C0ALERTS', threadTs: undefined, message: message('bad', 'etl failed') };
      rig.practice.faults({ dropAfterAcceptNext: 1 });
      const since = new Date();
      assert.equal((await rig.slack.sender.post(delivery)).is, 'unknown');
      const posts = rig.practice.messages('flink-alerts').filter((m) => m.text.includes('etl failed'));
      assert.equal(posts.length, 1);
      assert.deepEqual(await rig.slack.sender.find(delivery, since), { channel: 'C0ALERTS', ts: posts[0]?.ts });
      rig.practice.faults({ rateLimitNext: 1, retryAfterS: 3 });
      assert.deepEqual(await rig.slack.sender.post(delivery), { is: 'later', afterMs: 3000, reason: 'ratelimited' });
    });

    test('a button that asks opens a form; what is chosen and typed goes into the command', async () => {
      rig.handle = async (request) =>
        request.line.startsWith('restore --')
          ? { message: message('good', `Did ${request.line}`) }
          : {
              message: message(
                'neutral',
                'Which one?',
                actions({
                  label: 'Restore',
                  command: 'restore --from {choice} --reason {input}',
                  choice: {
                    title: 'Restore etl-orders',
                    label: 'Point',
                    options: [
                      { label: 'old', value: 's3://b/a' },
                      { label: 'new', value: 's3://b/c' },
                    ],
                  },
                  input: { title: 'Restore etl-orders from a point', label: 'Reason' },
                }),
              ),
            };
      const emma = rig.people.as('emma');
      const question = await emma.says('/flink restore etl-orders');
      await emma.clicks(question, 'Restore');
      const modal = await emma.seesModal(/Restore etl/);
      assert.ok(modal.title.length <= 24);
      const answer = emma.sees(/Did restore/);
      const { errors } = await emma.fills({ Point: 'new', Reason: 'bad "prices"' });
      assert.deepEqual(errors, {});
      assert.match((await answer).text, /Did restore --from s3:\/\/b\/c --reason "bad 'prices'"/);
      assert.match(rig.asked.at(-1)?.deliveryKey ?? '', /^view:V\w+:.+/);
      assert.deepEqual(rig.asked.at(-1)?.origin.kind, 'button');
    });

    test('a form that was refused stays open, says why, keeps what was typed, and can be sent again', async () => {
      rig.handle = async (request) => {
        if (request.line === 'ask')
          return {
            message: message(
              'neutral',
              'Reject it?',
              actions({
                label: 'Reject',
                command: 'reject op_1 --to {choice} --reason {input}',
                choice: {
                  title: 'Reject',
                  label: 'Back to',
                  options: [
                    { label: 'Emma', value: 'emma' },
                    { label: 'Lena', value: 'lena' },
                  ],
                },
                input: { title: 'Reject', label: 'Reason', multiline: true },
              }),
            ),
          };
        return request.line.includes('no')
          ? {
              message: message(
                'bad',
                'That reason is too short.',
                text('Say it in a sentence.'),
                actions({ label: 'Help', command: 'help' }),
              ),
              refused: true,
            }
          : { message: message('good', `Did ${request.line}`) };
      };
      const emma = rig.people.as('emma');
      const question = await emma.says('/flink ask');
      await emma.clicks(question, 'Reject');
      await emma.seesModal(/Reject/);
      await emma.fills({ 'Back to': 'Lena', Reason: 'no' });
      const again = await emma.seesModal(/too short/);
      assert.match(JSON.stringify(again), /Say it in a sentence/);
      assert.match(JSON.stringify(again), /"initial_value":"no"/);
      await emma.fills({ Reason: 'no' });
      await emma.seesModal(/too short/);
      const { errors } = await emma.fills({ Reason: 'wrong prices since monday' });
      assert.deepEqual(errors, {});
      const answer = await emma.sees(/Did reject/);
      assert.match(answer.text, /Did reject op_1 --to lena --reason "wrong prices since monday"/);
      const keys = rig.asked.filter((r) => r.line.startsWith('reject')).map((r) => r.deliveryKey);
      assert.equal(new Set(keys).size, 3, 'each try is a request of its own');
    });

    test('the home tab shows what waits, what is in progress and the jobs; its buttons work and it is brought up to date', async () => {
      let state = 'runs';
      rig.handle = async (request) => {
        if (request.line === 'home')
          return {
            message: message(
              'warn',
              '1 waiting',
              actions({ label: 'Approve', command: 'approve op_1' }),
              text(`1 job: etl-orders <!channel> ${state}`),
              actions({ label: 'Stop', command: 'stop etl-orders' }),
            ),
          };
        if (request.line.startsWith('stop')) state = 'is stopped';
        return { message: message('good', `Did ${request.line}`) };
      };
      const home = async (pattern: RegExp) => {
        for (let n = 0; ; n++) {
          const { home: view } = (await http(`${rig.practice.url}/practice/state?as=emma`, { timeoutMs: 5000 }).then((a) =>
            JSON.parse(a.body),
          )) as {
            home: HomeView | null;
          };
          if (view && pattern.test(JSON.stringify(view))) return view;
          assert.ok(n < 200, `the tab shows ${JSON.stringify(view)}`);
          await sleep(25);
        }
      };
      const emma = rig.people.as('emma');
      await emma.opensHome();
      const first = await home(/1 waiting.*Approve.*1 job.*etl-orders &lt;!channel&gt; runs.*Stop.*help/s);
      const stop = first.blocks.flatMap((b) => b.elements ?? []).find((e) => e.text?.text === 'Stop');
      const told = emma.sees(/Did stop etl-orders/);
      await emma.clicksView(first.id, stop?.action_id ?? '');
      await told;
      await home(/is stopped/);
    });

    test('a mention in a thread commands there', async () => {
      rig.handle = async (request) => ({
        message: { ...message('good', `Did ${request.line}`), visibility: request.line === 'logs' ? 'channel' : 'ephemeral' },
      });
      const emma = rig.people.as('emma');
      const root = await emma.says('deploying etl now', { channel: 'etl' });
      await emma.says('@sluice logs', { channel: 'etl', thread: root.ts });
      const open = await emma.sees(/Did logs/, { channel: 'etl', thread: root.ts });
      assert.equal(open.threadTs, root.ts);
      await emma.says('@sluice status etl', { channel: 'etl', thread: root.ts });
      const quiet = await emma.sees(/Did status etl/, { channel: 'etl' });
      assert.deepEqual([quiet.ephemeral, quiet.threadTs], [true, root.ts]);
      assert.equal(rig.asked[0]?.origin.threadTs, root.ts);
      assert.match(rig.asked[0]?.deliveryKey ?? '', /^event:Ev/);
    });

    test('the people and groups of the workspace are read', async () => {
      assert.deepEqual(await rig.slack.directory.person('T0PRACTICE', 'U0LENA'), { name: 'lena', restricted: false });
      assert.deepEqual(await rig.slack.directory.groupMembers('S0LEADS'), ['U0LENA', 'U0LARS']);
      assert.equal(await rig.slack.directory.groupMembers('S0NOBODY'), undefined);
    });

    test('the strict workspace takes every part of a message', async () => {
      const long = { kind: 'code' as const, text: 'line of a log & <more>\n'.repeat(2_000) };
      const everything = message(
        'warn',
        'Everything',
        text(
          { bold: 'a' },
          ' ',
          { link: 'b', url: 'https://x.example/?a=1&b=2' },
          ' ',
          { time: new Date() },
          { person: { teamId: 'T0PRACTICE', userId: 'U0EMMA' } },
        ),
        { kind: 'fields', fields: Array.from({ length: 13 }, (_, i) => ({ label: `l${i}`, value: 'v' })) },
        { kind: 'table', columns: ['a', 'b'], rows: Array.from({ length: 300 }, (_, i) => [`row ${i}`, 'x']) },
        long,
        long,
        long,
        long,
        { kind: 'progress', steps: [{ title: 'Plan', state: 'done' }] },
        actions(
          ...Array.from({ length: 30 }, (_, i) => ({
            label: `B${i}`,
            command: `status ${i}`,
            ...(i % 5 ? {} : { confirm: { title: 't', text: 'x', yes: 'y' } }),
          })),
          { label: 'Open', url: 'https://x.example/' },
        ),
        { kind: 'context', spans: ['grey'] },
      );
      const sent = await rig.slack.sender.post({ outboxId: 'all', channel: 'C0ETL', threadTs: undefined, message: everything });
      assert.equal(sent.is, 'sent', JSON.stringify(sent));
      const posted = rig.practice.messages('etl').at(-1);
      assert.ok((posted?.blocks?.length ?? 0) > 10, 'with its blocks, not as bare text');
    });

    if (transport === 'socket') {
      test('dropped sockets come back by themselves and commands go on', async () => {
        const dropped = rig.until((s) => s.sockets.connected < 2);
        rig.practice.dropSockets();
        await dropped;
        await rig.until((s) => s.sockets.connected === 2);
        assert.equal(rig.practice.sockets(), 2);
        assert.match((await rig.people.as('emma').says('/flink status')).text, /Did status/);
      });

      test('while Slack is away nothing crashes, and it is found again', async () => {
        rig.practice.faults({ outage: true });
        rig.practice.dropSockets();
        await rig.until((s) => s.sockets.connected === 0 && s.problem !== undefined);
        rig.practice.faults({ outage: false });
        await rig.until((s) => s.sockets.connected === 2 && s.problem === undefined);
      });
    }
  });
}

test('a refused token is told in a sentence, the start does not fail, and it heals by itself', { timeout: 30_000 }, async () => {
  const practice = await createPractice({ port: 0, ...tokens, transport: 'socket', limits: 'off' });
  practice.faults({ tokenRevoked: true });
  let healed = () => {};
  const whole = new Promise<void>((resolve) => {
    healed = resolve;
  });
  const slack = createSlack({
    botToken: tokens.botToken,
    appToken: tokens.appToken,
    apiUrl: practice.apiUrl,
    log: silentLog,
    handle: async () => ({ message: message('good', 'x') }),
    onState: (state) => {
      if (state.teamId !== undefined && state.sockets.connected === 2) healed();
    },
  });
  try {
    await slack.start();
    assert.match(
      slack.state().problem ?? '',
      /Slack refuses the bot token \((token_revoked|invalid_auth|account_inactive)\)\. Check SLACK_BOT_TOKEN/,
    );
    practice.faults({ tokenRevoked: false });
    await whole;
    assert.equal(slack.state().problem, undefined);
  } finally {
    await slack.stop();
    await practice.close();
  }
});

test('with no Slack at all it starts, says so, and stops at once', { timeout: 30_000 }, async () => {
  const slack = createSlack({
    ...tokens,
    apiUrl: 'http://127.0.0.1:9/api/',
    log: silentLog,
    handle: async () => ({ message: message('good', 'x') }),
  });
  await slack.start();
  assert.match(slack.state().problem ?? '', /Slack does not answer/);
  assert.deepEqual(slack.state().sockets, { wanted: 2, connected: 0 });
  const began = Date.now();
  await slack.stop();
  assert.ok(Date.now() - began < 2_000);
});
