import { type Answer, type AnswerName, answer } from './answers.ts';
import { type Fields, isFlinkId, type ReadBody, readBody, runFields, savepointFields, stopFields } from './bodies.ts';
import { checkpointConfigOf } from './checkpoint-views.ts';
import { endedStates, type Job } from './job.ts';
import type { JobManager, Request } from './job-manager.ts';
import { executionResultOf, taskManagerId } from './job-views.ts';
import { type RunBody, run } from './run.ts';
import * as texts from './texts.ts';
import { vertexMetrics } from './vertex-metrics.ts';

interface Call {
  manager: JobManager;
  request: Request;
  params: Record<string, string>;
  query: URLSearchParams;
  /** Notes that no Sluice should make this call. */
  refuse(why: string): void;
}
interface Route {
  method: string;
  path: string;
  /** Query parameters that are read. */
  query?: readonly string[];
  /** The answer to a job id that is none. */
  badId?: AnswerName;
  handle(call: Call): Answer | Promise<Answer>;
}

/** A route that only reads. */
function get(path: string, read: (call: Call) => Answer, query: readonly string[] = []): Route {
  return { method: 'GET', path, query, handle: read };
}
/** A route that reads of a job and says 404 when there is none. */
function ofJob(path: string, unknown: AnswerName, read: (job: Job, call: Call) => Answer, query: readonly string[] = []): Route {
  return get(
    `/jobs/:jobid${path}`,
    (call) => {
      const job = call.manager.jobs.get(call.params['jobid'] ?? '');
      return job ? read(job, call) : answer(unknown, 404, texts.noSuchJob(call.params['jobid'] ?? ''));
    },
    query,
  );
}

const routes: readonly Route[] = [
  get('/overview', ({ manager }) => {
    const count = (...states: string[]) => manager.jobs.list().filter((job) => states.includes(job.state)).length;
    return answer('overview', 200, {
      taskmanagers: 1,
      'slots-total': manager.cluster.slots,
      'slots-available': manager.jobs.slotsFree(),
      'jobs-running': count('CREATED', 'RUNNING', 'RESTARTING', 'CANCELLING', 'FAILING'),
      'jobs-finished': count('FINISHED'),
      'jobs-cancelled': count('CANCELED'),
      'jobs-failed': count('FAILED'),
      'flink-version': manager.cluster.version,
      'flink-commit': 'c0f8d1a',
    });
  }),
  get('/config', ({ manager }) =>
    answer('config', 200, {
      'refresh-interval': manager.cluster.timing.refreshMs,
      'timezone-name': 'Coordinated Universal Time',
      'timezone-offset': 0,
      'flink-version': manager.cluster.version,
      'flink-revision': 'c0f8d1a @ 2026-06-14T16:29:03+02:00',
      features: { 'web-submit': true, 'web-cancel': true, 'web-rescale': false, 'web-history': false },
    }),
  ),
  get('/jobmanager/config', ({ manager }) =>
    answer('job manager config', 200, [
      { key: 'web.tmpdir', value: manager.webDir },
      ...(manager.cluster.behaviour.highAvailability ? [{ key: 'high-availability.type', value: 'zookeeper' }] : []),
    ]),
  ),
  get('/taskmanagers', ({ manager }) => answer('task-managers', 200, { taskmanagers: [taskManager(manager)] })),
  get('/jobmanager/log', () => answer('log', 200, 'A stand-in writes no log.\n')),
  get('/taskmanagers/:taskmanagerid/log', () => answer('log of a task manager', 200, 'A stand-in writes no log.\n')),
  get('/jobs', ({ manager }) => answer('jobs', 200, { jobs: manager.jobs.list().map((job) => ({ id: job.id, status: job.state })) })),
  get('/jobs/overview', ({ manager }) => answer('jobs overview', 200, { jobs: manager.views.overview() })),
  ofJob('', 'job: unknown', (job, { manager }) =>
    answer(job.initFault ? 'job that failed at its start' : 'job', 200, manager.views.graph(job).details),
  ),
  get('/jobs/:jobid/status', ({ manager, params }) => {
    const id = params['jobid'] ?? '';
    const job = manager.jobs.get(id);
    if (job) return answer('status', 200, { status: job.state });
    return answer('status: unknown', 500, texts.serverError([texts.jobNotFound(id)]));
  }),
  ofJob('/checkpoints', 'checkpoints: unknown', (job, { manager }) => answer('checkpoints', 200, manager.views.checkpoints(job))),
  ofJob('/checkpoints/config', 'checkpoint config: unknown', (job) => answer('checkpoint config', 200, checkpointConfigOf(job))),
  ofJob(
    '/exceptions',
    'exceptions: unknown',
    (job, { manager, query, refuse }) => {
      const max = query.get('maxExceptions') ?? '20';
      if (!/^\d+$/.test(max)) {
        refuse('maxExceptions is no number');
        return answer('exceptions: no number', 400, texts.badParameter('query', 'maxExceptions', max));
      }
      const { entries, rest } = manager.views.graph(job).exceptions;
      const shown = entries.slice(0, Number(max));
      return answer('exceptions', 200, { ...rest, exceptionHistory: { entries: shown, truncated: shown.length < entries.length } });
    },
    ['maxExceptions'],
  ),
  ofJob('/config', 'job config: unknown', (job, { manager }) => answer('job config', 200, manager.views.graph(job).config)),
  ofJob('/accumulators', 'accumulators: unknown', (job, { manager }) => answer('accumulators', 200, manager.views.graph(job).accumulators)),
  get(
    '/jobs/:jobid/vertices/:vertexid/subtasks/metrics',
    ({ manager, params, query }) => vertexMetrics(manager.jobs.get(params['jobid'] ?? ''), params['vertexid'] ?? '', query.get('get')),
    ['get'],
  ),
  get('/jobs/:jobid/execution-result', ({ manager, params }) => {
    const id = params['jobid'] ?? '';
    const job = manager.jobs.get(id);
    if (!job) return answer('execution result: unknown', 404, texts.noSuchResult(id));
    if (!endedStates.includes(job.state)) return answer('execution result: running', 200, { status: { id: 'IN_PROGRESS' } });
    const name = job.state === 'FAILED' ? 'execution result: failed' : 'execution result: ended';
    return answer(name, 200, executionResultOf(job, manager.cluster));
  }),
  get('/jars', ({ manager, request }) => manager.jars.list(`http://${request.host}`)),
  {
    method: 'POST',
    path: '/jars/upload',
    async handle({ manager, request, refuse }) {
      const done = await manager.jars.upload(request.contentType, request.body);
      if (done.name === 'upload: no file') refuse('an upload without a file');
      return done;
    },
  },
  { method: 'DELETE', path: '/jars/:jarid', handle: ({ manager, params }) => manager.jars.remove(params['jarid'] ?? '') },
  { method: 'POST', path: '/jars/:jarid/run', handle: handleRun },
  { method: 'PATCH', path: '/jobs/:jobid', query: ['mode'], handle: cancel },
  {
    method: 'POST',
    path: '/jobs/:jobid/savepoints',
    badId: 'savepoint: job has no id',
    handle: (call) => ask(call, 'savepoint'),
  },
  { method: 'POST', path: '/jobs/:jobid/stop', badId: 'savepoint: job has no id', handle: (call) => ask(call, 'stop') },
  get('/jobs/:jobid/savepoints/:triggerid', ({ manager, params }) =>
    manager.savepoints.result(params['jobid'] ?? '', params['triggerid'] ?? ''),
  ),
];

