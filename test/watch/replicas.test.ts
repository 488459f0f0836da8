import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { it, type TestContext } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { silentLog } from '../../src/core/log.ts';
import { sleep } from '../../src/core/time.ts';
import { inMs, moveClock, now } from '../../src/db/clock.ts';
import { type Database, openDb } from '../../src/db/db.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { insertRun } from '../../src/jobs/runs.store.ts';
import { insertApproval } from '../../src/operations/approvals.store.ts';
import { findOperation, insertOperation } from '../../src/operations/operations.store.ts';
import { desire } from '../../src/outbox/outbox.store.ts';
import { startWatch, type Watch } from '../../src/watch/schedule.ts';
import { type FakeDeployer, facts, fakeDeployer, fakeDeployers, gone, noCheckpoints, seen } from '../helpers/fake-deployer.ts';
import { createTestTarget } from '../helpers/test-db.ts';
import { ann, flinkId } from './rig.ts';

const names = ['east', 'west', 'north'];
interface Replica {
  owner: string;
  watch: Watch;
  /** How often each cluster was asked for its jobs by this replica. */
  polls(): Record<string, number>;
}

async function until(what: () => Promise<unknown> | unknown, words: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await what())) {
    assert.ok(performance.now() < end, `waited too long: ${words}`);
    await sleep(50);
  }
}
function cluster(t: TestContext): FakeDeployer {
  return fakeDeployer(t)
    .always('facts', facts)
    .always('checkpointConfig', { intervalMs: 60_000, retention: 'RETAIN_ON_CANCELLATION' })
    .always('checkpoints', noCheckpoints)
    .always('rootCause', undefined)
    .always('listRuns', new Map([[flinkId('orders'), 'FAILED']]))
    .always('overview', new Map())
    .always('look', (id: string) => (id === flinkId('orders') ? seen({ state: 'FAILED' }) : gone));
}
async function fill(database: Database): Promise<void> {
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'etl', channel: 'C0ETL', alertChannel: 'C0ALERT' });
    for (const name of names)
      await putCluster(tx, {
        name,
        kind: 'standalone',
        url: 'http://flink.example',
        webUrl: null,
        distribution: null,
        team: null,
        alertChannel: null,
      });
    const definition = { cluster: 'east', environment: 'production', args: [], flink: {}, links: [] } as const;
    await createJob(tx, {
      name: 'orders',
      team: 'etl',
      kind: 'jar',
      mode: 'streaming',
      project: null,
      definition: { ...definition, args: [], links: [] },
      origin: 'form',
      createdBy: ann,
    });
    await insertRun(tx, {
      id: 'run_orders',
      job: 'orders',
      version: 1,
      cluster: 'east',
      flinkJobId: flinkId('orders'),
      operationId: 'op_start',
      state: 'RUNNING',
      stateAt: now,
      startedBy: ann,
      startedAt: inMs(-600_000),
      runningAt: inMs(-590_000),
      beginning: 'fresh',
      tasksRunning: 4,
      tasksTotal: 4,
      checkpointIntervalMs: 60_000,
      checkpointsReadAt: now,
      firstCheckpoint: 'seen',
    });
    for (const [id, state] of [
      ['op_waiting', 'waiting'],
      ['op_parked', 'parked'],
    ] as const) {
      const messageId = await desire(tx, {
        dedupeKey: `operation:${id}`,
        channel: 'C0ETL',
        message: { tone: 'busy', title: id, parts: [] },
      });
      await insertOperation(tx, {
        id,
        kind: 'stop',
        job: 'orders',
        state,
        holds: false,
        input: {},
        idemKey: id,
        actor: ann,
        origin: { kind: 'typed' },
        messageId,
        createdAt: now,
      });
    }
    await insertApproval(tx, {
      id: 'ap_1',
      operationId: 'op_waiting',
      planHash: '',
      state: 'pending',
      requestedBy: ann,
      reason: 'because',
      expiresAt: inMs(-1000),
    });
  });
}

