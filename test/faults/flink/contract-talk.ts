import { newFlinkId } from '../../../src/core/ids.ts';
import type { FlinkClient } from '../../../src/flink/client.ts';
import { type Checkpoints, checkpointsSchema } from '../../../src/flink/schema.ts';
import { until, untilRunning } from '../../helpers/flink.ts';
import { ordersJob } from '../../helpers/flink-job.ts';
import type { AnswerName } from './answers.ts';
import type { Raw } from './contract-shape.ts';

/** A cluster, real or not, that the same requests are sent to. It has 4 slots and does not restart jobs unless they say so. */
export interface Target {
  is2: boolean;
  url: string;
  /** For waiting; what is noted is asked plainly. */
  client: FlinkClient;
  /** A folder that the cluster can read and write. */
  dir: string;
  /** The demo's jar. */
  jar: string;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Kills the JobManager; resolves when a new one serves, with all slots. */
  restart(): Promise<void>;
}
export interface Told {
  /** Each answer under the name that the stand-in gives it, in the order of the requests. */
  answers: { name: AnswerName; raw: Raw }[];
  /** What the odd behaviours came to: the same on every cluster. */
  facts: Record<string, unknown>;
}
export type Json = Record<string, unknown>;
/** How the script talks to a cluster. */
export interface Talk {
  target: Target;
  facts: Record<string, unknown>;
  jarId: string;
  call(method: string, path: string, body?: unknown): Promise<Raw>;
  /** Asks and notes the answer. */
  ask(name: AnswerName, method: string, path: string, body?: unknown): Promise<Json>;
  run(name: AnswerName, body: Json): Promise<Json>;
  /** Starts the demo's orders job and waits until all its tasks run. */
  start(args: readonly string[], more?: Json): Promise<string>;
  /** Asks for a job's checkpoints until the answer is as wanted, and notes that one. */
  checkpoints(id: string, wanted: (answer: Checkpoints) => boolean): Promise<Checkpoints>;
  /** Asks for a savepoint or stop and waits for its end, which it notes. */
  save(name: AnswerName, kind: 'savepoints' | 'stop', id: string, more?: Json): Promise<string>;
}

/** Talks to one cluster and notes what it answers. */
export function createTalk(target: Target, told: Told): Talk {
  async function call(method: string, path: string, body?: unknown): Promise<Raw> {
    const init: RequestInit = { method };
    if (body instanceof FormData) init.body = body;
    else if (body !== undefined) {
      init.body = typeof body === 'string' ? body : JSON.stringify(body);
      init.headers = { 'content-type': 'application/json' };
    }
    const response = await fetch(target.url + path, init);
    return { status: response.status, contentType: response.headers.get('content-type') ?? '', text: await response.text() };
  }
  async function ask(name: AnswerName, method: string, path: string, body?: unknown): Promise<Json> {
    const raw = await call(method, path, body);
    told.answers.push({ name, raw });
    return raw.contentType.includes('json') ? (JSON.parse(raw.text) as Json) : {};
  }
  const talk: Talk = {
    target,
    facts: told.facts,
    jarId: '',
    call,
    ask,
    run: (name, body) => ask(name, 'POST', `/jars/${talk.jarId}/run`, { jobId: newFlinkId(), entryClass: ordersJob, ...body }),
    async start(args, more = {}) {
      const jobId = newFlinkId();
      await talk.run('run', { jobId, programArgsList: args, ...more });
      await untilRunning(target.client, jobId);
      return jobId;
    },
    checkpoints: (id, wanted) =>
      until('the checkpoints', async () => {
        const raw = await call('GET', `/jobs/${id}/checkpoints`);
        const answer = checkpointsSchema.parse(JSON.parse(raw.text));
        if (!wanted(answer)) return false;
        told.answers.push({ name: 'checkpoints', raw });
        return answer;
      }),
    async save(name, kind, id, more = {}) {
      const triggerId = newFlinkId();
      await ask(kind === 'stop' ? 'stop asked' : 'savepoint asked', 'POST', `/jobs/${id}/${kind}`, { triggerId, ...more });
      await untilSaved(target.client, id, triggerId);
      await ask(name, 'GET', `/jobs/${id}/savepoints/${triggerId}`);
      return triggerId;
    },
  };
  return talk;
}
/** Where a savepoint lies that is done. */
export async function locationOf(client: FlinkClient, jobId: string, triggerId: string): Promise<string> {
  const result = await client.savepointResult(jobId, triggerId);
  if (result.state !== 'completed') throw new Error(`no savepoint: ${JSON.stringify(result)}`);
  return result.location;
}
/** Waits until a savepoint or stop has ended. */
export function untilSaved(client: FlinkClient, jobId: string, triggerId: string) {
  return until('the end of the savepoint', async () => {
    const result = await client.savepointResult(jobId, triggerId);
    return result.state !== 'in-progress' && result;
  });
}
/** Waits until Flink's cache shows a job's end. */
export function untilShown(client: FlinkClient, jobId: string, state: string) {
  return until(`${jobId} shown as ${state}`, async () => (await client.job(jobId)).state === state);
}
/** A form with one file. */
export const formOf = (name: string, data: string | Uint8Array<ArrayBuffer>) => {
  const form = new FormData();
  form.append('jarfile', new Blob([data]), name);
  return form;
};

/** The id under which an uploaded jar is run. */
export function idOf(uploaded: Json): string {
  return String(uploaded['filename']).split('/').pop() ?? '';
}
