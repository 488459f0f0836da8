import assert from 'node:assert/strict';
import { it } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { findRun } from '../../src/jobs/runs.store.ts';
import { gatherStartFacts } from '../../src/operations/start-facts.ts';
import { decideStart } from '../../src/operations/start-plan.ts';
import { flinkId, type Rig, rig } from './rig.ts';

const other = 'f'.repeat(32);
const since = Date.parse('2026-11-25T09:30:00Z');
/** The run of orders, and what others started. */
function shows(r: Rig, state: string, stranger?: { state: string; name: string }): void {
  r.shows({ orders: [state, state === 'RUNNING' ? 4 : 0] });
  const mine = 'orders'.padEnd(32, '0');
  const names = new Map([[mine, { state, tasksRunning: 4, tasksTotal: 4, name: 'Orders to lake' }]]);
  const states = new Map([[mine, state]]);
  if (stranger) {
    states.set(other, stranger.state);
    names.set(other, { tasksRunning: 4, tasksTotal: 4, startedAt: since, ...stranger } as never);
  }
  r.deployer.always('listRuns', states).always('overview', names);
}
async function start(r: Rig, breakGlass = false) {
  const wish = { version: undefined, fresh: true, from: undefined, breakGlass };
  const job = (await findJob(r.database.db, 'orders'))!;
  return decideStart(await gatherStartFacts(r.deps, job, wish), wish, new Date());
}

it('a copy of a canceled job that somebody started by hand is told in its incident, and no second one is started beside it', async (t) => {
  const r = await rig(t);
  r.deployer.always('rootCause', undefined);
  await r.run();
  shows(r, 'RUNNING', { state: 'RUNNING', name: 'Something else' });
  await r.poll(true);
  assert.equal((await findRun(r.database.db, 'run_orders'))?.flinkName, 'Orders to lake');
  shows(r, 'CANCELED');
  await r.poll(true);
  const [told] = await openIncidents(r.database.db);
  assert.equal(told?.cause, 'canceled-elsewhere');
  const text = () => r.text(told!.messageId);
  assert.doesNotMatch(await text(), /did not start/);
  shows(r, 'CANCELED', { state: 'RUNNING', name: 'Something else' });
  await r.poll(true);
  assert.doesNotMatch(await text(), /did not start/, 'one of another name is none of ours');
  assert.match(await text(), /\[Resume\].*\[Restore\]/);
  shows(r, 'CANCELED', { state: 'RUNNING', name: 'Orders to lake' });
  for (let i = 0; i < 2; i++) await r.poll(true);
  const words = `A job of its name runs on standalone that Sluice did not start: ${other}, since 2026-11-25 09:30 UTC.`;
  assert.ok((await text()).includes(words), await text());
  assert.doesNotMatch(await text(), /\[Resume\]|\[Restore\]/, 'it would be refused');
  assert.equal((await openIncidents(r.database.db)).length, 1);
  const no = await start(r);
  assert.ok(no.is === 'refused' && no.error.message.includes(words) && no.error.hint?.includes('--break-glass'));
  const forced = await start(r, true);
  assert.ok(forced.is === 'plan' || !forced.error.message.includes(words), 'whoever knows better breaks glass');
  // It ends: nothing is in the way any more.
  shows(r, 'CANCELED', { state: 'CANCELED', name: 'Orders to lake' });
  await r.poll(true);
  assert.doesNotMatch(await text(), /did not start/);
  assert.match(await text(), /\[Resume\]/);
  const yes = await start(r);
  assert.ok(yes.is === 'plan' || !yes.error.message.includes(words));
});

it('is told with the end itself when both are seen at once', async (t) => {
  const r = await rig(t);
  r.deployer.always('rootCause', undefined);
  await r.run();
  shows(r, 'RUNNING');
  await r.poll(true);
  shows(r, 'CANCELED', { state: 'RUNNING', name: 'Orders to lake' });
  await r.poll(true);
  await r.poll(true);
  const [told] = await openIncidents(r.database.db);
  assert.match(await r.text(told!.messageId), /that Sluice did not start: f{32}/);
});

const minute = 60_000;
async function pollLater(r: Rig, ms: number): Promise<void> {
  await moveClock(r.database.db, ms);
  await r.poll(true);
  const calls = { firstMs: 30 * minute, escalateMs: 60 * minute, againMs: 240 * minute };
  await r.database.transaction((tx) => carryIncidentsOn(tx, calls));
}

it('beside a run that lives is an incident after a minute, until it has ended', async (t) => {
  const r = await rig(t);
  await r.run();
  shows(r, 'RUNNING', { state: 'RUNNING', name: 'Orders to lake' });
  await pollLater(r, 0);
  await pollLater(r, 10_000);
  assert.deepEqual(await openIncidents(r.database.db), [], 'whoever moves a job by hand has both up for a moment');
  await pollLater(r, minute);
  const [told, ...others] = await openIncidents(r.database.db);
  assert.deepEqual([told?.cause, others.length], ['runs-twice', 0]);
  const text = await r.text(told!.messageId);
  assert.match(text, /^orders runs twice on standalone\n/);
  assert.match(text, /that Sluice did not start: f{32}, since 2026-11-25 09:30 UTC\.\nThe run of Sluice is v3, orders0+\./);
  assert.match(text, /The copy in Flink/);
  assert.doesNotMatch(text, /\[Resume/);
  shows(r, 'RUNNING', { state: 'CANCELED', name: 'Orders to lake' });
  await pollLater(r, 10_000);
  assert.deepEqual(await openIncidents(r.database.db), []);
  assert.match(await r.text(told!.messageId), /^Resolved: orders runs twice[\s\S]*The copy that others had started has ended\./);
});

it('that outlives the run of ours is told with its end', async (t) => {
  const r = await rig(t);
  await r.run();
  shows(r, 'RUNNING', { state: 'RUNNING', name: 'Orders to lake' });
  await pollLater(r, 0);
  await pollLater(r, 2 * minute);
  shows(r, 'CANCELED', { state: 'RUNNING', name: 'Orders to lake' });
  await pollLater(r, 1000);
  const open = await openIncidents(r.database.db);
  assert.deepEqual(
    open.map((one) => one.cause),
    ['canceled-elsewhere'],
  );
  assert.match(await r.text(open[0]!.messageId), /that Sluice did not start: f{32}/);
});

it('is none where the name is nobody’s: what every program is called, or what two jobs of ours are called', async (t) => {
  const r = await rig(t);
  await r.run();
  await r.run('clicks');
  const shared = (name: string) => {
    const ids = ['orders', 'clicks'].map((job) => flinkId(job));
    const seenOf = { state: 'RUNNING', tasksRunning: 4, tasksTotal: 4, startedAt: since };
    r.deployer
      .always('listRuns', new Map([...ids, other].map((id) => [id, 'RUNNING'])))
      .always(
        'overview',
        new Map([...ids.map((id, n) => [id, { ...seenOf, name: n === 0 ? name : 'Copy' }] as const), [other, { ...seenOf, name }]]),
      );
  };
  shared('Flink Streaming Job');
  for (let n = 0; n < 3; n++) await pollLater(r, minute);
  assert.deepEqual(await openIncidents(r.database.db), []);
  await r.database.db.execute(sql`update runs set flink_name = 'Copy'`);
  shared('Copy');
  for (let n = 0; n < 3; n++) await pollLater(r, minute);
  assert.deepEqual(await openIncidents(r.database.db), []);
});