it('two replicas do what time brings once: polls, ends, digests, expiries; and what one leaves the other takes', {
  timeout: 90_000,
}, async (t) => {
  const opened: Database[] = [];
  const target = await createTestTarget(t, { beforeDrop: async () => void (await Promise.all(opened.map((d) => d.close()))) });
  const open = () => {
    const database = openDb({ log: silentLog, max: 4, connectTimeoutMs: 20_000, queryTimeoutMs: 20_000, ...target });
    opened.push(database);
    return database;
  };
  const database = open();
  const { db } = database;
  await fill(database);
  const begin = (owner: string): Replica => {
    const clusters = Object.fromEntries(names.map((name) => [name, cluster(t)]));
    const watch = startWatch({
      database: open(),
      deployers: fakeDeployers(clusters),
      log: silentLog,
      publicUrl: 'http://sluice.example',
      defaults: { defaultChannel: 'C0ALL', alertChannel: 'C0OPS' },
      times: { overviewEveryMs: 5000, checkpointsEveryMs: 60_000 },
      firstCheckpointWithinMs: 60_000,
      flow: { everyMs: 60_000, limits: { noDataMs: 0, watermarkMs: 0, backpressureMs: 0 }, budget: { requests: 0, ms: 0 } },
      incidents: {
        restartingForMs: 0,
        recoverableWithinMs: 30 * 60_000,
        channels: { always: [], whenSlackIsDown: [] },
        calls: { firstMs: 30 * 60_000, escalateMs: 60 * 60_000, againMs: 4 * 3_600_000 },
      },
      owner,
      jobsEveryMs: 200,
      digest: { at: '* * * * * *', timeZone: 'UTC' },
      handover: { at: '* * * * * *', timeZone: 'UTC' },
      keep: undefined,
      deadMan: undefined,
      incidentsKeptMs: 365 * 86_400_000,
      workDir: tmpdir(),
      onNews: () => {},
    });
    t.after(() => watch.stop());
    const polls = () => Object.fromEntries(names.map((name) => [name, clusters[name]?.count('listRuns') ?? 0]));
    return { owner, watch, polls };
  };
  const startMinute = Math.floor(Date.now() / 60_000);
  const [a, b] = [begin('a'), begin('b')];
  const total = (name: string) => (a.polls()[name] ?? 0) + (b.polls()[name] ?? 0);
  await until(async () => (await findOperation(db, 'op_waiting'))?.state === 'canceled', 'the approval expires');
  await until(async () => (await listIncidents(db)).length >= 2, 'the failed run and the parked operation are told');
  await until(() => names.every((name) => total(name) >= 3), 'each cluster is polled');
  const endMinute = Math.floor(Date.now() / 60_000);

  for (const name of names)
    assert.equal(
      [a, b].filter((r) => (r.polls()[name] ?? 0) > 0).length,
      1,
      `${name} is polled by one: ${JSON.stringify([a.polls(), b.polls()])}`,
    );
  assert.deepEqual((await listIncidents(db)).map((i) => [i.key, i.occurrences]).sort(), [
    ['job:orders:failed', 1],
    ['operation:op_parked:parked', 1],
  ]);
  const { rows } = await db.execute<{ key: string; version: number }>(
    'select dedupe_key as key, desired_version as version from outbox_messages order by dedupe_key',
  );
  const versions = (start: string) => rows.filter((row) => row.key.startsWith(start)).map((row) => row.version);
  assert.deepEqual(versions('operation:op_waiting'), [2], 'the expiry is said once');
  const digests = versions('digest:').reduce((sum, n) => sum + n, 0);
  const handovers = versions('handover:').reduce((sum, n) => sum + n, 0);
  assert.ok(
    handovers >= 1 && handovers <= endMinute - startMinute + 1,
    `${handovers} hand-overs in ${endMinute - startMinute + 1} minute(s)`,
  );
  assert.ok(digests >= 1 && digests <= endMinute - startMinute + 1, `${digests} digests in ${endMinute - startMinute + 1} minute(s)`);
  assert.notEqual(a.watch.lastPollAgeMs() ?? b.watch.lastPollAgeMs(), undefined);

  // The one that polls goes: it gives its clusters back, and the other asks them at its next look.
  const [leaves, stays] = (a.polls()['east'] ?? 0) > 0 ? [a, b] : [b, a];
  await leaves.watch.stop();
  await until(() => names.every((name) => (stays.polls()[name] ?? 0) >= 2), 'the other one takes over');
  // One that comes back after a freeze finds its leases taken.
  await moveClock(db, 16_000);
  const late = begin('late');
  await until(() => names.every((name) => (stays.polls()[name] ?? 0) + (late.polls()[name] ?? 0) >= 6), 'polls go on');
  assert.equal((await listIncidents(db)).length, 2, 'nothing is told twice');
});
