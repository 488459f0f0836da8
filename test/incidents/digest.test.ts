import assert from 'node:assert/strict';
import { it } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { messageToText } from '../../src/core/message.ts';
import { now } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { asc } from '../../src/db/query.ts';
import { outboxMessages } from '../../src/db/schema/index.ts';
import { buildDigest, digestChannels, postDigest } from '../../src/incidents/digest.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { endRun, insertRun, type RunInput, updateRun } from '../../src/jobs/runs.store.ts';
import { type CheckpointInput, insertCheckpoints } from '../../src/restore-points/checkpoints.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
const at = new Date('2026-11-25T08:00:00Z');
const ago = (min: number) => new Date(at.getTime() - min * 60_000);
const last = (min: number) => ({ id: 9, path: 's3://x/chk-9', size: 1, durationMs: 1, at: ago(min).toISOString() });
const defaults = { defaultChannel: undefined, alertChannel: undefined };

async function job(database: Database, name: string, change: Partial<RunInput> | 'never ran' = {}, channel = 'C1') {
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'etl', channel: null, alertChannel: null });
    await createJob(tx, {
      name,
      team: 'etl',
      kind: 'jar',
      mode: 'streaming',
      project: null,
      definition: { cluster: 'c', environment: 'production', args: [], flink: {}, links: [], channel },
      origin: 'form',
      createdBy: ann,
    });
    if (change !== 'never ran')
      await insertRun(tx, {
        id: `run_${name}`,
        job: name,
        version: 1,
        cluster: 'c',
        flinkJobId: name,
        operationId: 'op',
        state: 'RUNNING',
        stateAt: now,
        startedBy: ann,
        startedAt: ago(600),
        runningAt: ago(599),
        beginning: 'fresh',
        checkpointIntervalMs: 60_000,
        lastCheckpoint: last(1),
        ...change,
      });
  });
}
const digest = async (database: Database) => messageToText((await buildDigest(database.db, 'C1', at, defaults)).message);
const post = (database: Database, day = '2026-11-25') => database.transaction((tx) => postDigest(tx, 'C1', day, at, defaults));
const messages = async (database: Database) =>
  (await database.db.select().from(outboxMessages).orderBy(asc(outboxMessages.createdAt)))
    .filter((m) => m.dedupeKey.startsWith('digest:'))
    .map((m) => [m.dedupeKey.split(':').pop(), m.desiredVersion, m.desired.title]);

it('names only what is worth reading', async (t) => {
  const database = await sharedDb(t);
  await job(database, 'fine');
  await job(database, 'elsewhere', { lastCheckpoint: null }, 'C2');
  await job(database, 'never', 'never ran');
  assert.match(await digest(database), /^The one job is healthy\nCheckpoint digest, as of 2026-11-25 08:00$/);
  await job(database, 'stale', { lastCheckpoint: last(11) });
  await job(database, 'slow', { lastCheckpoint: last(29), checkpointIntervalMs: 600_000 });
  await job(database, 'off', { checkpointIntervalMs: 0 });
  await job(database, 'empty', { lastCheckpoint: null });
  await job(database, 'stopped');
  await endRun(database.db, 'run_stopped', { state: 'FINISHED', reason: 'stopped' });
  await job(database, 'failed');
  await endRun(database.db, 'run_failed', { state: 'FAILED', reason: 'failed' });
  const text = await digest(database);
  assert.match(text, /^2 of 6 healthy; empty: no checkpoint since it started 9 h 59 min ago/);
  assert.match(text, /\nfailed: failed /);
  assert.match(text, /\noff: checkpointing is off/);
  assert.match(text, /\nstale: last checkpoint 11 min ago/);
  assert.doesNotMatch(text, /slow|stopped|never|elsewhere/);
});

it('says what an open incident says', async (t) => {
  const database = await sharedDb(t);
  await job(database, 'orders');
  await database.transaction((tx) =>
    openIncident(tx, {
      key: 'job:orders:restarting',
      job: 'orders',
      cluster: 'c',
      cause: 'restarting',
      title: 'orders is restarting: 0/4 tasks run',
      facts: {},
      runId: undefined,
      channel: 'C1',
      fallbackChannels: [],
    }),
  );
  assert.match(await digest(database), /^0 of 1 healthy; orders: is restarting: 0\/4 tasks run, since/);
});

it('counts checkpoints that failed since yesterday, with what the last one said', async (t) => {
  const database = await sharedDb(t);
  await job(database, 'fine');
  await job(database, 'shaky');
  await job(database, 'stale', { lastCheckpoint: last(25) });
  const failed = (name: string, id: number, min: number, failure = 'Checkpoint expired before completing.\n at x'): CheckpointInput => ({
    runId: `run_${name}`,
    id,
    job: name,
    kind: 'checkpoint',
    state: 'failed',
    triggeredAt: ago(min),
    endedAt: ago(min),
    durationMs: 1,
    failure,
  });
  await insertCheckpoints(database.db, [
    failed('fine', 1, 25 * 60),
    failed('shaky', 1, 600, 'declined'),
    failed('shaky', 2, 300),
    failed('stale', 1, 20),
    { ...failed('fine', 2, 10), state: 'completed', failure: null },
  ]);
  const text = await digest(database);
  assert.match(text, /^1 of 3 healthy; shaky: 2 checkpoints failed since yesterday, the last: Checkpoint expired before completing\.\n/);
  assert.match(text, /\nstale: last checkpoint 25 min ago/);
  assert.doesNotMatch(text, /fine/);
});

it('is edited in place, and posted anew only when the list changes, or the day', async (t) => {
  const database = await sharedDb(t);
  await job(database, 'orders');
  await post(database);
  await post(database);
  assert.deepEqual(await messages(database), [['1', 2, 'The one job is healthy']]);
  await updateRun(database.db, 'run_orders', { lastCheckpoint: last(20) });
  await post(database);
  await updateRun(database.db, 'run_orders', { lastCheckpoint: last(25) });
  await post(database);
  const [, second] = await messages(database);
  assert.deepEqual(second, ['2', 2, '0 of 1 healthy; orders: last checkpoint 25 min ago']);
  await post(database, '2026-11-26');
  assert.deepEqual(
    (await messages(database)).map(([edition]) => edition),
    ['1', '2', '1'],
  );
});

it('goes to the channels in which jobs speak', async (t) => {
  const database = await sharedDb(t);
  await job(database, 'a');
  await job(database, 'b', {}, 'C2');
  await job(database, 'c');
  assert.deepEqual((await digestChannels(database.db, defaults)).sort(), ['C1', 'C2']);
});
