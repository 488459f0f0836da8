import { counterOf, endedStates, type Job, type JobException, vertices } from './job.ts';
import type { Cluster } from './options.ts';
import { failureCause, type Thrown, traceOf } from './texts.ts';

const taskStates = [
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'INITIALIZING',
  'RUNNING',
  'FINISHED',
  'CANCELING',
  'CANCELED',
  'FAILED',
  'RECONCILING',
];
const jobStates = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
];
const endpoint = '127.0.0.1:6122';
export const taskManagerId = 'tm1-stand-in';

const zeros = (names: readonly string[], name?: string, count = 0) => Object.fromEntries(names.map((n) => [n, n === name ? count : 0]));

/** The state of one of its two vertices. */
function taskState(job: Job, index: number): string {
  if (job.phase !== 'ENDED') return job.phase;
  if (job.state === 'FINISHED') return 'FINISHED';
  // The source is canceled when the operator behind it fails.
  if (job.state === 'FAILED') return index === 0 || job.deployedAt === undefined ? 'CANCELED' : 'FAILED';
  return job.state === 'CANCELLING' ? 'CANCELING' : 'CANCELED';
}

function durationOf(job: Job, now: number): number {
  return (job.endedAt ?? now) - job.createdAt;
}

function planOf(job: Job): unknown {
  const [source, totals] = vertices;
  const node = (vertex: (typeof vertices)[number]) => ({
    id: vertex.id,
    operator: '',
    parallelism: job.parallelism,
    operator_strategy: '',
    description: vertex.description,
    optimizer_properties: {},
  });
  return {
    jid: job.id,
    name: job.name,
    type: 'STREAMING',
    nodes: [{ ...node(totals), inputs: [{ id: source.id, num: 0, exchange: 'pipelined_bounded', ship_strategy: 'HASH' }] }, node(source)],
  };
}

/** GET /jobs/:id */
export function detailsOf(job: Job, cluster: Cluster): unknown {
  const now = Date.now();
  const { is2 } = cluster;
  const shownVertices = job.initFault ? [] : vertices;
  const ended = endedStates.includes(job.state);
  const states = shownVertices.map((_, index) => taskState(job, index));
  const start = job.deployedAt ?? -1;
  const end = ended && job.deployedAt !== undefined ? (job.endedAt ?? now) : -1;
  return {
    jid: job.id,
    ...(is2 ? { 'application-id': job.initFault ? null : job.id } : {}),
    name: job.name,
    isStoppable: false,
    state: job.state,
    'job-type': 'STREAMING',
    ...(is2 ? { schedulerType: job.initFault ? null : 'Default' } : {}),
    'start-time': job.createdAt,
    'end-time': job.endedAt ?? -1,
    duration: durationOf(job, now),
    maxParallelism: job.initFault ? -1 : (job.program.maxParallelism ?? -1),
    now,
    timestamps: Object.fromEntries(jobStates.map((state) => [state, job.times.get(state) ?? 0])),
    vertices: shownVertices.map((vertex, index) => ({
      id: vertex.id,
      slotSharingGroupId: 'adbd3be6e68328f572b3968d484b07bd',
      name: vertex.name,
      maxParallelism: job.program.maxParallelism ?? 128,
      parallelism: job.parallelism,
      // Flink sums scheduled and deploying tasks up as CREATED.
      status: ['SCHEDULED', 'DEPLOYING'].includes(states[index] ?? '') ? 'CREATED' : states[index],
      'start-time': start,
      'end-time': end,
      duration: start < 0 ? -1 : (end < 0 ? now : end) - start,
      tasks: zeros(taskStates, states[index], job.parallelism),
      metrics: metricsOf(job, ended),
    })),
    'status-counts': Object.fromEntries(taskStates.map((state) => [state, states.filter((s) => s === state).length])),
    plan: job.initFault ? (is2 ? { jid: '', name: '', type: '', nodes: [] } : {}) : planOf(job),
    ...(is2 ? { 'pending-operators': 0 } : {}),
  };
}
function metricsOf(job: Job, complete: boolean): Record<string, number | boolean> {
  const metrics: Record<string, number | boolean> = {};
  for (const what of ['read-bytes', 'write-bytes', 'read-records', 'write-records']) {
    metrics[what] = complete ? job.base : 0;
    metrics[`${what}-complete`] = complete;
  }
  for (const what of ['backpressured', 'idle', 'busy']) metrics[`accumulated-${what}-time`] = 0;
  return metrics;
}

