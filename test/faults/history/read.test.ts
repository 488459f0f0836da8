import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { putPerson, putTeam } from '../../../src/access/people.store.ts';
import { newFlinkId, newId } from '../../../src/core/ids.ts';
import { inMs, moveClock, now } from '../../../src/db/clock.ts';
import type { Database } from '../../../src/db/db.ts';
import { eq } from '../../../src/db/query.ts';
import { operationSteps, operations, outboxMessages } from '../../../src/db/schema/index.ts';
import { putCluster } from '../../../src/deploy/clusters.store.ts';
import { openIncident } from '../../../src/incidents/open.ts';
import { createJob, findJob, type Job } from '../../../src/jobs/jobs.store.ts';
import { insertRun } from '../../../src/jobs/runs.store.ts';
import { accept } from '../../../src/operations/accept.ts';
import { startKind } from '../../../src/operations/kinds/start.ts';
import { buildIdOf } from '../../../src/operations/steps/build-sources.ts';
import type { Operation } from '../../../src/operations/types.ts';
import { findMessage } from '../../../src/outbox/outbox.store.ts';
import { connectPractice } from '../../../src/practice/client.ts';
import { recordArtifact } from '../../../src/projects/builds.store.ts';
import { recordRestorePoint } from '../../../src/restore-points/restore-points.store.ts';
import { createTestDb } from '../../helpers/test-db.ts';
import { api, startPractice } from '../../practice/rig.ts';
import type { TruthEvent } from '../truth.ts';
import { checkHistory } from './check.ts';
import { peopleAt, readHistory } from './read.ts';

const emma = { teamId: 'T0PRACTICE', userId: 'U0EMMA', name: 'emma' };
const sha = 'a'.repeat(64);
const title = 'etl-orders started: v1 running on 4/4 tasks';

async function seed(database: Database): Promise<Job> {
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: 'C0ETL', alertChannel: null });
    await putPerson(tx, { ...emma, memberships: [{ team: 'data', role: 'engineer' }] });
    await putCluster(tx, { name: 'standalone', kind: 'standalone', url: 'http://127.0.0.1:1', pathsReadable: true });
    await recordArtifact(tx, { sha256: sha, name: 'orders.jar', size: 10, mainClass: 'shop.Orders', source: 'upload', createdAt: now });
    await createJob(tx, {
      name: 'etl-orders',
      team: 'data',
      kind: 'jar',
      mode: 'streaming',
      project: null,
      definition: { cluster: 'standalone', environment: 'production', artifact: sha, args: [], flink: {}, links: [] },
      origin: 'form',
      createdBy: emma,
    });
  });
  return (await findJob(database.db, 'etl-orders')) as Job;
}

/** A start as the engine leaves it when all went well; its message is in the practice workspace. */
async function world(t: TestContext) {
  const database = await createTestDb(t);
  const practice = await startPractice(t);
  const client = connectPractice(practice.url);
  const home = await mkdtemp(join(tmpdir(), 'history-'));
  t.after(async () => {
    client.close();
    await rm(home, { recursive: true, force: true });
  });
  const job = await seed(database);
  const flinkJobId = newFlinkId();
  const runId = newId('run');
  const op = await database.transaction((tx) =>
    accept(tx, {
      kind: startKind,
      job,
      input: { right: 'change' },
      actor: emma,
      origin: { kind: 'typed', channel: 'C0ETL' },
      idemKey: newId('key'),
      jobChannel: 'C0ETL',
    }),
  );
  await database.transaction(async (tx) => {
    for (const [seq, name] of ['plan', 'place', 'submit', 'running'].entries())
      await tx.insert(operationSteps).values({
        operationId: op.id,
        name,
        seq,
        title: name,
        state: 'done',
        intent: name === 'submit' ? { flinkJobId, runId } : {},
        result: {},
        startedAt: now,
        doneAt: now,
      });
    await insertRun(tx, {
      id: runId,
      job: job.name,
      version: 1,
      cluster: 'standalone',
      flinkJobId,
      operationId: op.id,
      state: 'RUNNING',
      stateAt: now,
      startedBy: emma,
      startedAt: now,
      runningAt: now,
      beginning: 'fresh',
    });
    await recordRestorePoint(tx, { job: job.name, runId, version: 1, kind: 'checkpoint', path: 'file:/lake/c/chk-1', takenAt: new Date() });
    await tx
      .update(operations)
      .set({ state: 'succeeded', startedAt: now, finishedAt: now, outcome: { tone: 'good', title } })
      .where(eq(operations.id, op.id));
  });
  const at = Date.now();
  const truth: TruthEvent[] = [
    { seq: 1, at, is: 'jar-uploaded', jarId: 'j1', name: `sluice-${sha.slice(0, 16)}-orders.jar` },
    { seq: 2, at, is: 'job-started', jobId: flinkJobId, jobName: job.name, jarId: 'j1', restoredFrom: undefined, counter: 0 },
    { seq: 3, at, is: 'job-running', jobId: flinkJobId },
    { seq: 4, at, is: 'restore-point', kind: 'checkpoint', jobId: flinkJobId, path: 'file:///lake/c/chk-1', counter: 5 },
  ];
  const post = async (outboxId: string, text: string) => {
    const row = await findMessage(database.db, outboxId);
    const answer = await api(practice, 'chat.postMessage', {
      channel: row?.channel,
      text,
      metadata: { event_type: 'sluice_message', event_payload: { outbox_id: outboxId } },
    });
    assert.equal(answer.ok, true);
    await database.db
      .update(outboxMessages)
      .set({ state: 'sent', sentChannel: String(answer['channel']), sentTs: String(answer['ts']) })
      .where(eq(outboxMessages.id, outboxId));
  };
  const read = (more: Partial<Parameters<typeof readHistory>[0]> = {}) =>
    readHistory({ db: database.db, truth: { standalone: truth }, practice: client, homes: [home], ...more });
  return { database, op, read, post, truth, flinkJobId, home, runId };
}
const said = (op: Operation) => `✅ *${title}*\nAsked by <@U0EMMA> · ${op.id}`;

