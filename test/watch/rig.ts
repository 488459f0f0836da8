import type { TestContext } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { silentLog } from '../../src/core/log.ts';
import { messageToText } from '../../src/core/message.ts';
import { now } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import { leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { changed, findRun, insertRun, type Run, type RunInput } from '../../src/jobs/runs.store.ts';
import { outcome } from '../../src/operations/message.ts';
import { findOperation, finish, insertOperation } from '../../src/operations/operations.store.ts';
import { findMessage } from '../../src/outbox/outbox.store.ts';
import { createCheckpointReads } from '../../src/watch/checkpoint-reads.ts';
import { pollCluster } from '../../src/watch/cluster-poll.ts';
import { createLiveRuns } from '../../src/watch/live-runs.ts';
import type { PollDeps } from '../../src/watch/poll-deps.ts';
import { type FakeDeployer, facts, fakeDeployer, fakeDeployers, gone, noCheckpoints, seen } from '../helpers/fake-deployer.ts';
import { sharedDb } from '../helpers/shared-db.ts';

export const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
/** The Flink job id of a job's run. */
export const flinkId = (job: string) => job.replace(/[^a-z]/g, '').padEnd(32, '0');

export interface Rig {
  database: Database;
  deps: PollDeps;
  deployer: FakeDeployer;
  /** One poll; `/jobs/overview` is due only when said. */
  poll(overviewDue?: boolean): Promise<{ answered: boolean; overviewFailed: boolean }>;
  run(job?: string, change?: Partial<RunInput>): Promise<Run>;
  /** For what watch remembers of checkpoints that could not be read, so much time passes. */
  later(ms: number): void;
  /** The next poll reads the checkpoints of every run. */
  unread(): Promise<void>;
  /** What the cluster shows of its runs: job -> state and running tasks of 4. */
  shows(jobs: Record<string, [state: string, tasks: number]>): void;
  news(): number;
  text(messageId: string | null): Promise<string>;
}
/** A cluster as watch sees it, with three jobs of one team. */
export async function rig(t: TestContext, change: Partial<PollDeps> = {}): Promise<Rig> {
  const database = await sharedDb(t);
  const deployer = fakeDeployer(t)
    .always('facts', facts)
    .always('checkpointConfig', { intervalMs: 1000, retention: 'RETAIN_ON_CANCELLATION' })
    .always('checkpoints', noCheckpoints)
    .always('rootCause', undefined);
  const [lease] = await leaseClusters(database.db, 'me', ['standalone']);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'etl', channel: 'C0ETL', alertChannel: 'C0ALERT' });
    for (const name of ['orders', 'clicks', 'views'])
      await createJob(tx, {
        name,
        team: 'etl',
        kind: 'jar',
        mode: 'streaming',
        project: null,
        definition: {
          cluster: 'standalone',
          environment: 'production',
          args: [],
          flink: {},
          links: [{ label: 'runbook', url: 'https://wiki.example/orders' }],
        },
        origin: 'form',
        createdBy: ann,
      });
  });
  let news = 0;
  const deps: PollDeps = {
    database,
    deployers: fakeDeployers({ standalone: deployer }),
    log: silentLog,
    publicUrl: 'http://sluice.example',
    defaults: { defaultChannel: 'C0ALL', alertChannel: 'C0OPS' },
    times: { overviewEveryMs: 5000, checkpointsEveryMs: 60_000 },
    firstCheckpointWithinMs: 60_000,
    incidents: {
      restartingForMs: 0,
      recoverableWithinMs: 30 * 60_000,
      channels: { always: [], whenSlackIsDown: [] },
      calls: { firstMs: 30 * 60_000, escalateMs: 60 * 60_000, againMs: 4 * 3_600_000 },
    },
    onNews: () => {
      news++;
    },
    ...change,
  };
  // As a replica keeps them: what is judged only once must come out the same.
  const live = createLiveRuns('standalone');
  let later = 0;
  const reads = createCheckpointReads(deps.log, () => performance.now() + later);
  return {
    database,
    deps,
    deployer,
    async poll(overviewDue = false) {
      const {
        tookMs: _took,
        facts: _facts,
        ...seen
      } = await pollCluster(deps, lease!, { overviewMs: overviewDue ? 5000 : 0 }, live, reads);
      return seen;
    },
    later(ms) {
      later += ms;
    },
    async unread() {
      await database.db.execute(sql`update runs set checkpoints_read_at = null, changed_in = ${changed.changedIn}`);
    },
    async run(job = 'orders', more = {}) {
      await database.transaction((tx) =>
        insertRun(tx, {
          id: `run_${job}`,
          job,
          version: 3,
          cluster: 'standalone',
          flinkJobId: flinkId(job),
          operationId: 'op_start',
          state: 'RUNNING',
          stateAt: now,
          startedBy: ann,
          startedAt: new Date(Date.now() - 600_000),
          runningAt: new Date(Date.now() - 590_000),
          beginning: 'fresh',
          tasksRunning: 4,
          tasksTotal: 4,
          checkpointIntervalMs: 60_000,
          checkpointsReadAt: new Date(),
          firstCheckpoint: 'seen',
          ...more,
        }),
      );
      return (await findRun(database.db, `run_${job}`)) as Run;
    },
    shows(jobs) {
      deployer.always('look', (flinkJobId: string) => {
        const shown = Object.entries(jobs).find(([job]) => flinkId(job) === flinkJobId)?.[1];
        return shown ? seen({ state: shown[0], tasksRunning: shown[1] }) : gone;
      });
      deployer.always('listRuns', new Map(Object.entries(jobs).map(([job, [state]]) => [flinkId(job), state])));
      deployer.always(
        'overview',
        new Map(Object.entries(jobs).map(([job, [state, tasksRunning]]) => [flinkId(job), { state, tasksRunning, tasksTotal: 4 }])),
      );
    },
    news: () => news,
    text: async (messageId) => messageToText((await findMessage(database.db, messageId ?? ''))!.desired),
  };
}

/** A stop of orders in that state. */
export const insertOp = (r: Rig, state: 'queued' | 'running' | 'parked', opId = 'op_stop') =>
  r.database.transaction((tx) =>
    insertOperation(tx, {
      id: opId,
      kind: 'stop',
      job: 'orders',
      state,
      holds: true,
      input: {},
      idemKey: opId,
      actor: ann,
      origin: { kind: 'typed' },
      messageId: 'm',
      createdAt: now,
    }),
  );
/** It is over: the job is free again. */
export const endOp = (r: Rig, opId = 'op_stop') =>
  r.database.transaction(async (tx) => finish(tx, (await findOperation(tx, opId))!, 'failed', outcome('bad', 'x')));
/** What people have to know of, by the keys of its incidents. */
export const openKeys = async (r: Rig) => (await openIncidents(r.database.db)).map((i) => i.key);