function handleRun(call: Call): Answer | Promise<Answer> {
  const { manager, request, params, refuse } = call;
  const fields: Fields = manager.cluster.is2 ? runFields : { ...runFields, programArgs: 'text' };
  const read = readBody(request.body.toString('utf8'), fields);
  noteBody(call, read);
  if (read.is === 'unreadable') {
    const why =
      read.field === 'jobId'
        ? `Cannot parse JobID from "${read.value}". The expected format is [0-9a-fA-F]{32}, e.g. fd72014d4c864993a2e5a9287b4a9c5d.`
        : read.why;
    return answer(read.field === 'jobId' ? 'run: no job id' : 'run: unreadable body', 400, texts.badBody('JarRunRequestBody', why));
  }
  const body = read.body as unknown as RunBody;
  if (body.jobId === undefined) {
    refuse('a run without a job id of ours cannot be repeated');
    body.jobId = crypto.randomUUID().replaceAll('-', '');
  }
  for (const mode of ['claimMode', 'restoreMode'])
    if ((read.body[mode] ?? 'NO_CLAIM') !== 'NO_CLAIM') refuse(`${mode} other than NO_CLAIM lets Flink delete the restore point`);
  if ('programArgs' in read.body) refuse('programArgs is not read by 2.x');
  return run(manager, params['jarid'] ?? '', body);
}

function cancel({ manager, params, query, refuse }: Call): Answer {
  const mode = query.get('mode') ?? 'cancel';
  if (mode !== 'cancel') {
    refuse(`no such mode: ${mode}`);
    return answer('cancel: no mode', 400, texts.badParameter('query', 'mode', mode));
  }
  const id = params['jobid'] ?? '';
  const job = manager.jobs.get(id);
  if (!job) return answer('cancel: unknown', 404, texts.noSuchJobToCancel(id));
  if (job.state === 'FINISHED' || job.state === 'FAILED') {
    const say = `Job cancellation failed because the job has already reached another terminal state (${job.state}).`;
    return answer('cancel: ended', 409, texts.handled(say));
  }
  manager.jobs.cancel(job);
  return answer('cancel', 202, {});
}