/** One entry of GET /jobs/overview. */
export function overviewOf(job: Job, cluster: Cluster): unknown {
  const now = Date.now();
  const tasks = zeros(['total', ...taskStates].map((state) => state.toLowerCase()));
  if (!job.initFault)
    vertices.forEach((_, index) => {
      const state = taskState(job, index).toLowerCase();
      tasks[state] = (tasks[state] ?? 0) + job.parallelism;
      tasks['total'] = (tasks['total'] ?? 0) + job.parallelism;
    });
  return {
    jid: job.id,
    name: job.name,
    ...(cluster.is2 ? { jobType: 'STREAMING', schedulerType: job.initFault ? null : 'Default' } : {}),
    'start-time': job.createdAt,
    'end-time': job.endedAt ?? -1,
    duration: durationOf(job, now),
    state: job.state,
    'last-modification': Math.max(...job.times.values()),
    tasks,
    ...(cluster.is2 ? { 'pending-operators': 0 } : {}),
  };
}

/** GET /jobs/:id/config */
export function configOf(job: Job, cluster: Cluster): unknown {
  return {
    jid: job.id,
    name: job.name,
    'execution-config': {
      ...(cluster.is2 ? {} : { 'execution-mode': 'PIPELINED' }),
      'restart-strategy': 'Cluster level default restart strategy',
      'job-parallelism': job.parallelism,
      'object-reuse-mode': false,
      'user-config': {},
    },
  };
}

/** GET /jobs/:id/accumulators: empty until its tasks ran. */
export function accumulatorsOf(job: Job): unknown {
  const counts = [
    ['restored', job.start?.state.counter ?? 0],
    ['orders', counterOf(job, Date.now())],
  ] as const;
  const ran = job.phase === 'RUNNING' || (job.phase === 'ENDED' && job.deployedAt !== undefined);
  return {
    'job-accumulators': [],
    'user-task-accumulators': ran ? counts.map(([name, value]) => ({ name, type: 'LongCounter', value: String(value) })) : [],
    'serialized-user-task-accumulators': {},
  };
}

/** GET /jobs/:id/exceptions, all of them; `maxExceptions` cuts them off later. */
export function exceptionsOf(job: Job, cluster: Cluster): { entries: unknown[]; rest: Record<string, unknown> } {
  const entries = job.exceptions.map((one) => {
    const inTask = one.task !== undefined && one.concurrent === undefined;
    return {
      exceptionName: one.thrown[0]?.[0] ?? '',
      stacktrace: traceOf(one.thrown),
      timestamp: one.at,
      failureLabels: {},
      ...(inTask ? placeOf(one, cluster, true) : {}),
      concurrentExceptions: one.concurrent
        ? [
            {
              exceptionName: one.concurrent[0]?.[0] ?? '',
              stacktrace: traceOf(one.concurrent),
              timestamp: one.at,
              failureLabels: {},
              ...placeOf(one, cluster, true),
            },
          ]
        : [],
    };
  });
  const [newest] = job.exceptions;
  // A job that restarted tells of it in the history only.
  const told = newest && job.state === 'FAILED' ? newest : undefined;
  return {
    entries,
    rest: cluster.is2
      ? {}
      : {
          'root-exception': told ? traceOf(told.thrown) : null,
          timestamp: told ? told.at : null,
          'all-exceptions': told?.concurrent
            ? [{ exception: traceOf(told.concurrent), task: told.task, ...placeOf(told, cluster, false), timestamp: told.at }]
            : [],
          truncated: false,
        },
  };
}
function placeOf(one: JobException, cluster: Cluster, named: boolean): Record<string, string> {
  return {
    ...(named ? { taskName: `${one.task} - execution #0` } : {}),
    ...(cluster.is2 ? {} : { location: endpoint }),
    endpoint,
    taskManagerId,
  };
}

/** GET /jobs/:id/execution-result of a job that has ended. */
export function executionResultOf(job: Job, cluster: Cluster): unknown {
  const status = { FINISHED: 'SUCCEEDED', CANCELED: 'CANCELED', FAILED: 'FAILED' }[job.state as 'FINISHED'];
  const thrown: readonly Thrown[] | undefined = job.state === 'FAILED' ? job.exceptions[0]?.thrown : undefined;
  return {
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      id: job.id,
      ...(cluster.is2 ? { name: job.name } : {}),
      'application-status': status,
      'accumulator-results': job.deployedAt === undefined ? {} : { restored: 'rO0ABXNyAA==', orders: 'rO0ABXNyAA==' },
      'net-runtime': durationOf(job, Date.now()),
      ...(thrown ? { 'failure-cause': failureCause(thrown) } : {}),
      ...(cluster.is2
        ? { ...(job.initFault ? {} : { 'application-id': job.id }), 'start-time': job.createdAt, 'end-time': job.endedAt ?? -1 }
        : {}),
    },
  };
}
