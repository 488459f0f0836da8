import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { dbNow, moveClock } from '../../src/db/clock.ts';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { endRun, findRun } from '../../src/jobs/runs.store.ts';
import { checkpoint, gone, noCheckpoints, seen } from '../helpers/fake-deployer.ts';
import { ann, flinkId, type Rig, rig } from './rig.ts';

const count = 60;
const jobName = (n: number) => `crowd-${String(n).padStart(2, '0')}`;
const idOf = (n: number) => String(n).padStart(32, 'c');

/** Sixty jobs that run, or so many. */
async function crowd(t: TestContext, size = count): Promise<Rig> {
  const r = await rig(t);
  for (let n = 0; n < size; n++) {
    await r.database.transaction((tx) =>
      createJob(tx, {
        name: jobName(n),
        team: 'etl',
        kind: 'jar',
        mode: 'streaming',
        project: null,
        definition: { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [] },
        origin: 'form',
        createdBy: ann,
      }),
    );
    await r.run(jobName(n), { flinkJobId: idOf(n) });
  }
  return r;
}
function shows(r: Rig, state: string | undefined, size = count): void {
  const all = Array.from({ length: size }, (_, n) => idOf(n));
  r.deployer
    .always('listRuns', new Map(state === undefined ? [] : all.map((id) => [id, state])))
    .always('look', state === undefined ? gone : seen({ state }));
}
/** The one message that tells of the incidents. */
async function message(r: Rig): Promise<string> {
  const incidents = await listIncidents(r.database.db, undefined, 1000);
  assert.deepEqual([...new Set(incidents.map((i) => i.messageId))].length, 1, 'one message for all');
  return r.text(incidents[0]?.messageId ?? null);
}

describe('sixty jobs that fail in one moment', () => {
  it('are sixty incidents in one message at once, and their causes and last checkpoints are read afterwards', async (t) => {
    const r = await crowd(t);
    shows(r, 'FAILED');
    const cause = (name: string) => ({ name, message: 'boom', task: null, at: Date.now(), stack: name });
    // The ones that are read first share a cause; three of the others have another one.
    r.deployer.always('rootCause', (id: string) =>
      cause([idOf(57), idOf(58), idOf(59)].includes(id) ? 'OtherException' : 'java.io.IOException'),
    );
    r.deployer.always('checkpoints', { ...noCheckpoints, completed: [checkpoint(7)] });
    // Slow enough that the first poll cannot read them all.
    let slow = true;
    r.deployer.always('checkpoints', async () => {
      if (slow) await new Promise((done) => setTimeout(done, 200));
      return { ...noCheckpoints, completed: [checkpoint(7)] };
    });
    await r.poll();
    const incidents = await listIncidents(r.database.db, undefined, 1000);
    assert.deepEqual(
      [incidents.length, new Set(incidents.map((i) => i.job)).size, new Set(incidents.map((i) => `${i.cause} ${i.state}`))],
      [count, count, new Set(['failed firing'])],
    );
    const first = await message(r);
    assert.match(first, /^60 jobs failed on standalone\n/);
    assert.match(first, /java\.io\.IOException: boom\nThis is the cause of \d+ jobs; \d+ are still to be read\./);
    assert.match(first, /\[Resume all 60\]/);

    slow = false;
    for (let n = 0; n < 3; n++) await r.poll();
    const after = await message(r);
    assert.match(after, /This is the cause of 57 jobs; 3 ended of something else, which the page tells\./);
    const last = await findRun(r.database.db, `run_${jobName(59)}`);
    assert.deepEqual(
      [last?.endReason, last?.rootException?.name, last?.lastCheckpoint?.id, last?.lastWordsDue],
      ['failed', 'OtherException', 7, false],
    );
    assert.equal((await listIncidents(r.database.db, jobName(59)))[0]?.fingerprint?.includes('Other'), true);
  });

  it('are told once, also when the next poll sees the same again', async (t) => {
    const r = await crowd(t);
    shows(r, 'FAILED');
    r.deployer.always('rootCause', undefined);
    await r.poll();
    await r.poll();
    const incidents = await listIncidents(r.database.db, undefined, 1000);
    assert.deepEqual([incidents.length, new Set(incidents.map((i) => i.occurrences))], [count, new Set([1])]);
    await message(r);
  });
});

