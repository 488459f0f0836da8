import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../../core/time.ts';
import type { Closing } from '../closing.ts';

/** A Flink cluster with very many jobs that do nothing: it answers what watch asks, in Flink's shapes (held to the strict stand-in by a test). */
export interface Fleet {
  url: string;
  size: number;
  /** Jobs of these numbers fail now, with this root exception. @returns milliseconds since 1970. */
  fail(numbers: readonly number[], exception: string): number;
  /** Jobs of these numbers restart now, and run again after so many milliseconds. */
  restart(numbers: readonly number[], forMs: number): Promise<void>;
  /** How often it was asked, by path with ids left out. */
  asked: Map<string, number>;
}
export const fleetJobName = (n: number): string => `fleet-${String(n).padStart(5, '0')}`;
/** The Flink job id of a job of the fleet. */
export const fleetJobId = (n: number): string => `a${n.toString(16).padStart(31, '0')}`;
const begun = Date.now() - 3_600_000;
const vertexId = 'cbc357ccb763df2852fee8c4fc7d55f2';

interface Job {
  id: string;
  name: string;
  state: 'RUNNING' | 'RESTARTING' | 'FAILED';
  changedAt: number;
  failedAt: number;
  exception: string;
}

/** Starts a fleet of so many running jobs, all older than an hour. */
export async function startFleet(closing: Closing, size: number): Promise<Fleet> {
  const jobs: Job[] = Array.from({ length: size }, (_, n) => ({
    id: fleetJobId(n),
    name: fleetJobName(n),
    state: 'RUNNING',
    changedAt: begun,
    failedAt: 0,
    exception: '',
  }));
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const asked = new Map<string, number>();
  // Lists are made once for each change: what they cost must not be taken for Sluice's.
  let list: string | undefined;
  let overview: string | undefined;

  function answer(path: string, query: string | undefined): { status: number; body: string } {
    const [, , id = '', ...rest] = path.split('/');
    const job = path.startsWith('/jobs/') ? byId.get(id) : undefined;
    const ok = (value: unknown) => ({ status: 200, body: JSON.stringify(value) });
    if (path === '/jobs') {
      list ??= JSON.stringify({ jobs: jobs.map((one) => ({ id: one.id, status: one.state })) });
      return { status: 200, body: list };
    }
    if (path === '/jobs/overview') {
      overview ??= JSON.stringify({ jobs: jobs.map(overviewOf) });
      return { status: 200, body: overview };
    }
    if (path === '/overview') return ok(clusterOf(jobs));
    if (path === '/jobmanager/config') return ok([{ key: 'web.tmpdir', value: '/tmp/flink-web-fleet' }]);
    if (!job) return { status: 404, body: JSON.stringify({ errors: [`Job ${id} not found`] }) };
    if (rest[0] === 'status') return ok({ status: job.state });
    if (rest.join('/') === 'checkpoints') return ok(checkpoints());
    if (rest.join('/') === 'checkpoints/config') return ok(checkpointConfig);
    if (rest[0]?.startsWith('exceptions')) return ok(exceptionsOf(job));
    if (rest[0] === 'vertices') return ok(metricsOf(query));
    if (rest.length === 0) return ok(detailsOf(job));
    return { status: 404, body: JSON.stringify({ errors: ['Not found.'] }) };
  }
  function change(numbers: readonly number[], to: (at: number) => Partial<Job>): number {
    const at = Date.now();
    for (const n of numbers) Object.assign(jobs[n] as Job, to(at), { changedAt: at });
    list = undefined;
    overview = undefined;
    return at;
  }
  const send = (response: ServerResponse, { status, body }: { status: number; body: string }) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
    response.end(body);
  };
  const server = createServer((request, response) => {
    const [path = '', query] = (request.url ?? '').split('?');
    const kind = path.replace(/[0-9a-f]{32}/g, ':id');
    asked.set(kind, (asked.get(kind) ?? 0) + 1);
    send(response, answer(path, query));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.add(
    () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    size,
    asked,
    fail: (numbers, exception) => change(numbers, (at) => ({ state: 'FAILED', failedAt: at, exception })),
    async restart(numbers, forMs) {
      change(numbers, () => ({ state: 'RESTARTING' }));
      await sleep(forMs);
      change(numbers, () => ({ state: 'RUNNING' }));
    },
  };
}

const tasksOf = (job: Job) => ({
  running: job.state === 'RUNNING' ? 2 : 0,
  canceling: 0,
  canceled: 0,
  total: 2,
  created: 0,
  scheduled: 0,
  deploying: 0,
  reconciling: 0,
  finished: 0,
  initializing: 0,
  failed: job.state === 'FAILED' ? 2 : 0,
});
const overviewOf = (job: Job) => ({
  jid: job.id,
  name: job.name,
  'start-time': begun,
  'end-time': job.failedAt || -1,
  duration: 3_600_000,
  state: job.state,
  'last-modification': job.changedAt,
  tasks: tasksOf(job),
});
function clusterOf(jobs: readonly Job[]) {
  const failed = jobs.filter((job) => job.state === 'FAILED').length;
  return {
    taskmanagers: 10,
    'slots-total': jobs.length * 2,
    'slots-available': 0,
    'jobs-running': jobs.length - failed,
    'jobs-finished': 0,
    'jobs-cancelled': 0,
    'jobs-failed': failed,
    'flink-version': '1.20.5',
    'flink-commit': '0980485',
  };
}
const byState = (job: Job, count: number) => {
  const { total: _, ...tasks } = tasksOf(job);
  return Object.fromEntries(Object.entries(tasks).map(([name, n]) => [name.toUpperCase(), n > 0 ? count : 0]));
};
const states = ['FAILING', 'CANCELLING', 'CANCELED', 'FINISHED', 'RESTARTING', 'SUSPENDED', 'RECONCILING'];
function detailsOf(job: Job) {
  const node = { parallelism: 2, operator: '', operator_strategy: '', description: 'count', optimizer_properties: {} };
  return {
    jid: job.id,
    name: job.name,
    isStoppable: false,
    state: job.state,
    'job-type': 'STREAMING',
    'start-time': begun,
    'end-time': job.failedAt || -1,
    duration: 3_600_000,
    maxParallelism: -1,
    now: Date.now(),
    timestamps: {
      INITIALIZING: begun,
      CREATED: begun,
      RUNNING: begun,
      FAILED: job.failedAt,
      ...Object.fromEntries(states.map((state) => [state, 0])),
    },
    vertices: [
      {
        id: vertexId,
        slotSharingGroupId: vertexId,
        name: 'Source: orders -> count',
        maxParallelism: 128,
        parallelism: 2,
        status: job.state,
        'start-time': begun,
        'end-time': job.failedAt || -1,
        duration: 3_600_000,
        tasks: byState(job, 2),
        metrics: {
          ...Object.fromEntries(
            ['read-bytes', 'write-bytes', 'read-records', 'write-records'].flatMap((name) => [
              [name, 0],
              [`${name}-complete`, true],
            ]),
          ),
          'accumulated-backpressured-time': 0,
          'accumulated-idle-time': 0,
          'accumulated-busy-time': 0,
        },
      },
    ],
    'status-counts': byState(job, 1),
    plan: {
      jid: job.id,
      name: job.name,
      type: 'STREAMING',
      nodes: [
        { id: vertexId, ...node, inputs: [{ num: 0, id: vertexId, ship_strategy: 'HASH', exchange: 'pipelined_bounded' }] },
        { id: vertexId, ...node },
      ],
    },
  };
}
const summary = { min: 0, max: 0, avg: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0 };
const measured = ['checkpointed_size', 'state_size', 'end_to_end_duration', 'alignment_buffered', 'processed_data', 'persisted_data'];
/** One checkpoint a minute, the newest of this minute. */
function checkpoints() {
  const id = Math.floor((Date.now() - begun) / 60_000);
  const at = begun + id * 60_000;
  const checkpoint = {
    className: 'completed',
    id,
    status: 'COMPLETED',
    is_savepoint: false,
    savepointFormat: null,
    checkpoint_type: 'CHECKPOINT',
    trigger_timestamp: at,
    latest_ack_timestamp: at + 800,
    checkpointed_size: 4096,
    state_size: 4096,
    end_to_end_duration: 800,
    alignment_buffered: 0,
    processed_data: 0,
    persisted_data: 0,
    num_subtasks: 2,
    num_acknowledged_subtasks: 2,
    tasks: {},
    external_path: `file:/checkpoints/chk-${id}`,
    discarded: false,
  };
  return {
    counts: { restored: 0, total: id, in_progress: 0, completed: id, failed: 0 },
    summary: Object.fromEntries(measured.map((name) => [name, summary])),
    latest: { completed: checkpoint, savepoint: null, failed: null, restored: null },
    history: [checkpoint],
  };
}
const checkpointConfig = {
  mode: 'exactly_once',
  interval: 60_000,
  timeout: 600_000,
  min_pause: 0,
  max_concurrent: 1,
  externalization: { enabled: true, delete_on_cancellation: false },
  state_backend: 'HashMapStateBackend',
  checkpoint_storage: 'FileSystemCheckpointStorage',
  unaligned_checkpoints: false,
  tolerable_failed_checkpoints: 0,
  aligned_checkpoint_timeout: 0,
  checkpoints_after_tasks_finish: true,
  state_changelog_enabled: false,
  changelog_storage: 'memory',
  changelog_periodic_materialization_interval: 600_000,
};
/** Metrics of a vertex: names, or values of those that are asked for; records come in all the time. */
function metricsOf(query: string | undefined) {
  const asked = query?.replace(/^get=/, '').split(',').map(decodeURIComponent);
  // As a source names what its operators read: without it Sluice would look for it again each time.
  if (!asked) return [{ id: 'numRecordsIn' }, { id: 'numRecordsOut' }, { id: 'Source__orders.numRecordsOut' }];
  const value = Math.floor((Date.now() - begun) / 10);
  return asked
    .filter((id) => id !== 'currentInputWatermark')
    .map((id) => {
      const one = id === 'backPressuredTimeMsPerSecond' ? 0 : value;
      return { id, min: one, max: one, avg: one, sum: 2 * one, skew: 0 };
    });
}
function exceptionsOf(job: Job) {
  const entries =
    job.state === 'FAILED'
      ? [
          {
            exceptionName: job.exception.split(':')[0],
            stacktrace: `${job.exception}\n\tat com.example.etl.Orders.map(Orders.java:42)\n`,
            timestamp: job.failedAt,
            taskName: 'Source: orders -> count (1/2)',
            endpoint: '127.0.0.1:40000',
            taskManagerId: '127.0.0.1:40000-fleet',
            failureLabels: {},
            concurrentExceptions: [],
          },
        ]
      : [];
  const [first] = entries;
  return {
    'root-exception': first?.stacktrace ?? null,
    timestamp: first?.timestamp ?? null,
    'all-exceptions': [],
    truncated: false,
    exceptionHistory: { entries, truncated: false },
  };
}
