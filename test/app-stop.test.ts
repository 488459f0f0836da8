import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { createApp } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { silentLog } from '../src/core/log.ts';
import { sleep } from '../src/core/time.ts';
import { openDb } from '../src/db/db.ts';
import { freePort } from '../src/demo/free-port.ts';
import { desire, findMessage } from '../src/outbox/outbox.store.ts';
import { databaseAddress } from './faults/tcp-proxy.ts';
import { createTestTarget } from './helpers/test-db.ts';
import { fakeSlack } from './slack/fake-slack.ts';

it('the end does not wait for a Slack that swallows everything, and leaves to the next process what was not sent', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'sluice-stop-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const target = await createTestTarget(t, { beforeDrop: () => database.close() });
  const database = openDb({ log: silentLog, max: 2, ...target });
  const slack = await fakeSlack();
  t.after(() => slack.close());
  slack.on('auth.test', { json: { ok: true, team_id: 'T1', user_id: 'U1', bot_id: 'B1', url: 'https://shop.slack.com/' } });
  for (const method of ['chat.postMessage', 'conversations.history', 'conversations.info', 'users.info']) slack.on(method, 'hang');
  const to = databaseAddress(target);
  const at = 'socketPath' in to ? encodeURIComponent(dirname(String(to.socketPath))) : `${to.host}:${to.port}`;
  const databaseUrl = 'url' in target ? target.url : `postgres://${target.connection.user}@${at}/${target.connection.database}`;
  const config = loadConfig({
    env: {},
    overrides: {
      home,
      host: '127.0.0.1',
      port: await freePort(0),
      databaseUrl,
      slack: { apiUrl: slack.apiUrl, defaultChannel: 'C0ETL' },
      minFreeDisk: '1 MB',
    },
    secrets: { slackBotToken: 'xoxb-1', slackSigningSecret: 's' },
  });
  const app = await createApp({ config, log: silentLog, paceMs: 10 });
  t.after(() => app.stop());
  const id = await desire(database.db, { dedupeKey: 'k', channel: 'C0ETL', message: { tone: 'neutral', title: 'hello', parts: [] } });
  const end = performance.now() + 10_000;
  while (!(await findMessage(database.db, id))?.postingSince) {
    assert.ok(performance.now() < end, 'it was not posted');
    await sleep(20);
  }
  const since = performance.now();
  await app.stop();
  const tookMs = performance.now() - since;
  assert.ok(tookMs < 8000, `it took ${tookMs} ms`);
  const row = await findMessage(database.db, id);
  assert.deepEqual([row?.state, row?.owner, row?.postingSince instanceof Date], ['pending', null, true]);
});