it('when more fail than one poll can read the causes of, all are told, and the next look at the cluster comes before the causes', async (t) => {
  const size = 240;
  const r = await crowd(t, size);
  shows(r, 'FAILED', size);
  const cause = { name: 'java.io.IOException', message: 'boom', task: null, at: Date.now(), stack: '' };
  r.deployer.always('rootCause', cause).always('checkpoints', { ...noCheckpoints, completed: [checkpoint(9)] });
  const unread = async () =>
    (await Promise.all(Array.from({ length: size }, (_, n) => findRun(r.database.db, `run_${jobName(n)}`)))).filter(
      (run) => run?.lastWordsDue,
    ).length;
  await r.poll();
  assert.equal((await listIncidents(r.database.db, undefined, 1000)).length, size);
  const first = await unread();
  assert.equal(first, size - 10, 'of the first ones the cause is told at once');
  await r.poll();
  assert.ok((await unread()) < first);
});

describe('why sixty jobs failed', () => {
  it('is asked for until the cluster answers: one that is busy with its storm tells it later', async (t) => {
    const r = await crowd(t);
    shows(r, 'FAILED');
    const silence = () => {
      throw new UnreachableError('The JobManager does not answer.');
    };
    r.deployer.always('rootCause', silence).always('checkpoints', silence);
    await r.poll();
    const run = () => findRun(r.database.db, `run_${jobName(40)}`);
    assert.deepEqual([(await run())?.endReason, (await run())?.lastWordsDue], ['failed', true]);
    const cause = { name: 'java.io.IOException', message: 'boom', task: null, at: Date.now(), stack: '' };
    r.deployer.always('rootCause', cause).always('checkpoints', { ...noCheckpoints, completed: [checkpoint(9)] });
    for (let n = 0; n < 3; n++) await r.poll();
    assert.deepEqual(
      [(await run())?.rootException?.message, (await run())?.lastCheckpoint?.id, (await run())?.lastWordsDue],
      ['boom', 9, false],
    );
  });
});

it('why one job failed is asked for again too, when the cluster was silent just as it ended', async (t) => {
  const r = await crowd(t, 1);
  shows(r, 'FAILED', 1);
  const silence = () => {
    throw new UnreachableError('The JobManager does not answer.');
  };
  r.deployer.always('rootCause', silence).always('checkpoints', silence);
  await r.poll();
  assert.match(await message(r), /crowd-00 failed/);
  const cause = { name: 'java.io.IOException', message: 'boom', task: null, at: Date.now(), stack: '' };
  r.deployer.always('rootCause', cause).always('checkpoints', { ...noCheckpoints, completed: [checkpoint(9)] });
  await r.poll();
  const run = await findRun(r.database.db, `run_${jobName(0)}`);
  assert.deepEqual([run?.rootException?.message, run?.lastCheckpoint?.id, run?.lastWordsDue], ['boom', 9, false]);
  assert.match(await message(r), /boom/);
});

it('two ends of one job among many are one incident, and keep none of the others from being told', async (t) => {
  const r = await crowd(t);
  await r.run(jobName(0), {
    id: 'run_again',
    flinkJobId: 'a'.repeat(32),
    startedAt: new Date(Date.now() - 60_000),
    runningAt: null,
    state: 'LOST',
    ended: true,
    endedAt: new Date(),
    endReason: 'lost',
  });
  shows(r, undefined);
  await r.poll();
  const incidents = await listIncidents(r.database.db, undefined, 1000);
  assert.equal(incidents.length, count);
  assert.equal(incidents.find((one) => one.job === jobName(0))?.occurrences, 2);
  await message(r);
});

it('a run that was taken for lost and is listed again lives on: high availability brought it back late', async (t) => {
  const r = await rig(t);
  await r.run();
  r.shows({});
  await r.poll();
  assert.equal((await findRun(r.database.db, 'run_orders'))?.endReason, 'lost');
  r.shows({ orders: ['RUNNING', 4] });
  await r.poll(true);
  await r.poll();
  assert.equal((await findRun(r.database.db, 'run_orders'))?.ended, false);
  assert.equal((await listIncidents(r.database.db))[0]?.state, 'resolved');
});

