import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { dbNow, moveClock } from '../../src/db/clock.ts';
import { asc, eq } from '../../src/db/query.ts';
import { incidents, outboxMessages } from '../../src/db/schema/index.ts';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import { acknowledgeIncidents } from '../../src/incidents/open.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { endRun } from '../../src/jobs/runs.store.ts';
import { failuresKept, loopWindowMs, restartLoop } from '../../src/watch/restart-loop.rule.ts';
import { seen } from '../helpers/fake-deployer.ts';
import { ann, flinkId, type Rig, rig } from './rig.ts';

const second = 1000;
const minute = 60 * second;
const at = Date.parse('2026-11-26T12:00:00Z');
/** So many failures, so far apart, the newest one just now. */
const failures = (count: number, everyMs: number) => Array.from({ length: count }, (_, n) => at - n * everyMs);

describe('a run that restarts again and again', () => {
  it('has failed as often as the limit within 15 minutes, however short each was', () => {
    assert.deepEqual(restartLoop(failures(5, 10 * second), 5, new Date(at + second)), { count: 5, forMs: 40 * second, atLeast: false });
    assert.equal(restartLoop(failures(4, 10 * second), 5, new Date(at)), undefined);
    assert.equal(restartLoop(failures(16, 5 * minute), 5, new Date(at)), undefined, 'once in five minutes');
    assert.equal(restartLoop(failures(16, 10 * second), Number.POSITIVE_INFINITY, new Date(at)), undefined, 'turned off');
    assert.equal(restartLoop(failures(16, 10 * second), 5, new Date(at))?.atLeast, true, 'Flink keeps no more');
    assert.equal(restartLoop([], 2, new Date(at)), undefined);
  });
  it('is one no more when the newest failure is older than that', () => {
    assert.ok(restartLoop(failures(5, second), 5, new Date(at + loopWindowMs - 1)));
    assert.equal(restartLoop(failures(5, second), 5, new Date(at + loopWindowMs)), undefined);
  });
  it('never counts a failure outside the window, nor fewer than the limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 * minute }), { maxLength: failuresKept }),
        fc.integer({ min: 2, max: 16 }),
        (ago, limit) => {
          const list = ago.map((ms) => at - ms).sort((a, b) => b - a);
          const newest = list[0] ?? 0;
          const within = list.filter((one) => one >= newest - loopWindowMs).length;
          const loop = restartLoop(list, limit, new Date(newest));
          assert.equal(loop?.count, within >= limit ? within : undefined);
          assert.ok((loop?.forMs ?? 0) <= loopWindowMs);
        },
      ),
    );
  });
});

const calls = { firstMs: 30 * minute, escalateMs: 60 * minute, againMs: 240 * minute };
async function running(t: TestContext): Promise<Rig & { fails(everyMs?: number): Promise<void>; later(ms: number): Promise<void> }> {
  const r = await rig(t);
  Object.assign(r.deps.incidents, { restartingForMs: 30_000, recoverableWithinMs: 24 * 60 * minute });
  await r.run();
  r.shows({ orders: ['RUNNING', 4] });
  await r.poll(true);
  const list: number[] = [];
  const later = async (ms: number) => {
    await moveClock(r.database.db, ms);
    await r.poll(true);
    await r.database.transaction((tx) => carryIncidentsOn(tx, calls));
  };
  return {
    ...r,
    later,
    async fails(everyMs = 20 * second) {
      list.unshift((await dbNow(r.database.db)).getTime());
      const cause = { name: 'java.io.IOException', message: 'broker is gone', task: 'source (1/1)', at: list[0], stack: '' };
      r.deployer.always('rootCause', { ...cause, failures: list.slice(0, failuresKept) });
      r.shows({ orders: ['RESTARTING', 0] });
      await later(second);
      r.shows({ orders: ['RUNNING', 4] });
      await later(everyMs - second);
    },
  };
}
/** What can be read in Slack: `> ` before what is in a thread. */
async function said(r: Rig): Promise<string[]> {
  const rows = await r.database.db.select().from(outboxMessages).orderBy(asc(outboxMessages.createdAt), asc(outboxMessages.id));
  return rows.map((row) => `${row.threadOf ? '> ' : ''}${row.desired.title}`);
}
const open = async (r: Rig) => (await listIncidents(r.database.db)).filter((one) => one.state !== 'resolved').map((one) => one.cause);

