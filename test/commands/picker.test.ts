import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Directory } from '../../src/access/directory.ts';
import { putPerson, putTeam } from '../../src/access/people.store.ts';
import { commands } from '../../src/commands/index.ts';
import { createPickers } from '../../src/commands/picker.ts';
import type { Command, CommandServices } from '../../src/commands/spec.ts';
import { silentLog } from '../../src/core/log.ts';
import { messageToText } from '../../src/core/message.ts';
import { openDb } from '../../src/db/db.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { ada, createWorld, definition, emma, nina, omar, otto, vic } from '../helpers/command-world.ts';
import { startDbProxy } from '../helpers/db-proxy.ts';
import { createTestTarget } from '../helpers/test-db.ts';

const command = (name: string) => commands.find((c) => c.name === name) as Command;
const stranger = { teamId: 'T0OTHER', userId: 'U0X', name: 'x' };

test('each sees the jobs on which they may use the command, and an outsider none, whatever is typed', async (t) => {
  const w = await createWorld(t);
  const job = { project: 'etl', kind: 'jar', mode: 'streaming', origin: 'apply', createdBy: ada, definition } as const;
  await w.database.transaction((tx) => createJob(tx, { ...job, team: 'ads', name: 'ads-clicks' }));
  const seen = async (who: typeof emma, verb: string, typed = '') => (await w.pickers.jobs(command(verb), who, typed)).map((c) => c.value);
  assert.deepEqual(await seen(emma, 'start'), ['customers', 'etl-orders']);
  assert.deepEqual(await seen(omar, 'build'), [], 'on-call may not build');
  assert.deepEqual(await seen(omar, 'stop', 'ord'), ['etl-orders']);
  assert.deepEqual(await seen(vic, 'status'), ['customers', 'etl-orders']);
  assert.deepEqual(await seen(vic, 'start'), []);
  assert.deepEqual(await seen(nina, 'start'), ['ads-clicks']);
  assert.deepEqual(await seen(ada, 'status'), ['ads-clicks', 'customers', 'etl-orders']);
  for (const who of [otto, stranger]) for (const typed of ['', 'etl', 'customers']) assert.deepEqual(await seen(who, 'status', typed), []);

  const obstacle = async (who: typeof emma, verb: string) => {
    const told = await w.pickers.obstacle(command(verb), who);
    return told && messageToText(told);
  };
  assert.equal(await obstacle(emma, 'start'), undefined);
  assert.match((await obstacle(vic, 'start')) ?? '', /^You may not use start: that needs a? ?engineer, on-call, lead or admin/);
  assert.match((await obstacle(stranger, 'start')) ?? '', /^You may not use start: Sluice does not know you/);
  await w.database.transaction(async (tx) => {
    await putTeam(tx, { name: 'empty', channel: null, alertChannel: null });
    await putPerson(tx, { ...stranger, memberships: [{ team: 'empty', role: 'lead' }] });
  });
  assert.match((await obstacle(stranger, 'start')) ?? '', /^There is no job on which you may use start\./);
});

test('what Slack calls a guest chooses nothing', async (t) => {
  const directory: Directory = { person: async () => ({ name: 'emma', restricted: true }), groupMembers: async () => undefined };
  const w = await createWorld(t, { directory });
  assert.deepEqual(await w.pickers.jobs(command('status'), emma, ''), []);
  const point = await w.restorePoint('etl-orders', await w.run('etl-orders'));
  assert.ok(point);
  assert.deepEqual(await w.pickers.restorePoints(command('restore'), 'etl-orders', emma, ''), []);
});

test('a choice says where and how the job is, and what the person used last comes first', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  const all = () => w.pickers.jobs(command('restore'), emma, '');
  assert.deepEqual(
    (await all()).map((c) => [c.label, c.description]),
    [
      ['customers', 'development · has never run'],
      ['etl-orders', 'production · running v2 · a lead approves'],
    ],
  );
  await w.say(emma, 'savepoint etl-orders');
  const [first] = await all();
  assert.deepEqual([first?.value, first?.description], ['etl-orders', 'production · running v2 · savepoint in progress · a lead approves']);
});

