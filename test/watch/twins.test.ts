import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { findRun } from '../../src/jobs/runs.store.ts';
import { gatherStartFacts } from '../../src/operations/start-facts.ts';
import { decideStart } from '../../src/operations/start-plan.ts';
import { type Rig, rig } from './rig.ts';

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
