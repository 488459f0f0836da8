import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { putPerson, putTeam } from '../../src/access/people.store.ts';
import { commands } from '../../src/commands/index.ts';
import { createRouter } from '../../src/commands/router.ts';
import type { CommandServices } from '../../src/commands/spec.ts';
import { startDiskGuard } from '../../src/core/disk.ts';
import { silentLog } from '../../src/core/log.ts';
import { messageToText } from '../../src/core/message.ts';
import { openDb } from '../../src/db/db.ts';
import { createWorld, emma, lena } from '../helpers/command-world.ts';
import { startDbProxy } from '../helpers/db-proxy.ts';
import { createTestTarget } from '../helpers/test-db.ts';

/** Slack gives a command three seconds. */
const slackWaitsMs = 3000;

test('with the database frozen: nothing was started, within three seconds, and well again at once when it is back', async (t) => {
  const target = await createTestTarget(t, { beforeDrop: () => database.close() });
  const proxy = await startDbProxy(t, target);
  const database = openDb({ log: silentLog, ...proxy.target });
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: 'C0ETL', alertChannel: null });
    await putPerson(tx, { ...emma, memberships: [{ team: 'data', role: 'engineer' }] });
  });
  const handle = createRouter({ database, log: silentLog, wake() {} } as unknown as CommandServices, commands);
  let n = 0;
  const say = async (line: string) => {
    const asked = performance.now();
    const { message, later } = await handle({ line, person: emma, origin: { kind: 'typed', channel: 'C0ETL' }, deliveryKey: `k${++n}` });
    assert.equal(later, undefined);
    return { text: messageToText(message), tookMs: performance.now() - asked };
  };
  assert.match((await say('whoami')).text, /Emma/);
  proxy.freeze();
  // The first finds a connection that looks alive, the others have to make one.
  for (const line of ['start etl-orders', 'stop etl-orders', 'operations']) {
    const { text, tookMs } = await say(line);
    assert.match(text, /^The state store does not answer; nothing was started\.\nTry again in a minute/, line);
    assert.ok(tookMs < slackWaitsMs, `${line} was answered after ${Math.round(tookMs)} ms`);
  }
  proxy.thaw();
  const { text, tookMs } = await say('whoami');
  assert.match(text, /Emma/);
  assert.ok(tookMs < slackWaitsMs, `it was well again after ${Math.round(tookMs)} ms`);
});

test('with no database there it says so at once', async () => {
  const database = openDb({ log: silentLog, connection: { host: '/nonexistent', user: 'sluice', database: 'sluice' } });
  const handle = createRouter({ database, log: silentLog, wake() {} } as unknown as CommandServices, commands);
  const asked = performance.now();
  const { message } = await handle({ line: 'start etl-orders', person: emma, origin: { kind: 'typed' }, deliveryKey: 'k' });
  assert.match(message.title, /^The state store does not answer; nothing was started/);
  assert.ok(performance.now() - asked < 1000);
  await database.close();
});

test('while a disk is full nothing is started and no row is left, reading goes on, and with room it is started', async (t) => {
  const places: { what: string; path: string }[] = [];
  const disk = startDiskGuard({ places, minFreeBytes: Number.MAX_SAFE_INTEGER, log: silentLog });
  t.after(() => disk.stop());
  const w = await createWorld(t, { disk });
  await w.run('etl-orders');
  await w.say(emma, 'restore etl-orders --from s3://lake/sp-1 --reason "bad deploy"');
  const { id } = await w.theOperation();
  places.push({ what: 'the data directory', path: tmpdir() });
  const full = /^The disk of the data directory is full \(.* free, .* are kept in reserve\): nothing was started\.\nReading still works/;
  for (const line of ['savepoint etl-orders', 'stop etl-orders', 'build etl-orders']) await w.refused(emma, line, full);
  await w.refused(lena, `approve ${id}`, full);
  assert.match((await w.say(emma, 'list')).text, /etl-orders/);
  assert.match((await w.say(emma, 'versions etl-orders')).text, /v2/);
  places.pop();
  assert.match((await w.say(emma, 'savepoint etl-orders')).text, /^Accepted/);
});
