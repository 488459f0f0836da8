import { copyFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UpstreamError } from '../../core/errors.ts';
import { newFlinkId } from '../../core/ids.ts';
import { run } from '../../core/process.ts';
import { sleep } from '../../core/time.ts';
import type { Database } from '../../db/db.ts';
import { findOperation, listSteps } from '../../operations/operations.store.ts';
import type { Conversation } from './conversation.ts';
import { benchJob, type Flink } from './rig.ts';
import { jobName } from './sluice.ts';

/** What one way of starting or stopping a job knows itself, milliseconds since 1970. */
export interface Attempt {
  flinkJobId: string;
  /** When it was asked for. */
  sentAt: number;
  /** When Sluice had accepted it; the others accept when they are asked. */
  acceptedAt: number;
  /** When the one who asked was told that it is done: the last word in Slack, the last answer, the end of the program. */
  toldAt: number;
  operationId?: string;
}
/** A way to start the job with the same jar and parallelism, and to stop it with a savepoint. */
export interface Way {
  name: string;
  start(): Promise<Attempt>;
  stop(flinkJobId: string): Promise<Attempt>;
}

/** `/flink start` and `/flink stop` through the practice workspace. */
export function sluiceWay(name: string, talk: Conversation, records: Database): Way {
  const attempt = async (line: string, step: string): Promise<Attempt> => {
    const done = await talk.does(line);
    const op = await findOperation(records.db, done.operationId);
    const named = (await listSteps(records.db, done.operationId)).find((s) => s.name === step)?.result;
    return {
      flinkJobId: String(named?.['flinkJobId']),
      sentAt: done.sentAt,
      acceptedAt: op?.createdAt.getTime() ?? Number.NaN,
      toldAt: done.toldAt,
      operationId: done.operationId,
    };
  };
  return {
    name,
    start: () => attempt(`/flink start ${jobName} --fresh`, 'submit'),
    stop: () => attempt(`/flink stop ${jobName}`, 'target'),
  };
}

/** What a small script does: upload and run, without asking anything before or after; stop, then ask until the savepoint is there. */
export function restWay(flink: Flink): Way {
  const post = async (path: string, body: FormData | object) => {
    const json = !(body instanceof FormData);
    const answer = await fetch(`${flink.url}${path}`, {
      method: 'POST',
      body: json ? JSON.stringify(body) : body,
      ...(json ? { headers: { 'content-type': 'application/json' } } : {}),
      signal: AbortSignal.timeout(120_000),
    });
    return expectJson(answer, `POST ${path}`);
  };
  return {
    name: 'raw REST, a script',
    async start() {
      const sentAt = Date.now();
      const form = new FormData();
      form.append('jarfile', new Blob([await readFile(flink.jar)], { type: 'application/java-archive' }), basename(flink.jar));
      const jarId = basename(String((await post('/jars/upload', form))['filename']));
      const answer = await post(`/jars/${encodeURIComponent(jarId)}/run`, {
        entryClass: benchJob.mainClass,
        programArgsList: benchJob.args,
        parallelism: benchJob.parallelism,
      });
      return { flinkJobId: String(answer['jobid']), sentAt, acceptedAt: sentAt, toldAt: Date.now() };
    },
    async stop(flinkJobId) {
      const sentAt = Date.now();
      const triggerId = newFlinkId();
      await post(`/jobs/${flinkJobId}/stop`, { triggerId, targetDirectory: `file://${flink.savepointDir}`, drain: false });
      for (;;) {
        const path = `/jobs/${flinkJobId}/savepoints/${triggerId}`;
        const answer = await expectJson(await fetch(`${flink.url}${path}`, { signal: AbortSignal.timeout(60_000) }), `GET ${path}`);
        const { status, operation } = answer as { status?: { id?: string }; operation?: { location?: string } };
        if (status?.id === 'COMPLETED') {
          if (!operation?.location) throw new UpstreamError('The savepoint of the script failed.', { details: { answer } });
          return { flinkJobId, sentAt, acceptedAt: sentAt, toldAt: Date.now() };
        }
        await sleep(20);
      }
    },
  };
}
async function expectJson(answer: Response, what: string): Promise<Record<string, unknown>> {
  const body = await answer.text();
  if (!answer.ok) throw new UpstreamError(`${what} was answered ${answer.status}: ${body.slice(0, 300)}`);
  return JSON.parse(body) as Record<string, unknown>;
}

/** Flink's own command line, detached. */
export function commandLineWay(flink: Flink): Way {
  const bin = async (args: readonly string[]) => {
    await copyFile(join(flink.home, 'conf/log4j-cli.properties'), join(flink.confDir, 'log4j-cli.properties')).catch(() => {});
    const sentAt = Date.now();
    const ended = await run('bash', [join(flink.home, 'bin/flink'), ...args], {
      env: { FLINK_CONF_DIR: flink.confDir, FLINK_LOG_DIR: join(flink.confDir, '../log') },
      timeoutMs: 180_000,
    });
    if (ended.code !== 0) throw new UpstreamError(`bin/flink ${args[0]} failed: ${ended.tail.slice(-5).join(' ')}`);
    return { output: ended.stdout, times: { sentAt, acceptedAt: sentAt, toldAt: Date.now() } };
  };
  return {
    name: '`bin/flink`',
    async start() {
      const args = ['run', '-d', '-p', String(benchJob.parallelism), '-c', benchJob.mainClass, flink.jar, ...benchJob.args];
      const { output, times } = await bin(args);
      const flinkJobId = /JobID ([0-9a-f]{32})/.exec(output)?.[1];
      if (!flinkJobId) throw new UpstreamError(`bin/flink named no job: ${output.slice(-300)}`);
      return { flinkJobId, ...times };
    },
    async stop(flinkJobId) {
      const { times } = await bin(['stop', '-p', `file://${flink.savepointDir}`, flinkJobId]);
      return { flinkJobId, ...times };
    },
  };
}
