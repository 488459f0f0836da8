import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { message } from '../../src/core/message.ts';
import type { Limits } from '../../src/practice/limits.ts';
import type { SlackOptions } from '../../src/slack/app.ts';
import { type PracticeRig, startPracticeRig } from './practice-rig.ts';

const post = { outboxId: 'msg_1', channel: 'C0ETL', threadTs: undefined, message: message('good', 'etl-orders runs') };

for (const transport of ['http', 'socket'] as const) {
  describe(`what Slack tells of the app itself, over ${transport}`, { timeout: 60_000 }, () => {
    /** A rig for one test, with what its ports were told. */
    async function withRig(
      work: (rig: PracticeRig, told: string[]) => Promise<void>,
      options: Partial<SlackOptions> = {},
      limits?: Partial<Limits>,
    ): Promise<void> {
      const told: string[] = [];
      const rig = await startPracticeRig(
        transport,
        {
          onChannelOpened: async (channel) => void told.push(`open ${channel}`),
          onUsable: async () => void told.push('usable'),
          ...options,
        },
        limits ? { limits } : {},
      );
      try {
        await work(rig, told);
      } finally {
        await rig.close();
      }
    }

    test('dropped events are acknowledged, said, and over by themselves', async () => {
      let movedMs = 0;
      // Two an hour instead of 30,000.
      const limits = { events: { burst: 2, perMinute: 2 / 60 } };
      await withRig(
        async (rig) => {
          const emma = rig.people.as('emma');
          const mention = () => emma.says('@sluice status', { channel: 'etl' });
          const notices = () => rig.practice.journal().filter((entry) => entry.what.startsWith('event app_rate_limited'));
          const next = async (count: number) => {
            while (notices().length < count) await new Promise((resolve) => setImmediate(resolve));
          };
          await mention();
          await mention();
          assert.equal(rig.slack.state().droppedEvents, undefined);
          await mention();
          await rig.until((state) => state.droppedEvents !== undefined);
          const said = rig.slack.state().droppedEvents ?? '';
          assert.match(said, /^Slack drops events since \d\d:\d\d UTC, .* Commands and buttons work\. It is over by itself\.$/);
          assert.equal(rig.slack.state().problem, undefined, 'nothing that a person has to mend');
          await next(1);
          assert.deepEqual(
            notices().map((entry) => [entry.what, entry.refused]),
            [['event app_rate_limited', false]],
            'acknowledged, so not sent again',
          );
          rig.practice.advance(60_000);
          movedMs += 60_000;
          await mention();
          await next(2);
          movedMs += 119_000;
          assert.equal(rig.slack.state().droppedEvents, said, 'since the first of them');
          movedMs += 5_000;
          assert.equal(rig.slack.state().droppedEvents, undefined);
          assert.match((await emma.says('/flink status')).text, /Did status/);
        },
        { now: () => Date.now() + movedMs },
        limits,
      );
    });

    test('a revoked token is said at once with the next step, nothing is sent, and it goes on by itself', async () => {
      await withRig(async (rig, told) => {
        rig.practice.faults({ tokenRevoked: true });
        await rig.until((state) => state.problem !== undefined);
        assert.match(rig.slack.state().problem ?? '', /bot token was revoked in Slack\. Reinstall the app .*SLACK_BOT_TOKEN.*none is lost/);
        const before = rig.practice.journal().filter((entry) => entry.what === 'chat.postMessage').length;
        assert.deepEqual(await rig.slack.sender.post(post), { is: 'later', afterMs: 60_000, reason: 'tokens_revoked' });
        assert.equal(await rig.slack.sender.find(post, new Date()), 'unclear');
        assert.equal(rig.practice.journal().filter((entry) => entry.what === 'chat.postMessage').length, before, 'Slack is not asked');
        assert.deepEqual(told, []);
        rig.practice.faults({ tokenRevoked: false });
        await rig.until((state) => state.problem === undefined);
        assert.deepEqual(told, ['usable']);
        assert.equal((await rig.slack.sender.post(post)).is, 'sent');
      });
    });

    test('a token that is refused without an event is said as soon as something is sent', async () => {
      await withRig(async (rig) => {
        await rig.people.as('emma').says('/flink status');
        // As if the event had been lost: without its subscription there is none.
        rig.practice.faults({ outage: true });
        rig.practice.faults({ tokenRevoked: true });
        rig.practice.faults({ outage: false });
        assert.equal((await rig.slack.sender.post(post)).is, 'later');
        assert.match(rig.slack.state().problem ?? '', /refuses the bot token \(token_revoked\)|was revoked in Slack/);
        rig.practice.faults({ tokenRevoked: false });
        await rig.until((state) => state.problem === undefined && state.sockets.connected === state.sockets.wanted);
      });
    });

    test('the removal of the app is said in its own words, whatever else comes with it', async () => {
      await withRig(async (rig) => {
        await rig.people.control('uninstall');
        await rig.until((state) => /removed from the Slack workspace/.test(state.problem ?? ''));
        await rig.slack.sender.post(post);
        assert.match(rig.slack.state().problem ?? '', /removed from the Slack workspace\. Install the app again/);
      });
    });

    test('an invitation and an unarchived channel are told; other people’s arrivals are not', async () => {
      await withRig(async (rig, told) => {
        const change = (body: Record<string, unknown>) => rig.people.control('channels', body);
        await change({ channel: 'etl', kickBot: true });
        await rig.people.as('emma').says('/invite @sluice', { channel: 'etl' });
        await change({ channel: 'flink-alerts', archived: true });
        await change({ channel: 'flink-alerts', archived: false });
        await rig.people.as('emma').says('/invite @otto', { channel: 'etl' });
        await rig.people.as('emma').says('/flink status', { channel: 'etl' });
        assert.deepEqual(told, ['open C0ETL', 'open C0ALERTS']);
      });
    });
  });
}
