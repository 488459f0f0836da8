import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { createWorld, emma, nina, omar, stopped, vic, type World } from '../helpers/command-world.ts';

const broker = { exception: 'java.io.IOException: broker is gone' };
async function fail(w: World, ...jobs: string[]): Promise<string> {
  for (const job of jobs)
    await w.database.transaction((tx) =>
      openIncident(tx, {
        key: `job:${job}:failed`,
        job,
        cluster: 'standalone',
        cause: 'failed',
        title: `${job} failed`,
        facts: broker,
        runId: undefined,
        channel: 'C0ALERTS',
        fallbackChannels: [],
      }),
    );
  const leader = (await listIncidents(w.database.db)).find((one) => one.leaderId === null);
  return leader!.id;
}
const failedRun = { ...stopped, endReason: 'failed', state: 'FAILED' } as const;

test('one button resumes every job of the message, one operation each, however often it is clicked', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders', failedRun);
  await w.run('customers', failedRun);
  const id = await fail(w, 'etl-orders', 'customers');
  const message = await w.posted(`incident:${id}`);
  assert.equal(message.button('Resume all 2'), `resume-all ${id}`);
  await w.fiveAtOnce(omar, `resume-all ${id}`);
  const made = await w.operations();
  assert.deepEqual(made.map((op) => [op.kind, op.job]).sort(), [
    ['start', 'customers'],
    ['start', 'etl-orders'],
  ]);
});

test('it says of each job which version will start, and from what', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders', failedRun);
  await w.restorePoint('etl-orders', run, { kind: 'checkpoint', checkpointId: 41 });
  await w.run('customers', failedRun);
  const id = await fail(w, 'etl-orders', 'customers');
  const { text } = await w.once(omar, `resume-all ${id}`);
  assert.match(text, /^Accepted: resume 2 jobs\n/);
  assert.match(text, /^etl-orders: v\d from checkpoint 41, \d{4}-/m);
  assert.match(text, /^customers: v\d from what it can find$/m);
});

test('what runs, or is busy, or is not this person’s is left alone, by name', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders', failedRun);
  await w.run('customers');
  const id = await fail(w, 'etl-orders', 'customers');
  const said = await w.once(emma, `resume-all ${id}`);
  assert.match(said.text, /^Accepted: resume 1 job\netl-orders: v\d from what it can find\nLeft alone: customers: it runs/);
  await w.refused(omar, `resume-all ${id}`, /^None of them can be resumed now\. etl-orders: Emma works on it/);
  await w.refused(vic, `resume-all ${id}`, /may not/);
  await w.refused(nina, `resume-all ${id}`, /None of them can be resumed now\. etl-orders: not yours/);
});

test('a job of a cluster that is only observed is left alone; the others are resumed all the same', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders', failedRun);
  await w.run('customers', failedRun);
  const id = await fail(w, 'etl-orders', 'customers');
  await w.database.transaction(async (tx) => {
    await putCluster(tx, { name: 'elsewhere', kind: 'standalone', url: 'http://elsewhere:8081', team: 'data', observed: true });
    const job = await findJob(tx, 'customers');
    await addVersion(tx, 'customers', {
      definition: { ...job!.current.definition, cluster: 'elsewhere' },
      origin: 'set',
      createdBy: job!.current.createdBy,
    });
  });
  assert.match(
    (await w.once(omar, `resume-all ${id}`)).text,
    /^Accepted: resume 1 job\netl-orders: v\d from what it can find\nLeft alone: customers: .*only observes/,
  );
});