describe('a job that is back within seconds each time', () => {
  it('is told at its fifth restart, in one message that counts on, and is over after 15 minutes without one', async (t) => {
    const r = await running(t);
    for (let n = 0; n < 4; n++) await r.fails();
    assert.deepEqual(await said(r), [], 'a few restarts mend themselves');
    await r.fails();
    const told = await said(r);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /^orders restarts again and again: 5 times in 8\d s$/);
    const [incident] = (await listIncidents(r.database.db)).filter((one) => one.cause === 'restart-loop');
    const text = await r.text(incident?.messageId ?? null);
    assert.match(text, /broker is gone/);
    assert.match(text, /source \(1\/1\)/);
    assert.doesNotMatch(text, /\[Resume/, 'it runs');
    for (let n = 0; n < 60; n++) await r.fails(minute);
    const hour = await said(r);
    assert.match(hour[0] ?? '', /^orders restarts again and again: (at least )?1[56] times in 1[45] min$/);
    assert.ok(hour.length <= 4, hour.join('\n'));
    assert.equal(hour.filter((line) => !line.startsWith('> ')).length, 1);
    await r.unread();
    await r.later(14 * minute);
    assert.deepEqual(await open(r), ['restart-loop']);
    await r.unread();
    await r.later(minute);
    assert.deepEqual(await open(r), []);
    assert.match((await said(r)).at(-1) ?? '', /has run for 15 min without a restart/);
  });
  it('whose restarts only the run itself still tells is told all the same', async (t) => {
    const r = await running(t);
    for (let n = 0; n < 4; n++) await r.fails();
    // By the time it is looked at, every task runs again.
    const all = Array.from({ length: 5 }, (_, n) => Date.now() - n * second);
    r.deployer.always('rootCause', { name: 'Boom', message: '', task: null, at: all[0], stack: '', failures: all });
    r.shows({ orders: ['RESTARTING', 0] });
    r.deployer.always('look', seen({ state: 'RUNNING', tasksRunning: 4 }));
    await r.later(second);
    assert.deepEqual(await open(r), ['restart-loop']);
  });
  it('and then stays down goes on in the same message', async (t) => {
    const r = await running(t);
    for (let n = 0; n < 5; n++) await r.fails();
    r.shows({ orders: ['RESTARTING', 0] });
    for (let n = 0; n < 5; n++) await r.later(20 * second);
    assert.deepEqual(await open(r), ['restart-loop']);
    assert.equal((await said(r)).length, 1);
  });
  it('and then fails for good has one open incident: failed', async (t) => {
    const r = await running(t);
    for (let n = 0; n < 5; n++) await r.fails();
    r.shows({ orders: ['FAILED', 0] });
    await r.later(second);
    assert.deepEqual(await open(r), ['failed']);
    assert.match((await said(r)).join('\n'), /It did not recover: orders failed/);
  });
  it('of which people were told as restarting goes on in that message, as the other problem', async (t) => {
    const r = await running(t);
    r.shows({ orders: ['RESTARTING', 0] });
    await r.later(second);
    await r.later(31 * second);
    r.shows({ orders: ['RUNNING', 4] });
    await r.later(second);
    for (let n = 0; n < 60; n++) await r.fails(minute);
    const all = await said(r);
    assert.match(all[0] ?? '', /^orders restarts again and again/);
    assert.equal(all.filter((line) => !line.startsWith('> ')).length, 1, all.join('\n'));
    assert.ok(all.length <= 4, all.join('\n'));
    assert.ok(
      all.some((line) => line.startsWith('> orders restarts again and again: 5 times')),
      all.join('\n'),
    );
    assert.deepEqual(await open(r), ['restart-loop']);
  });
  it('calls once more, although somebody looked after the restarts before', async (t) => {
    const r = await running(t);
    r.shows({ orders: ['RESTARTING', 0] });
    await r.later(second);
    await r.later(31 * second);
    const [told] = await listIncidents(r.database.db);
    await r.database.transaction((tx) => acknowledgeIncidents(tx, [told!.id], ann));
    r.shows({ orders: ['RUNNING', 4] });
    await r.later(second);
    // What no look met is in Flink's list all the same.
    const newest = (await dbNow(r.database.db)).getTime();
    const failures = Array.from({ length: 5 }, (_, n) => newest - n * 10 * second);
    r.deployer.always('rootCause', { name: 'Boom', message: '', task: null, at: newest, stack: '', failures });
    r.shows({ orders: ['RESTARTING', 0] });
    await r.later(second);
    const [loop] = (await listIncidents(r.database.db)).filter((one) => one.cause === 'restart-loop');
    assert.deepEqual([loop?.id, loop?.ackedBy, loop?.state], [told?.id, null, 'firing']);
  });
  it('is not over because nobody looked for a while, nor because it was down all the time', async (t) => {
    const r = await running(t);
    for (let n = 0; n < 5; n++) await r.fails();
    // Nobody looks for 16 minutes, in which it goes on.
    await moveClock(r.database.db, 16 * minute);
    const ago = (await dbNow(r.database.db)).getTime();
    const failures = [ago - minute, ago - 2 * minute];
    r.deployer.always('rootCause', { name: 'Boom', message: '', task: null, at: failures[0], stack: '', failures });
    await r.unread();
    await r.later(second);
    assert.deepEqual(await open(r), ['restart-loop'], 'Flink tells of a failure a minute ago');
    r.deployer.always('rootCause', new Error('no answer'));
    await r.unread();
    await r.later(20 * minute);
    assert.deepEqual(await open(r), ['restart-loop'], 'nothing is known');

    const s = await running(t);
    for (let n = 0; n < 5; n++) await s.fails();
    s.shows({ orders: ['RESTARTING', 0] });
    await s.later(second);
    await s.later(20 * minute);
    s.shows({ orders: ['RUNNING', 4] });
    await s.unread();
    await s.later(second);
    await s.unread();
    await s.later(minute);
    assert.deepEqual(await open(s), ['restart-loop'], 'it is back for a minute');
    await s.unread();
    await s.later(15 * minute);
    assert.deepEqual(await open(s), []);
  });
  it('is nobody’s business where the job says so, and later where it allows more', async (t) => {
    const r = await running(t);
    const allow = async (restartLoop: string) => {
      const job = await findJob(r.database.db, 'orders');
      await r.database.transaction((tx) =>
        addVersion(tx, 'orders', { definition: { ...job!.current.definition, restartLoop }, note: '', origin: 'form', createdBy: ann }),
      );
    };
    await allow('off');
    for (let n = 0; n < 8; n++) await r.fails();
    assert.deepEqual(await said(r), []);
    await allow('10');
    await r.fails();
    assert.deepEqual(await said(r), []);
    await r.fails();
    assert.deepEqual(await open(r), ['restart-loop']);
  });
  it('is over when a person stops it, with all else that was wrong with its run', async (t) => {
    const r = await running(t);
    for (let n = 0; n < 5; n++) await r.fails();
    const [loop] = await listIncidents(r.database.db);
    // Two problems of one run: what it did is over with it.
    await r.database.db
      .insert(incidents)
      .values({ ...loop!, id: 'inc_growth', key: 'job:orders:growth', cause: 'growth', messageId: null });
    await r.database.transaction((tx) => endRun(tx, 'run_orders', { state: 'FINISHED', reason: 'stopped' }));
    r.shows({});
    await r.later(second);
    assert.deepEqual(await open(r), []);
    const rows = await r.database.db.select().from(incidents).where(eq(incidents.job, 'orders'));
    assert.ok(rows.some((row) => row.resolution === 'orders was stopped.'));
  });
  it('is over when it was started anew: another run', async (t) => {
    const r = await running(t);
    for (let n = 0; n < 5; n++) await r.fails();
    const id = flinkId('again');
    await r.database.transaction((tx) => endRun(tx, 'run_orders', { state: 'CANCELED', reason: 'stopped' }));
    await r.run('orders', { id: 'run_again', flinkJobId: id, startedAt: new Date() });
    r.deployer
      .always('listRuns', new Map([[id, 'RUNNING']]))
      .always('overview', new Map([[id, { state: 'RUNNING', tasksRunning: 4, tasksTotal: 4 }]]));
    r.deployer.always('look', seen({ state: 'RUNNING', tasksRunning: 4 }));
    await r.unread();
    await r.later(second);
    assert.deepEqual(await open(r), []);
  });
});