test('hundreds of jobs, and names that nobody would give: at most a hundred, the best of them, nothing breaks', async (t) => {
  const w = await createWorld(t);
  const job = { team: 'data', project: 'etl', kind: 'jar', mode: 'streaming', origin: 'apply', createdBy: ada, definition } as const;
  const hostile = ['<!channel>', 'a\u202eb', 'x'.repeat(300), '"; drop table', '👩‍👩‍👧‍👦'.repeat(20), '%', 'a=b', '--help', ' '];
  await w.database.transaction(async (tx) => {
    for (const name of [...hostile, ...Array.from({ length: 150 }, (_, i) => `bulk-${String(i).padStart(3, '0')}`)])
      await createJob(tx, { ...job, name });
  });
  assert.equal((await w.pickers.jobs(command('start'), emma, '')).length, 100);
  assert.deepEqual((await w.pickers.jobs(command('start'), emma, 'bulk-14')).map((c) => c.label).at(-1), 'bulk-149');
  for (const typed of ['%', "'", '"; drop', '\\', '<!', '👩', '*', '(']) await w.pickers.jobs(command('start'), emma, typed);
  assert.deepEqual(
    (await w.pickers.jobs(command('start'), emma, '%')).map((c) => c.label),
    ['%'],
  );
});

test('restore points of a job, newest first, found by kind, size and path; each leads to the plan of its path', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders');
  const old = await w.restorePoint('etl-orders', run, { ago: 7_200_000, path: `s3://lake/${'deep/'.repeat(30)}savepoint-old` });
  for (let i = 0; i < 45; i++)
    await w.restorePoint('etl-orders', run, {
      ago: 60_000 * (i + 1),
      kind: 'checkpoint',
      checkpointId: i + 1,
      path: `s3://lake/chk-${i + 1}`,
    });
  const found = (typed: string, who = emma) => w.pickers.restorePoints(command('restore'), 'etl-orders', who, typed);
  const all = await found('');
  assert.equal(all.length, 46);
  assert.match(all[0]?.label ?? '', /^checkpoint 1, (\d+ s|1 min) ago, 23 KB, mid-run, v1$/);
  assert.equal(all[0]?.description, 's3://lake/chk-1');
  const [savepoint, ...rest] = await found('savepoint OLD');
  assert.deepEqual([savepoint?.value, rest.length], [old, 0]);
  assert.ok((savepoint?.description.length ?? 99) <= 75 && savepoint?.description.endsWith('savepoint-old'));
  assert.deepEqual(await found('', vic), []);
  assert.deepEqual(await found('', nina), []);
  assert.deepEqual(await w.pickers.restorePoints(command('restore'), 'no-such', emma, ''), []);
  // Older than the forty newest, and by its id: as if its path had been typed.
  assert.match(
    (await w.say(emma, `restore etl-orders --from ${old} --reason "bad deploy"`)).text,
    /^Asked for approval to restore etl-orders/,
  );
  assert.equal((await w.theOperation()).input['from'], `s3://lake/${'deep/'.repeat(30)}savepoint-old`);
});

test('with the database frozen the lists fail within Slack’s 3 s, and the form says why', async (t) => {
  const target = await createTestTarget(t, { beforeDrop: () => database.close() });
  const proxy = await startDbProxy(t, target);
  const database = openDb({ log: silentLog, ...proxy.target });
  const pickers = createPickers({ database, log: silentLog } as unknown as CommandServices, commands);
  assert.deepEqual(await pickers.jobs(command('start'), emma, ''), []);
  proxy.freeze();
  const asked = performance.now();
  const [jobs, points, why] = await Promise.allSettled([
    pickers.jobs(command('start'), emma, ''),
    pickers.restorePoints(command('restore'), 'etl-orders', emma, ''),
    pickers.obstacle(command('start'), emma),
  ]);
  assert.ok(performance.now() - asked < 2_400, `${Math.round(performance.now() - asked)} ms`);
  assert.deepEqual([jobs.status, points.status], ['rejected', 'rejected']);
  assert.match(messageToText((why as PromiseFulfilledResult<never>).value), /^The state store does not answer; nothing was started/);
  proxy.thaw();
});
