import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { NotFoundError, UnreachableError } from '../../src/core/errors.ts';
import { message } from '../../src/core/message.ts';
import type { SeenMessage } from '../../src/practice/client.ts';
import { buildManifest } from '../../src/slack/manifest.ts';
import { acknowledgeShortcut } from '../../src/slack/shortcuts.ts';
import { type PracticeRig, startPracticeRig } from './practice-rig.ts';

for (const transport of ['http', 'socket'] as const) {
  describe(`the shortcut "Acknowledge" over ${transport}`, { timeout: 60_000 }, () => {
    let rig: PracticeRig;
    let incident: SeenMessage;
    let lookedAt: string[] = [];
    let storeIsDown = false;
    before(async () => {
      rig = await startPracticeRig(transport, {
        incidentAt: async (channel, ts) => {
          lookedAt.push(`${channel} ${ts}`);
          if (storeIsDown) throw new UnreachableError('The state store does not answer.', { hint: 'Try again in a minute.' });
          return channel === incident.channel && ts === incident.ts ? 'inc_4k2m9x7qw3tz' : undefined;
        },
      });
      const omar = rig.people.as('omar');
      await omar.history('flink-alerts');
      const delivery = { outboxId: 'inc', channel: 'C0ALERTS', threadTs: undefined, message: message('bad', 'etl-orders failed') };
      assert.equal((await rig.slack.sender.post(delivery)).is, 'sent');
      incident = await omar.sees(/etl-orders failed/, { channel: 'flink-alerts', since: 'start' });
    });
    after(() => rig.close());
    beforeEach(() => {
      rig.asked.length = 0;
      lookedAt = [];
      storeIsDown = false;
      rig.practice.faults({ deliverTimes: 1 });
      rig.handle = async (request) => ({ message: message('good', `Did ${request.line}`) });
    });

    test('on the message of an incident it is the command of the button, and its answer is for the one who used it', async () => {
      const omar = rig.people.as('omar');
      const answer = omar.sees(/Did acknowledge/, { channel: 'flink-alerts' });
      const used = await omar.shortcut(incident, 'Acknowledge');
      assert.equal((used['ack'] as { ok: boolean }).ok, true);
      assert.match((await answer).text, /Did acknowledge inc_4k2m9x7qw3tz/);
      assert.equal((await answer).ephemeral, true);
      const [asked] = rig.asked;
      assert.deepEqual(asked?.person, { teamId: 'T0PRACTICE', userId: 'U0OMAR', name: 'omar' });
      assert.deepEqual(asked?.origin, { kind: 'button', channel: 'C0ALERTS', messageTs: incident.ts });
      assert.match(asked?.deliveryKey ?? '', /^shortcut:T0PRACTICE:U0OMAR:C0ALERTS:/);
    });

    test('a refusal of the command is answered as it is', async () => {
      rig.handle = async () => {
        throw new NotFoundError('There is no incident of that id.', { hint: 'See /flink list failed.' });
      };
      const omar = rig.people.as('omar');
      await omar.shortcut(incident, 'Acknowledge');
      assert.match((await omar.sees(/There is no incident/)).text, /See \/flink list failed/);
    });

    test('on a reply in the thread it means the same incident, and is answered there', async () => {
      const omar = rig.people.as('omar');
      const reply = await omar.says('who looks after it?', { channel: 'flink-alerts', thread: incident.ts });
      await omar.shortcut(reply, acknowledgeShortcut.callback_id);
      const answer = await omar.sees(/Did acknowledge inc_4k2m9x7qw3tz/, { channel: 'flink-alerts' });
      assert.deepEqual([answer.threadTs, answer.ephemeral], [incident.ts, true]);
      assert.deepEqual(rig.asked[0]?.origin, { kind: 'button', channel: 'C0ALERTS', messageTs: reply.ts, threadTs: incident.ts });
      assert.deepEqual(lookedAt, [`C0ALERTS ${incident.ts}`]);
    });

    test('on any other message it says what it is for, and does nothing', async () => {
      const emma = rig.people.as('emma');
      const lunch = await emma.says('lunch?', { channel: 'etl' });
      await emma.shortcut(lunch, 'Acknowledge');
      const answer = await emma.sees(/does not tell of an incident/, { channel: 'etl' });
      assert.match(answer.text, /Acknowledge is for .*problem/s);
      assert.match(answer.text, /\/flink list failed/);
      assert.equal(answer.ephemeral, true);
      assert.equal(rig.asked.length, 0);
    });

    test('where the app is not a member it is answered too', async () => {
      await rig.people.control('channels', { channel: 'etl', kickBot: true });
      const emma = rig.people.as('emma');
      await emma.shortcut(await emma.says('dinner?', { channel: 'etl' }), 'Acknowledge');
      await emma.sees(/does not tell of an incident/, { channel: 'etl' });
      await rig.people.control('channels', { channel: 'etl', inviteBot: true });
    });

    test('delivered three times it is handled once; used twice it is two requests', async () => {
      rig.practice.faults({ deliverTimes: 3 });
      const omar = rig.people.as('omar');
      await omar.shortcut(incident, 'Acknowledge');
      await omar.sees(/Did acknowledge/);
      rig.practice.faults({ deliverTimes: 1 });
      await omar.shortcut(incident, 'Acknowledge');
      await omar.says('/flink status', { channel: 'etl' });
      assert.deepEqual(
        rig.asked.map((r) => r.line),
        ['acknowledge inc_4k2m9x7qw3tz', 'acknowledge inc_4k2m9x7qw3tz', 'status'],
      );
      assert.equal(new Set(rig.asked.map((r) => r.deliveryKey)).size, 3);
    });

    test('without the state store it is answered with a sentence and a next step', async () => {
      storeIsDown = true;
      const omar = rig.people.as('omar');
      await omar.shortcut(incident, 'Acknowledge');
      assert.match((await omar.sees(/state store does not answer/)).text, /Try again in a minute/);
      assert.equal(rig.asked.length, 0);
    });

    test('Slack offers only what the manifest declares, and nothing on messages for one person', async () => {
      const emma = rig.people.as('emma');
      await assert.rejects(emma.shortcut(incident, 'Resolve'), /no message shortcut Resolve/);
      const mine = await emma.says('/flink status', { channel: 'etl' });
      await assert.rejects(emma.shortcut(mine, 'Acknowledge'), /no menu/);
    });
  });
}

test('the manifest declares the shortcut for messages, within Slack’s limits', () => {
  const { features } = buildManifest({ transport: 'socket', commands: [] }) as { features: { shortcuts: (typeof acknowledgeShortcut)[] } };
  assert.deepEqual(features.shortcuts, [acknowledgeShortcut]);
  assert.equal(acknowledgeShortcut.type, 'message');
  assert.ok(acknowledgeShortcut.name.length <= 24 && acknowledgeShortcut.description.length <= 150);
});