it('a run whose submission was given up, and that comes up all the same, lives on, and people hear of it once', async (t) => {
  const r = await rig(t);
  await r.run();
  await endRun(r.database.db, 'run_orders', { state: 'CANCELED', reason: 'never-started' });
  r.shows({ orders: ['RUNNING', 4] });
  await r.poll(true);
  await r.poll(true);
  assert.equal((await findRun(r.database.db, 'run_orders'))?.ended, false);
  const said = (await r.database.db.query.outboxMessages.findMany()).map((one) => one.desired.title);
  assert.deepEqual(said, ['orders runs after all: its submission reached standalone late']);
});

it('and that it runs twice, when the job was started anew meanwhile', async (t) => {
  const r = await rig(t);
  await r.run();
  await endRun(r.database.db, 'run_orders', { state: 'CANCELED', reason: 'never-started' });
  await r.run('orders', { id: 'run_later', flinkJobId: 'b'.repeat(32), startedAt: new Date() });
  r.shows({ orders: ['RUNNING', 4] });
  r.deployer.always('listRuns', new Map([flinkId('orders'), 'b'.repeat(32)].map((id) => [id, 'RUNNING'])));
  await r.poll(true);
  const said = (await r.database.db.query.outboxMessages.findMany()).map((one) => [one.channel, one.desired.title]);
  assert.deepEqual(said, [['C0ALERT', 'orders runs twice on standalone: an old submission reached it late']]);
});

describe('sixty jobs that a cluster does not know any more', () => {
  it('went with its JobManager, when another one answers', async (t) => {
    const r = await crowd(t);
    shows(r, 'RUNNING');
    r.deployer.always('overview', new Map());
    await r.poll(true);
    r.deployer.always('jobManager', '/tmp/flink-web-2');
    shows(r, undefined);
    await r.poll();
    assert.equal((await listIncidents(r.database.db, undefined, 1000)).length, count);
    assert.match(await message(r), /^60 jobs are gone on standalone/);
    const [one] = await listIncidents(r.database.db, jobName(30));
    assert.match(one?.title ?? '', /the JobManager of standalone was restarted and does not know it any more/);
  });

  it('may come back with high availability: nothing is told before a minute has passed', async (t) => {
    const r = await crowd(t);
    shows(r, 'RUNNING');
    r.deployer.always('overview', new Map()).always('keepsJobs', true);
    await r.poll(true);
    r.deployer.always('jobManager', '/tmp/flink-web-2');
    shows(r, undefined);
    await r.poll();
    assert.deepEqual(await listIncidents(r.database.db), []);
    await moveClock(r.database.db, 61_000);
    await r.poll();
    assert.equal((await listIncidents(r.database.db, undefined, 1000)).length, count);
  });

  it('are only lost when a second list does not name them either', async (t) => {
    const r = await crowd(t);
    shows(r, undefined);
    const all = new Map(Array.from({ length: count }, (_, n) => [idOf(n), 'RUNNING']));
    // A list that was cut short; the run itself, and the next list, know better.
    r.deployer.expect('listRuns', new Map(), all).always('listRuns', all).always('look', seen());
    await r.poll();
    assert.deepEqual(await listIncidents(r.database.db), []);
  });
});

it('several JobManagers that take turns to answer behind one address are no restart of either', async (t) => {
  const r = await rig(t);
  const take = async (name: string) => {
    r.deployer.always('jobManager', name);
    await r.poll(true);
  };
  r.shows({});
  r.deployer.always('overview', new Map());
  for (const name of ['/tmp/flink-web-1', '/tmp/flink-web-2']) await take(name);
  await moveClock(r.database.db, 60_000);
  await r.run('orders', { startedAt: await dbNow(r.database.db) });
  r.shows({ orders: ['RUNNING', 4] });
  for (const name of ['/tmp/flink-web-1', '/tmp/flink-web-2', '/tmp/flink-web-1']) await take(name);
  r.shows({});
  await take('/tmp/flink-web-2');
  await r.poll();
  const [one] = await listIncidents(r.database.db, 'orders');
  assert.doesNotMatch(one?.title ?? '', /restarted/);
  assert.match(one?.title ?? '', /is gone/);
});

it('one job that is gone while its JobManager was not restarted was removed there, and says so', async (t) => {
  const r = await rig(t);
  await r.run();
  r.shows({ orders: ['RUNNING', 4] });
  await r.poll(true);
  r.shows({});
  await r.poll();
  await r.poll();
  const [incident] = await listIncidents(r.database.db);
  assert.equal(incident?.title, 'orders is gone: standalone answers but no longer knows it');
});