describe('history reader', () => {
  it('reads a start that went well, and the checker is content with it', async (t) => {
    const w = await world(t);
    await w.post(w.op.messageId, said(w.op));
    const history = await w.read();
    assert.deepEqual(checkHistory(history), []);
    assert.equal(history.operations[0]?.id, w.op.id);
    assert.deepEqual(
      history.steps.map((step) => [step.name, step.holds]),
      [
        ['plan', true],
        ['place', true],
        ['submit', true],
        ['running', true],
      ],
    );
    assert.deepEqual(history.jobs, [{ name: 'etl-orders', team: 'data', mode: 'streaming', environment: 'production' }]);
    assert.deepEqual(
      history.clusters.map(({ name, pathsReadable }) => ({ name, pathsReadable })),
      [{ name: 'standalone', pathsReadable: true }],
    );
    const mine = history.posts.filter((post) => post.outboxId === w.op.messageId);
    assert.equal(mine.length, 1);
    assert.match(mine[0]?.text ?? '', /@emma/);
    assert.ok(Math.abs(history.clockAheadMs) < 60_000);
  });

  it('finds the message that was never sent, the incident that nobody sees and the run that is gone', async (t) => {
    const w = await world(t);
    await w.database.transaction((tx) =>
      openIncident(tx, {
        key: 'cluster:standalone:unreachable',
        job: undefined,
        cluster: 'other',
        cause: 'unreachable',
        title: 'other does not answer',
        facts: {},
        runId: undefined,
        channel: 'C0ETL',
        fallbackChannels: [],
      }),
    );
    w.truth.push({ seq: 5, at: Date.now(), is: 'job-ended', jobId: w.flinkJobId, end: 'FAILED', counter: 6 });
    const what = checkHistory(await w.read()).map((v) => `${v.invariant} ${v.what}`);
    assert.deepEqual(what.sort(), [
      'I1 etl-orders is believed to run and is down, and nobody was told',
      'I4 the incident "other does not answer" is not to be seen',
      'I4 the message of the start of etl-orders is not to be seen',
    ]);
    assert.deepEqual(checkHistory(await w.read({ graceMs: 600_000 })), []);
  });

  it('sees an edited audit row, a lost lease and the moved clock', async (t) => {
    const w = await world(t);
    await w.post(w.op.messageId, said(w.op));
    await moveClock(w.database.db, 3_600_000);
    await w.database.db
      .update(operations)
      .set({ state: 'running', owner: 'host:1:1', leaseUntil: inMs(-1), finishedAt: null })
      .where(eq(operations.id, w.op.id));
    await w.database.db.execute(`update audit set subject = 'job:other'`);
    const history = await w.read();
    assert.ok(Math.abs(history.clockAheadMs - 3_600_000) < 60_000);
    assert.deepEqual(
      checkHistory(history).map((v) => v.invariant),
      ['I1', 'I6'],
    );
  });

  it('takes roles as they were, if they were kept', async (t) => {
    const w = await world(t);
    await w.post(w.op.messageId, said(w.op));
    const before = await peopleAt(w.database.db, new Date(0));
    await moveClock(w.database.db, 60_000);
    await w.database.transaction((tx) => putPerson(tx, { ...emma, memberships: [] }));
    const people = [...before, ...(await peopleAt(w.database.db))];
    assert.deepEqual(checkHistory(await w.read({ people })), []);
    assert.deepEqual(
      checkHistory(await w.read()).map((v) => v.invariant),
      ['I5'],
    );
  });

  it('finds the processes and folders that a build left', async (t) => {
    const w = await world(t);
    await w.post(w.op.messageId, said(w.op));
    const build = buildIdOf(w.op.id);
    await mkdir(join(w.home, 'workspaces', build), { recursive: true });
    const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)'], {
      env: { SLUICE_BUILD: `${build}.2` },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const history = await w.read();
    assert.deepEqual(history.processes, [{ pid: child.pid, build }]);
    assert.deepEqual(history.workspaces, [build]);
    assert.deepEqual(
      checkHistory(history).map((v) => v.invariant),
      ['I7', 'I7'],
    );
  });
});
