import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eq } from '../../src/db/query.ts';
import { operations } from '../../src/db/schema/index.ts';
import { listOperations } from '../../src/operations/operations.store.ts';
import { createRig, plainText } from './rig.ts';
import { emma, lena, vic } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

/** What a reader sees: the text of a page without its markup. */
const textOf = (body: string) => plainText(body.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ');
const linesOf = (body: string) => [...body.matchAll(/name="line" value="([^"]*)"/g)].map((m) => plainText(m[1] as string));

test('operations: what is in progress with its step and replica, what waits, what ended; each with what may be done', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const [running] = await listOperations(rig.database.db, 'sessions');
  const [parked] = await listOperations(rig.database.db, 'inventory-sync');
  const { body } = await (await rig.as(emma)).get('/operations');
  const [progress = '', waiting = '', ended = ''] = body.split('<section').slice(1).map(textOf);
  assert.match(
    progress,
    /In progress .* start of sessions running holds the job Upload, since .* 4\.2 MB of 12\.4 MB .*replica sluice-1, process 4711: its lease is live/,
  );
  assert.match(waiting, /Waiting .* restore of etl-orders waits for a lead .* savepoint of inventory-sync parked holds the job/);
  assert.match(ended, /Ended .* failed orders-dev was not restarted/);
  assert.doesNotMatch(ended, /running|parked/);
  const lines = linesOf(body);
  for (const line of [
    `cancel sessions --operation ${running?.id}`,
    `retry ${parked?.id}`,
    `cancel inventory-sync --operation ${parked?.id}`,
  ])
    assert.ok(lines.includes(line), line);
  assert.deepEqual(linesOf((await (await rig.as(vic)).get('/operations')).body), []);
});

test('a failed operation: its steps, the end of its build log, its error, and going on without building again', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const [failed] = await listOperations(rig.database.db, 'orders-dev');
  const { body } = await (await rig.as(emma)).get(`/operations/${failed?.id}`);
  const text = textOf(body);
  assert.match(text, /Upload failed .* the cluster refused the jar/);
  assert.match(text, /Retry from here A new operation with v3, which this one has built: it is not built again\./);
  assert.match(text, /\[INFO\] BUILD SUCCESS The last 40 of 62 lines\./);
  assert.match(text, /Error op_\w+ The full text Error: the cluster refused the jar/);
  assert.ok(linesOf(body).includes('restart orders-dev --version v3'));
  assert.ok(!linesOf((await (await rig.as(vic)).get(`/operations/${failed?.id}`)).body).includes('restart orders-dev --version v3'));
});

test('what was done since makes going on unsafe, and the page says why', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const { db } = rig.database;
  const [failed] = await listOperations(db, 'orders-dev');
  const [other] = await listOperations(db, 'sessions');
  await db.update(operations).set({ job: 'orders-dev' }).where(eq(operations.id, other!.id));
  const { body } = await (await rig.as(lena)).get(`/operations/${failed?.id}`);
  assert.match(textOf(body), new RegExp(`Retry from here Not offered: since then a start was begun \\( ${other?.id} \\)`));
  assert.ok(!linesOf(body).some((line) => line.startsWith('restart ')));
});

test('one that runs: who has it, how often it was taken up, and what a cancel would lead to; one that is parked can be sent on', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const [running] = await listOperations(rig.database.db, 'sessions');
  const text = textOf((await person.get(`/operations/${running?.id}`)).body);
  assert.match(text, /Runs on replica sluice-1, process 4711: its lease is live Taken up 2 times/);
  assert.match(text, /If it is canceled now: .*sessions is not started/);
  assert.match(text, /Retry from here Not offered\. It is still in progress\./);
  const [parked] = await listOperations(rig.database.db, 'inventory-sync');
  const page = await person.get(`/operations/${parked?.id}`);
  assert.match(textOf(page.body), /Upload not finished/);
  const guards = await person.guards(`/operations/${parked?.id}`, `value="retry ${parked?.id}"`);
  await person.post('/command', { ...guards, line: `retry ${parked?.id}` });
  assert.equal((await listOperations(rig.database.db, 'inventory-sync'))[0]?.state, 'queued');
});
