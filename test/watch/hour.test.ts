import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { moveClock } from '../../src/db/clock.ts';
import { asc } from '../../src/db/query.ts';
import { outboxMessages } from '../../src/db/schema/index.ts';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import { type Rig, rig } from './rig.ts';

const calls = { firstMs: 30 * 60_000, escalateMs: 60 * 60_000, againMs: 4 * 3_600_000 };

/** So much later watch looks at the cluster and at what time brings. */
async function later(r: Rig, ms: number, overviewDue = true): Promise<void> {
  await moveClock(r.database.db, ms);
  await r.poll(overviewDue);
  await r.database.transaction((tx) => carryIncidentsOn(tx, calls));
}
/** What can be read in Slack: `> ` before what is in a thread. */
async function said(r: Rig): Promise<string[]> {
  const rows = await r.database.db.select().from(outboxMessages).orderBy(asc(outboxMessages.createdAt), asc(outboxMessages.id));
  return rows.map((row) => `${row.threadOf ? '> ' : ''}${row.desired.title}`);
}
async function running(t: TestContext): Promise<Rig> {
  const r = await rig(t, {
    incidents: {
      restartingForMs: 30_000,
      recoverableWithinMs: 24 * 3_600_000,
      channels: { always: [], whenSlackIsDown: [] },
      calls,
    },
  });
  r.deployer.always('rootCause', { name: 'java.io.IOException', message: 'broker is gone', task: null, at: Date.now(), stack: '' });
  await r.run();
  r.shows({ orders: ['RUNNING', 4] });
  await r.poll(true);
  return r;
}

it('a crash loop of one hour is one thread of at most four messages', async (t) => {
  const r = await running(t);
  for (let minute = 0; minute < 60; minute += 2) {
    r.shows({ orders: ['RESTARTING', 0] });
    await later(r, 20_000);
    await later(r, 40_000);
    r.shows({ orders: ['RUNNING', 4] });
    await later(r, 60_000);
  }
  const all = await said(r);
  assert.ok(all.length <= 4, all.join('\n'));
  assert.equal(all.filter((line) => !line.startsWith('> ')).length, 1, all.join('\n'));
  assert.match(all[0] ?? '', /^Resolved: orders is restarting/);
  assert.equal((await listIncidents(r.database.db)).length, 1);
});

it('a cluster that nobody can reach for an hour is one incident about it and none about its jobs', async (t) => {
  const r = await running(t);
  await r.run('clicks');
  r.deployer.always('listRuns', new UnreachableError('The JobManager does not answer: connection timed out.'));
  for (let minute = 0; minute < 60; minute++) await later(r, 60_000, false);
  assert.deepEqual(
    (await listIncidents(r.database.db)).map((one) => [one.key, one.state]),
    [['cluster:standalone:unreachable', 'firing']],
  );
  r.shows({ orders: ['RUNNING', 4], clicks: ['RUNNING', 4] });
  await later(r, 1000);
  const all = await said(r);
  assert.deepEqual(all[0], 'Resolved: standalone does not answer');
  assert.ok(
    all.slice(1).every((line) => line.startsWith('> ')),
    all.join('\n'),
  );
  assert.ok(!all.some((line) => /orders|clicks/.test(line)), all.join('\n'));
});
