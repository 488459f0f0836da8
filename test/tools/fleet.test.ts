import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFlinkClient } from '../../src/flink/client.ts';
import { createClosing } from '../../src/tools/bench/closing.ts';
import { fleetJobId, startFleet } from '../../src/tools/bench/watch/fleet.ts';
import { differences, shapeOf } from '../faults/flink/contract-shape.ts';
import { rig } from '../faults/flink/rig.ts';
import { until } from '../helpers/flink.ts';

test('the fleet of the bench is read as a cluster is read, and its failures are seen', async (t) => {
  const closing = createClosing((error) => assert.fail(String(error)));
  t.after(() => closing.all());
  const fleet = await startFleet(closing, 3);
  const flink = createFlinkClient({ url: fleet.url });
  closing.add(() => flink.close());
  const failed = (await flink.jobs())[1]?.id ?? '';
  assert.equal(new Set(Array.from({ length: 10_000 }, (_, n) => fleetJobId(n))).size, 10_000);
  fleet.fail([1], 'java.io.IOException: gone');
  assert.deepEqual(
    (await flink.jobs()).map((job) => job.status),
    ['RUNNING', 'FAILED', 'RUNNING'],
  );
  assert.equal((await flink.overview())['jobs-failed'], 1);
  assert.equal((await flink.jobsOverview())[1]?.tasks.running, 0);
  assert.equal((await flink.exceptions(failed)).exceptionHistory?.entries[0]?.exceptionName, 'java.io.IOException');
  assert.equal((await flink.checkpointConfig(failed)).interval, 60_000);
  const restarting = fleet.restart([2], 50);
  assert.equal((await flink.jobs())[2]?.status, 'RESTARTING');
  await restarting;
  assert.equal((await flink.jobs())[2]?.status, 'RUNNING');
});

test('the fleet of the bench answers in the shapes that real releases answer in', async (t) => {
  const closing = createClosing((error) => assert.fail(String(error)));
  t.after(() => closing.all());
  const fleet = await startFleet(closing, 1);
  // Itself held to Flink 1.20.5 by test/contract.
  const strict = await rig(t, { version: '1.20.5' });
  const theirs = await strict.start();
  await until('a checkpoint', async () => (await strict.deployer.checkpoints(theirs)).completed.length > 0);
  const ours = ((await (await fetch(`${fleet.url}/jobs`)).json()) as { jobs: { id: string }[] }).jobs[0]?.id;
  const get = async (url: string, path: string) => {
    const answer = await fetch(`${url}${path}`);
    return shapeOf({ status: answer.status, contentType: answer.headers.get('content-type') ?? '', text: await answer.text() }, strict.dir);
  };
  for (const path of ['/overview', '/jobmanager/config', '/jobs', '/jobs/overview'])
    assert.deepEqual(differences(await get(fleet.url, path), await get(strict.flink.url, path)), [], path);
  for (const path of ['', '/status', '/checkpoints', '/checkpoints/config', '/exceptions?maxExceptions=5'])
    assert.deepEqual(
      differences(await get(fleet.url, `/jobs/${ours}${path}`), await get(strict.flink.url, `/jobs/${theirs}${path}`)),
      [],
      path || '/jobs/:id',
    );
  const vertices = async (url: string, id: string | undefined) =>
    ((await (await fetch(`${url}/jobs/${id}`)).json()) as { vertices: { id: string }[] }).vertices[0]?.id;
  const metrics = async (url: string, id: string | undefined, query: string) =>
    get(url, `/jobs/${id}/vertices/${await vertices(url, id)}/subtasks/metrics${query}`);
  for (const query of ['', '?get=numRecordsIn,numRecordsOut'])
    assert.deepEqual(differences(await metrics(fleet.url, ours, query), await metrics(strict.flink.url, theirs, query)), [], query);
  fleet.fail([0], 'java.lang.RuntimeException: boom');
  strict.flink.failJob(theirs, 'boom');
  for (const path of ['', '/status'])
    assert.deepEqual(
      differences(await get(fleet.url, `/jobs/${ours}${path}`), await get(strict.flink.url, `/jobs/${theirs}${path}`)),
      [],
      `${path || '/jobs/:id'} of one that failed`,
    );
});
