import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { message } from '../../src/core/message.ts';
import { connectPractice } from '../../src/practice/client.ts';
import { createPractice } from '../../src/practice/server.ts';
import { createSlack, type SlackState } from '../../src/slack/app.ts';

/** A connection that ends soon after it was made counts as failed, which is the slower way back: about half a second. */
const longestGapMs = 3000;

test('reconnect gap of Socket Mode: short even when both connections end at once, and commands go on', { timeout: 30_000 }, async (t) => {
  const tokens = { botToken: 'xoxb-practice', appToken: 'xapp-practice' };
  const practice = await createPractice({ port: 0, ...tokens, signingSecret: 's', transport: 'socket', limits: 'off' });
  const people = connectPractice(practice.url);
  const watchers = new Set<(state: SlackState) => void>();
  const slack = createSlack({
    ...tokens,
    apiUrl: practice.apiUrl,
    log: silentLog,
    handle: async (request) => ({ message: message('good', `did ${request.line}`) }),
    onState: (state) => {
      for (const watcher of [...watchers]) watcher(state);
    },
  });
  t.after(async () => {
    people.close();
    await slack.stop();
    await practice.close();
  });
  const reached = (wanted: number) =>
    new Promise<number>((resolve) => {
      const watcher = ({ sockets }: SlackState) => {
        if (sockets.connected !== wanted) return;
        watchers.delete(watcher);
        resolve(performance.now());
      };
      watchers.add(watcher);
      watcher(slack.state());
    });
  await slack.start();
  await reached(2);

  for (const action of ['drop', 'refresh_requested']) {
    const none = reached(0);
    await people.control('sockets', { action });
    const goneAt = await none;
    const gapMs = (await reached(1)) - goneAt;
    await reached(2);
    assert.match((await people.as('emma').says('/flink status')).text, /did status/);
    assert.ok(gapMs < longestGapMs, `${action}: ${gapMs} ms`);
    t.diagnostic(`both connections at once (${action}): ${Math.round(gapMs)} ms without any`);
  }
});
