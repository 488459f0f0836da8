import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { messageToText } from '../../src/core/message.ts';
import { dbNow, moveClock } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { handoverSince, handoverTeams, postHandover } from '../../src/incidents/handover.ts';
import { addSilence } from '../../src/incidents/silences.store.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { recordRestorePoint } from '../../src/restore-points/restore-points.store.ts';
import { availablePoints, setPinned } from '../../src/restore-points/retention.store.ts';
import { incidentRig } from './rig.ts';

const hour = 3_600_000;
const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
const team = { team: 'data', channel: 'C0ETL' };
async function post(database: Database, day = '2026-11-25'): Promise<string> {
  const now = await dbNow(database.db);
  await database.transaction((tx) => postHandover(tx, team, day, { now, since: handoverSince(undefined, now) }, { keep: 2 }));
  const [row] = (await database.db.query.outboxMessages.findMany()).filter((one) => one.dedupeKey === `handover:data:${day}`);
  assert.equal(row?.channel, 'C0ETL');
  return messageToText(row!.desired);
}
async function world(t: TestContext) {
  const { database } = await incidentRig(t, ['orders', 'clicks']);
  const now = (await dbNow(database.db)).getTime();
  for (let n = 1; n <= 4; n++)
    await recordRestorePoint(database.db, {
      job: 'orders',
      runId: 'run_1',
      version: 1,
      kind: 'savepoint',
      path: `s3://lake/savepoint-${n}`,
      takenAt: new Date(now - n * 24 * hour),
      operationId: 'op_1',
    });
  const goes = async () =>
    (await availablePoints(database.db, ['orders']))
      .flatMap((p) => (p.goesAt ? [[p.path.split('/').pop(), p.goesAt.getTime() - p.takenAt.getTime() > 24 * hour]] : []))
      .sort();
  return {
    database,
    goes,
    id: async (n: number) => (await availablePoints(database.db, ['orders'])).find((p) => p.path.endsWith(`-${n}`))!.id,
  };
}

it('names the savepoints that are deleted the day after, and only then gives them their day', async (t) => {
  const { database, goes } = await world(t);
  const text = await post(database);
  assert.match(text, /^Hand-over of team data: 2 savepoints to go\n/);
  assert.match(text, /orders: savepoint-3 \(3 d ago\), savepoint-4 \(4 d ago\), not one of the newest 2; not before /);
  assert.match(text, /To keep one: \/flink pin orders rp_/);
  assert.deepEqual(await goes(), [
    ['savepoint-3', true],
    ['savepoint-4', true],
  ]);
  await moveClock(database.db, 23 * hour);
  assert.match(await post(database, '2026-11-26'), /not before/);
  await moveClock(database.db, 2 * hour);
  assert.match(await post(database, '2026-11-27'), /within the hour/);
});

it('jobs that failed of one cause are one line, what broke alone is its own', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks', 'bills', 'carts', 'stock']);
  const facts = { exception: 'IOException: the storage does not answer' };
  for (const job of ['orders', 'clicks', 'bills', 'carts']) await r.breaks(job, { facts });
  await r.breaks('stock', { cause: 'not-recoverable' });
  const text = await post(r.database);
  assert.match(text, /^Hand-over of team data: 5 broken/);
  assert.match(
    text,
    /• 4 jobs failed \(bills, carts, clicks and 1 more\): IOException: the storage does not answer, since .*, nobody looks after them$/m,
  );
  assert.match(text, /• stock failed, since .*, nobody looks after it$/m);
});

it('only what the message tells of gets its day: of a job all, of many jobs the others the day after', async (t) => {
  const jobs = Array.from({ length: 12 }, (_, i) => `job-${String(i).padStart(2, '0')}`);
  const { database } = await incidentRig(t, jobs);
  const now = (await dbNow(database.db)).getTime();
  for (const job of jobs)
    for (let n = 1; n <= (job === 'job-00' ? 12 : 3); n++)
      await recordRestorePoint(database.db, {
        job,
        runId: 'run_1',
        version: 1,
        kind: 'savepoint',
        path: `s3://lake/${job}/savepoint-${n}`,
        takenAt: new Date(now - n * 24 * hour),
        operationId: 'op_1',
      });
  const told = async () => {
    const points = await availablePoints(database.db, jobs);
    return jobs.map((job) => points.filter((p) => p.job === job && p.goesAt !== null).length);
  };
  const first = await post(database);
  assert.match(
    first,
    /job-00: savepoint-3 .*savepoint-7 \(7 d ago\) and 5 more, taken from .* to .*, not one of the newest 2; not before /,
  );
  const one = await told();
  for (const [i, job] of jobs.entries())
    assert.equal(one[i], first.includes(`${job}: `) ? (job === 'job-00' ? 10 : 1) : 0, `${job} in ${first}`);
  assert.equal(one.filter((n) => n === 0).length, 2);
  await moveClock(database.db, 23 * hour);
  await post(database, '2026-11-26');
  assert.deepEqual(await told(), [10, ...Array.from({ length: 11 }, () => 1)]);
});

it('what was pinned meanwhile, or is kept again, loses its day', async (t) => {
  const { database, goes, id } = await world(t);
  await post(database);
  const three = await id(3);
  await database.transaction((tx) => setPinned(tx, three, { by: ann, reason: 'audit' }));
  assert.deepEqual(await goes(), [['savepoint-4', true]]);
  const now = await dbNow(database.db);
  await database.transaction((tx) => postHandover(tx, team, '2026-11-26', { now, since: now }, { keep: 10 }));
  assert.deepEqual(await goes(), []);
});

it('a team speaks in its channel, else in the default one; without any nothing is told and nothing gets a day', async (t) => {
  const { database } = await world(t);
  await database.transaction((tx) =>
    createJob(tx, {
      name: 'ads-report',
      team: 'ads',
      kind: 'jar',
      mode: 'streaming',
      project: null,
      definition: { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [] },
      origin: 'apply',
      createdBy: ann,
    }),
  );
  assert.deepEqual(await handoverTeams(database.db, { defaultChannel: undefined }), [team]);
  assert.deepEqual(await handoverTeams(database.db, { defaultChannel: 'C0ALL' }), [{ team: 'ads', channel: 'C0ALL' }, team]);
});

it('a silence of another team, job or tag is not in it', async (t) => {
  const { database } = await world(t);
  await database.transaction(async (tx) => {
    await addSilence(tx, { scope: 'team', name: 'ads', reason: 'x', by: ann, forMs: hour });
    await addSilence(tx, { scope: 'tag', name: 'nightly', teams: ['ads'], reason: 'x', by: ann, forMs: hour });
    await addSilence(tx, { scope: 'cluster', name: 'standalone', reason: 'new nodes', by: ann, forMs: hour });
  });
  assert.match(await post(database), /1 muted[\s\S]*Muted:\n• cluster standalone by @ann until .*: new nodes\n/);
});

it('tells of the time since the one before: over a weekend too', () => {
  const now = new Date('2026-11-23T08:00:00Z');
  const ago = (before: string | undefined) =>
    (now.getTime() - handoverSince(before === undefined ? undefined : new Date(before), now).getTime()) / hour;
  assert.equal(ago(undefined), 24);
  assert.equal(ago('2026-11-20T08:00:00Z'), 72);
  assert.equal(ago('2026-11-23T07:59:00Z'), 24);
  assert.equal(ago('2026-11-16T08:00:00Z'), 7 * 24);
  assert.equal(ago('2026-10-01T08:00:00Z'), 14 * 24);
});