function ask(call: Call, kind: 'savepoint' | 'stop'): Answer {
  const { manager, request, params, refuse } = call;
  const isStop = kind === 'stop';
  const read = readBody(request.body.toString('utf8'), isStop ? stopFields : savepointFields);
  noteBody(call, read);
  if (read.is === 'unreadable') {
    const format = isStop ? 'StopWithSavepointRequestBody' : 'SavepointTriggerRequestBody';
    const isId = read.field === 'triggerId';
    const why = isId ? `For input string: "${read.value}" under radix 16` : read.why;
    return answer(isId ? 'savepoint: no trigger id' : `${kind}: unreadable body`, 400, texts.badBody(format, why));
  }
  const { body } = read;
  if (body['cancel-job'] || body['drain']) refuse('ends the job for good, which no step of Sluice wants');
  if (body['triggerId'] == null) refuse(`a ${kind} without a trigger id of ours cannot be repeated`);
  const triggerId = String(body['triggerId'] ?? crypto.randomUUID().replaceAll('-', '')).toLowerCase();
  const directory = body[isStop ? 'targetDirectory' : 'target-directory'] as string | undefined;
  manager.savepoints.trigger(kind, params['jobid'] ?? '', triggerId, directory ?? undefined);
  return answer(`${kind} asked`, 202, { 'request-id': triggerId });
}

function noteBody({ refuse }: Call, read: ReadBody): void {
  if (read.is === 'unreadable') refuse(read.why);
  else if (read.unknown.length > 0) refuse(`fields that this release does not read: ${read.unknown.join(', ')}`);
}

function taskManager({ cluster, jobs }: JobManager): unknown {
  const free = jobs.slotsFree();
  const resource = (share: number) => ({
    cpuCores: share,
    taskHeapMemory: Math.round(96 * share),
    taskOffHeapMemory: 0,
    managedMemory: Math.round(16 * share),
    networkMemory: Math.round(16 * share),
    extendedResources: {},
  });
  return {
    id: taskManagerId,
    path: `pekko.tcp://flink@127.0.0.1:6122/user/rpc/taskmanager_0`,
    dataPort: 6121,
    jmxPort: -1,
    timeSinceLastHeartbeat: Date.now(),
    slotsNumber: cluster.slots,
    freeSlots: free,
    ...(cluster.is2 ? { assignedTasks: (cluster.slots - free) * 2 } : {}),
    totalResource: resource(1),
    freeResource: resource(free / cluster.slots),
    hardware: { cpuCores: 2, physicalMemory: 25_276_510_208, freeMemory: 162_201_600, managedMemory: 16_777_216 },
    memoryConfiguration: {
      frameworkHeap: 67_108_864,
      taskHeap: 100_663_296,
      frameworkOffHeap: 50_331_648,
      taskOffHeap: 0,
      networkMemory: 16_777_216,
      managedMemory: 16_777_216,
      jvmMetaspace: 167_772_160,
      jvmOverhead: 50_331_648,
      totalFlinkMemory: 251_658_240,
      totalProcessMemory: 469_762_048,
    },
  };
}

const patterns = routes.map((route) => ({ route, parts: route.path.split('/') }));

/** Finds the route of a request, checks what all routes check, and lets it answer. */
export function dispatch(manager: JobManager, request: Request, refuse: (why: string) => void): Answer | Promise<Answer> {
  const url = new URL(request.path, 'http://stand-in');
  const parts = url.pathname.split('/');
  for (const { route, parts: pattern } of patterns) {
    if (route.method !== request.method || pattern.length !== parts.length) continue;
    const params: Record<string, string> = {};
    if (!pattern.every((part, i) => matches(part, parts[i] ?? '', params))) continue;
    for (const name of ['jobid', 'triggerid']) {
      const value = params[name];
      if (value === undefined) continue;
      if (!isFlinkId(value)) {
        refuse(`${name} is no id`);
        const bad = name === 'triggerid' ? 'savepoint: no id' : (route.badId ?? 'job: no id');
        return answer(bad, 400, texts.badParameter('path', name, value));
      }
      params[name] = value.toLowerCase();
    }
    for (const name of url.searchParams.keys()) if (!route.query?.includes(name)) refuse(`no query parameter ${name} is read here`);
    return route.handle({ manager, request, params, query: url.searchParams, refuse });
  }
  refuse('no such call');
  if (request.method === 'GET') return answer('no such page', 404, texts.unknownRoute.get(url.pathname));
  return answer('no such call', 404, texts.unknownRoute.other(url.pathname));
}

function matches(pattern: string, part: string, params: Record<string, string>): boolean {
  if (!pattern.startsWith(':')) return pattern === part;
  try {
    params[pattern.slice(1)] = decodeURIComponent(part);
  } catch {
    return false;
  }
  return part !== '';
}
