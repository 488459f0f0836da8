import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { FormData } from 'undici';
import type { z } from 'zod';
import { NotFoundError } from '../core/errors.ts';
import type {
  CheckpointResult,
  DisposalResult,
  FlinkClient,
  FlinkClientOptions,
  LogOptions,
  SavepointRequest,
  SavepointResult,
} from './api.ts';
import { classifyFlinkError, FlinkError } from './errors.ts';
import { atLeast, parseRelease, planBody, type Release, requireRelease, runBody } from './release.ts';
import * as s from './schema.ts';
import { type CallOptions, createTransport, type LogTail, type Send } from './transport.ts';

export type * from './api.ts';

/** A client for the JobManager at a URL, with a connection pool of its own; opens no socket before the first call. */
export function createFlinkClient(options: FlinkClientOptions): FlinkClient {
  let known: Promise<Release> | undefined;
  const transport = createTransport({
    url: options.url,
    ...(options.headers ? { headers: options.headers } : {}),
    ...(options.readOnly ? { readOnly: true } : {}),
    onBroken: () => {
      known = undefined;
    },
  });
  const usual = options.timeoutMs ?? 10_000;
  const path = (...parts: string[]) => parts.map((part) => `/${encodeURIComponent(part)}`).join('');

  function call<T extends z.ZodType>(
    schema: T,
    send: Omit<Send, 'timeoutMs' | 'repeatable' | 'signal'> & { repeatable?: boolean; defaultMs?: number },
    o: CallOptions = {},
  ) {
    const { defaultMs, repeatable, ...rest } = send;
    return transport.json(schema, {
      repeatable: repeatable ?? true,
      ...rest,
      timeoutMs: o.timeoutMs ?? defaultMs ?? usual,
      ...(o.signal ? { signal: o.signal } : {}),
      ...(o.beforeSend ? { beforeSend: o.beforeSend } : {}),
    });
  }
  const get = <T extends z.ZodType>(schema: T, where: string, o?: CallOptions) => call(schema, { path: where }, o);
  function tail(where: string, o: LogOptions = {}): Promise<LogTail> {
    const send: Send = { path: where, repeatable: true, timeoutMs: o.timeoutMs ?? 30_000, ...(o.signal ? { signal: o.signal } : {}) };
    return transport.tail(send, o.tailBytes ?? 64 * 1024);
  }
  async function poll(
    where: string,
    o?: CallOptions,
  ): Promise<{ state: 'in-progress' | 'unknown' } | { state: 'failed'; error: FlinkError } | { state: 'done'; answer: s.Operation }> {
    try {
      const answer = await get(s.operationSchema, where, o);
      if (answer.status.id !== 'COMPLETED') return { state: 'in-progress' };
      const failure = answer.operation?.['failure-cause'] ?? answer.operation?.failureCause;
      if (failure) return { state: 'failed', error: classifyFlinkError(undefined, failure['stack-trace'], { endpoint: `GET ${where}` }) };
      return { state: 'done', answer };
    } catch (error) {
      if (error instanceof FlinkError && error.kind === 'no-such-trigger') return { state: 'unknown' };
      throw error;
    }
  }
  function incomplete(where: string): FlinkError {
    return new FlinkError(
      'Flink says that the operation is complete, but not with what.',
      { kind: 'unexpected-answer', rootCause: '' },
      { details: { where } },
    );
  }
  function release(o?: CallOptions): Promise<Release> {
    // Two callers share one question; a failed one is asked again.
    known ??= get(s.overviewSchema, '/overview', o && o.timeoutMs !== undefined ? { timeoutMs: o.timeoutMs } : {}).then(
      (overview) => parseRelease(overview['flink-version']),
      (error: unknown) => {
        known = undefined;
        throw error;
      },
    );
    return known;
  }
  async function savepointBody(request: SavepointRequest, directoryField: string, o?: CallOptions): Promise<Record<string, unknown>> {
    const body: Record<string, unknown> = {};
    if (request.targetDirectory !== undefined) body[directoryField] = request.targetDirectory;
    if (atLeast(await release(o), 1, 15)) {
      body['triggerId'] = request.triggerId;
      body['formatType'] = request.formatType ?? 'CANONICAL';
    }
    return body;
  }

  return {
    url: options.url.replace(/\/\/[^/@]*@/, '//'),
    release,
    overview: (o) => get(s.overviewSchema, '/overview', o),
    config: (o) => get(s.configSchema, '/config', o),
    jobs: async (o) => (await call(s.jobsSchema, { path: '/jobs', remember: true }, o)).jobs,
    jobsOverview: async (o) => (await get(s.jobsOverviewSchema, '/jobs/overview', o)).jobs,
    job: (id, o) => get(s.jobSchema, path('jobs', id), o),
    async jobStatus(id, o) {
      if (atLeast(await release(o), 1, 16)) return (await get(s.jobStatusSchema, path('jobs', id, 'status'), o)).status;
      const job = (await get(s.jobsSchema, '/jobs', o)).jobs.find((entry) => entry.id === id);
      if (!job) throw classifyFlinkError(404, `Job ${id} not found`, { endpoint: 'GET /jobs' });
      return job.status;
    },
    checkpoints: (id, o) => get(s.checkpointsSchema, path('jobs', id, 'checkpoints'), o),
    checkpointConfig: (id, o) => get(s.checkpointConfigSchema, path('jobs', id, 'checkpoints', 'config'), o),
    checkpointDetails: (id, checkpoint, o) =>
      get(s.checkpointDetailsSchema, path('jobs', id, 'checkpoints', 'details', String(checkpoint)), o),
    exceptions: (id, max, o) => get(s.exceptionsSchema, `${path('jobs', id, 'exceptions')}?maxExceptions=${max ?? 5}`, o),
    jobConfig: (id, o) => get(s.jobConfigSchema, path('jobs', id, 'config'), o),
    async accumulators(id, o) {
      const answer = await get(s.accumulatorsSchema, path('jobs', id, 'accumulators'), o);
      return Object.fromEntries(answer['user-task-accumulators'].map((entry) => [entry.name, entry.value]));
    },
    executionResult: (id, o) => get(s.executionResultSchema, path('jobs', id, 'execution-result'), o),
    async metrics(id, names, o) {
      const answer = await get(s.metricsSchema, `${path('jobs', id, 'metrics')}?get=${names.map(encodeURIComponent).join(',')}`, o);
      return Object.fromEntries(answer.flatMap((entry) => (entry.value == null ? [] : [[entry.id, entry.value]])));
    },
    async subtaskMetricNames(id, vertex, o) {
      return (await get(s.subtaskMetricsSchema, path('jobs', id, 'vertices', vertex, 'subtasks', 'metrics'), o)).map((entry) => entry.id);
    },
    async subtaskMetrics(id, vertex, names, o) {
      const where = `${path('jobs', id, 'vertices', vertex, 'subtasks', 'metrics')}?get=${names.map(encodeURIComponent).join(',')}`;
      const nan = Number.NaN;
      return new Map(
        (await get(s.subtaskMetricsSchema, where, o)).map(({ id, min, max, sum }) => [
          id,
          { min: min ?? nan, max: max ?? nan, sum: sum ?? nan },
        ]),
      );
    },
    taskManagers: async (o) => (await get(s.taskManagersSchema, '/taskmanagers', o)).taskmanagers,
    async jobManagerConfig(o) {
      return Object.fromEntries((await get(s.keyValuesSchema, '/jobmanager/config', o)).map((entry) => [entry.key, entry.value]));
    },
    jobManagerLogs: async (o) => (await get(s.logListSchema, '/jobmanager/logs', o)).logs,
    jobManagerLog: (o) => tail(o?.name === undefined ? '/jobmanager/log' : path('jobmanager', 'logs', o.name), o),
    taskManagerLog: (id, o) => tail(o?.name === undefined ? path('taskmanagers', id, 'log') : path('taskmanagers', id, 'logs', o.name), o),
    jars: async (o) => (await get(s.jarsSchema, '/jars', o)).files,
    async uploadJar(file, name = basename(file), o) {
      const blob = await openJar(file);
      const form = async () => {
        const data = new FormData();
        data.append('jarfile', blob, name);
        return data;
      };
      const answer = await call(s.uploadSchema, { method: 'POST', path: '/jars/upload', form, defaultMs: 300_000 }, o);
      return { jarId: basename(answer.filename), path: answer.filename };
    },
    async deleteJar(id, o) {
      await call(s.anySchema, { method: 'DELETE', path: path('jars', id) }, o);
    },
    async planJar(run, o) {
      const json = planBody(run, await release(o));
      return (await call(s.planSchema, { method: 'POST', path: path('jars', run.jarId, 'plan'), json, defaultMs: 120_000 }, o)).plan;
    },
    async runJar(run, o) {
      const json = runBody(run, await release(o));
      const answer = await call(s.runSchema, { method: 'POST', path: path('jars', run.jarId, 'run'), json, defaultMs: 300_000 }, o);
      return { jobId: answer.jobid };
    },
    async cancelJob(id, o) {
      await call(s.anySchema, { method: 'PATCH', path: `${path('jobs', id)}?mode=cancel` }, o);
    },
    async triggerSavepoint(request, o) {
      const json = { ...(await savepointBody(request, 'target-directory', o)), 'cancel-job': false };
      const answer = await call(
        s.triggerSchema,
        { method: 'POST', path: path('jobs', request.jobId, 'savepoints'), json, repeatable: 'triggerId' in json },
        o,
      );
      return { triggerId: answer['request-id'] };
    },
    async stopWithSavepoint(request, o) {
      const json = { ...(await savepointBody(request, 'targetDirectory', o)), drain: request.drain ?? false };
      const answer = await call(
        s.triggerSchema,
        { method: 'POST', path: path('jobs', request.jobId, 'stop'), json, repeatable: 'triggerId' in json },
        o,
      );
      return { triggerId: answer['request-id'] };
    },
    async savepointResult(jobId, triggerId, o) {
      const where = path('jobs', jobId, 'savepoints', triggerId);
      const polled = await poll(where, o);
      if (polled.state !== 'done') return polled as SavepointResult;
      const location = polled.answer.operation?.location;
      return location ? { state: 'completed', location } : { state: 'failed', error: incomplete(where) };
    },
    async triggerCheckpoint(request, o) {
      requireRelease(await release(o), 1, 17, 'Checkpoints on demand');
      const json = { triggerId: request.triggerId, checkpointType: request.checkpointType ?? 'CONFIGURED' };
      const answer = await call(s.triggerSchema, { method: 'POST', path: path('jobs', request.jobId, 'checkpoints'), json }, o);
      return { triggerId: answer['request-id'] };
    },
    async checkpointResult(jobId, triggerId, o) {
      const where = path('jobs', jobId, 'checkpoints', triggerId);
      const polled = await poll(where, o);
      if (polled.state !== 'done') return polled as CheckpointResult;
      const checkpointId = polled.answer.operation?.checkpointId;
      return checkpointId == null ? { state: 'failed', error: incomplete(where) } : { state: 'completed', checkpointId };
    },
    async disposeSavepoint(savepoint, o) {
      const answer = await call(
        s.triggerSchema,
        { method: 'POST', path: '/savepoint-disposal', json: { 'savepoint-path': savepoint }, repeatable: false },
        o,
      );
      return { triggerId: answer['request-id'] };
    },
    async disposalResult(triggerId, o) {
      const polled = await poll(path('savepoint-disposal', triggerId), o);
      return polled.state === 'done' ? { state: 'completed' } : (polled as DisposalResult);
    },
    close: () => transport.close(),
  };
}

async function openJar(file: string): Promise<Blob> {
  try {
    return await openAsBlob(file, { type: 'application/java-archive' });
  } catch (cause) {
    throw new NotFoundError(`There is no file ${basename(file)} to upload.`, { cause, hint: 'Build it again.' });
  }
}
