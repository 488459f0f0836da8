import assert from 'node:assert/strict';
import { it } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { now } from '../../src/db/clock.ts';
import type { JobDefinition } from '../../src/db/schema/index.ts';
import { jobChannels } from '../../src/jobs/channels.ts';
import {
  addVersion,
  createJob,
  findJob,
  findVersion,
  jobNames,
  listJobs,
  listVersions,
  setCurrentVersion,
} from '../../src/jobs/jobs.store.ts';
import { endRun, findRun, insertRun, lastRunThatRan, latestRun, latestRuns, liveRuns, versionsThatRan } from '../../src/jobs/runs.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
const definition: JobDefinition = { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [] };
const job = (name: string, change: Partial<JobDefinition> = {}) => ({
  name,
  team: 'etl',
  kind: 'jar' as const,
  mode: 'streaming' as const,
  project: null,
  definition: { ...definition, ...change },
  origin: 'form',
  createdBy: ann,
});

it('numbers versions without a gap when many people save at once', async (t) => {
  const database = await sharedDb(t);
  await database.transaction((tx) => createJob(tx, job('a')));
  await database.transaction((tx) => createJob(tx, job('b')));
  const numbers = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      database.transaction((tx) =>
        addVersion(tx, 'a', { definition: { ...definition, args: [String(n)] }, origin: 'set', createdBy: ann }),
      ),
    ),
  );
  assert.deepEqual(
    numbers.sort((x, y) => x - y),
    Array.from({ length: 40 }, (_, n) => n + 2),
  );
  assert.equal((await findJob(database.db, 'a'))?.currentVersion, 41);
  assert.equal((await listVersions(database.db, 'a')).length, 41);
  assert.equal((await findJob(database.db, 'b'))?.currentVersion, 1);
});

it('goes back to an older version without renumbering; the next one is new', async (t) => {
  const database = await sharedDb(t);
  await database.transaction((tx) => createJob(tx, job('a')));
  const save = (arg: string) =>
    database.transaction((tx) =>
      addVersion(tx, 'a', { definition: { ...definition, args: [arg] }, origin: 'set', note: 'why', createdBy: ann }),
    );
  assert.equal(await save('two'), 2);
  await database.transaction((tx) => setCurrentVersion(tx, 'a', 1));
  assert.deepEqual((await findJob(database.db, 'a'))?.current.definition.args, []);
  assert.equal(await save('three'), 3);
  assert.deepEqual((await findVersion(database.db, 'a', 2))?.definition.args, ['two']);
  assert.equal(await findVersion(database.db, 'a', 9), undefined);
  assert.deepEqual(await jobNames(database.db), ['a']);
  assert.deepEqual(
    (await listJobs(database.db)).map((j) => [j.name, j.current.number]),
    [['a', 3]],
  );
});

it('lets a job speak in its own channels, else its team’s, else the installation’s', async (t) => {
  const database = await sharedDb(t);
  const channels = async (
    change: Partial<JobDefinition>,
    team: { channel: string | null; alertChannel: string | null } | undefined,
    defaults = {},
  ) => {
    const name = `j${Math.random()}`;
    await database.transaction(async (tx) => {
      if (team) await putTeam(tx, { name, ...team });
      await createJob(tx, { ...job(name, change), team: name });
    });
    const found = await jobChannels(database.db, (await findJob(database.db, name))!, {
      defaultChannel: undefined,
      alertChannel: undefined,
      ...defaults,
    });
    return [found.channel, found.alertChannel];
  };
  const team = { channel: 'CT', alertChannel: 'CTA' };
  const defaults = { defaultChannel: 'CD', alertChannel: 'CDA' };
  assert.deepEqual(await channels({ channel: 'CJ', alertChannel: 'CJA' }, team, defaults), ['CJ', 'CJA']);
  assert.deepEqual(await channels({ channel: 'CJ' }, team, defaults), ['CJ', 'CTA']);
  assert.deepEqual(await channels({}, team, defaults), ['CT', 'CTA']);
  assert.deepEqual(await channels({}, { channel: null, alertChannel: null }, defaults), ['CD', 'CDA']);
  assert.deepEqual(await channels({}, undefined, { defaultChannel: 'CD' }), ['CD', 'CD']);
  assert.deepEqual(await channels({}, { channel: 'CT', alertChannel: null }), ['CT', 'CT']);
  assert.deepEqual(await channels({}, undefined), [undefined, undefined]);
});

it('ends a run once, and the first reason stays', async (t) => {
  const { db, transaction } = await sharedDb(t);
  const run = (id: string, change = {}) =>
    transaction((tx) =>
      insertRun(tx, {
        id,
        job: 'a',
        version: 1,
        cluster: 'c',
        flinkJobId: id,
        operationId: 'op',
        state: 'RUNNING',
        stateAt: now,
        startedBy: ann,
        startedAt: now,
        beginning: 'fresh',
        ...change,
      }),
    );
  await run('r1', { startedAt: new Date(1000), runningAt: new Date(1000), version: 3 });
  await run('r2', { startedAt: new Date(2000) });
  await run('r2', { version: 99 });
  assert.equal((await findRun(db, 'r2'))?.version, 1, 'inserting it again changes nothing');
  assert.equal((await latestRun(db, 'a'))?.id, 'r2');
  assert.equal((await lastRunThatRan(db, 'a'))?.id, 'r1');
  assert.deepEqual([...(await versionsThatRan(db, 'a'))], [3]);
  const ends = await Promise.all(['stopped', 'failed', 'lost'].map((reason) => endRun(db, 'r1', { state: 'FAILED', reason })));
  assert.equal(ends.filter(Boolean).length, 1);
  const ended = await findRun(db, 'r1');
  assert.equal(await endRun(db, 'r1', { state: 'LOST', reason: 'later' }), false);
  assert.deepEqual(await findRun(db, 'r1'), ended);
  assert.deepEqual(
    (await liveRuns(db, 'c')).map((r) => r.id),
    ['r2'],
  );
  assert.equal((await latestRuns(db)).get('a')?.id, 'r2');
});
