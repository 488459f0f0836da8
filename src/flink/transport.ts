import { Agent, type FormData, request } from 'undici';
import type { z } from 'zod';
import { ConflictError, UnreachableError } from '../core/errors.ts';
import { classifyFlinkError, FlinkError, isFlinkAnswer } from './errors.ts';

export interface CallOptions {
  signal?: AbortSignal;
  /** Limit for the whole call, the answer's body and a retry included. */
  timeoutMs?: number;
  /** Called right before a request leaves that may change something, and again before it is repeated; what it throws ends the call, and nothing is sent. */
  beforeSend?: () => void;
}
export interface Send extends CallOptions {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  json?: unknown;
  form?: () => Promise<FormData>;
  /** Safe to send twice: GETs, and requests that carry an id of ours. Only these are repeated after a dead keep-alive socket. */
  repeatable: boolean;
  timeoutMs: number;
  /** An answer that is byte for byte the one before is not read anew: the same object is given again, and nobody may change it. */
  remember?: true;
}
export interface LogTail {
  /** The end of the file, whole lines. */
  text: string;
  /** Bytes of the whole file. */
  totalBytes: number;
  /** True if the file is longer than the text. */
  truncated: boolean;
}
export interface Transport {
  json<T extends z.ZodType>(schema: T, send: Send): Promise<z.output<T>>;
  tail(send: Send, tailBytes: number): Promise<LogTail>;
  close(): Promise<void>;
}
export interface TransportOptions {
  url: string;
  headers?: Record<string, string>;
  /** Refuses whatever is no GET, before anything is sent. */
  readOnly?: boolean;
  /** Called when the far side did not answer or a socket died: what is known of the JobManager process may be stale. */
  onBroken(): void;
}

const maxAnswerBytes = 64 * 1024 * 1024;

interface Failure {
  code: string;
  timedOut: boolean;
}

/** HTTP to one JobManager over its own keep-alive pool. Login data in the URL become a header, so that no message ever shows them. */
export function createTransport(options: TransportOptions): Transport {
  const base = new URL(options.url);
  const headers = { ...options.headers };
  if (base.username) {
    headers['authorization'] =
      `Basic ${Buffer.from(`${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`).toString('base64')}`;
    base.username = '';
    base.password = '';
  }
  const root = `${base.origin}${base.pathname.replace(/\/+$/, '')}`;
  // Flink closes idle sockets after 5 minutes; our signal is the only time limit, because submissions take minutes.
  const agent = new Agent({
    connections: 8,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 5000 },
  });

  async function attempt<T>(
    send: Send,
    body: FormData | string | null,
    signal: AbortSignal,
    read: (answer: Awaited<ReturnType<typeof request>>) => Promise<T>,
  ): Promise<T> {
    const answer = await request(root + send.path, {
      dispatcher: agent,
      method: send.method ?? 'GET',
      headers: {
        accept: 'application/json, text/plain',
        ...(send.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body,
      signal,
    });
    if (answer.statusCode >= 300) throw await refusal(answer.statusCode, (await readAll(answer.body)).toString('utf8'), send, root);
    return read(answer);
  }

  async function exchange<T>(send: Send, read: (answer: Awaited<ReturnType<typeof request>>) => Promise<T>): Promise<T> {
    if (options.readOnly && (send.method ?? 'GET') !== 'GET') throw observedOnly(`${send.method} ${send.path}`);
    const limit = AbortSignal.timeout(send.timeoutMs);
    const signal = send.signal ? AbortSignal.any([send.signal, limit]) : limit;
    for (let tries = 1; ; tries++) {
      const body = send.form ? await send.form() : send.json === undefined ? null : JSON.stringify(send.json);
      // The last moment before it leaves: what was asked or read until here may have taken long.
      if ((send.method ?? 'GET') !== 'GET') send.beforeSend?.();
      try {
        return await attempt(send, body, signal, read);
      } catch (cause) {
        if (cause instanceof FlinkError) throw cause;
        options.onBroken();
        if (cause instanceof UnreachableError) throw cause;
        if (send.signal?.aborted) throw send.signal.reason;
        const failure: Failure = { code: codeOf(cause), timedOut: limit.aborted };
        if (tries === 1 && send.repeatable && !failure.timedOut && isDeadSocket(failure.code)) continue;
        throw unreachable(send, root, failure, tries, cause);
      }
    }
  }

  // By path, of the few that are asked for each second and nearly always answer the same.
  const before = new Map<string, { body: Buffer; value: unknown }>();

  return {
    json(schema, send) {
      return exchange(send, async (answer) => {
        const body = await readAll(answer.body);
        const known = send.remember ? before.get(send.path) : undefined;
        if (known?.body.equals(body)) return known.value as z.output<typeof schema>;
        const value = parse(schema, body.toString('utf8'), send, root);
        if (send.remember) before.set(send.path, { body, value });
        return value;
      });
    },
    tail(send, tailBytes) {
      return exchange(send, (answer) => readTail(answer.body, tailBytes));
    },
    close: () => agent.close(),
  };
}

/** The refusal of what would change a cluster that is only observed. @param what was to be sent or done. */
export function observedOnly(what: string): ConflictError {
  return new ConflictError('This cluster is only observed: Sluice sends it nothing that changes anything.', {
    hint: 'Use the platform that runs it, or let an admin register the cluster without observe.',
    details: { endpoint: what, sent: false },
  });
}

/** Whether an answer may hold what PostgreSQL does not store: a NUL, or half of a character, where an exception was cut. */
const mayNotBeStored = /\\u(0000|d[89a-f])/i;
const storable = (_key: string, value: unknown) =>
  typeof value === 'string' ? value.replaceAll('\u0000', '\uFFFD').toWellFormed() : value;

/** An answer that is no success: Flink's refusal, or a proxy that could not reach Flink (then the effect is unknown). */
async function refusal(status: number, body: string, send: Send, root: string): Promise<FlinkError | UnreachableError> {
  const endpoint = `${send.method ?? 'GET'} ${send.path}`;
  if ((status === 502 || status === 503 || status === 504) && !isFlinkAnswer(body)) {
    const details = { url: root, endpoint, status, refused: false, sent: true, timedOut: false };
    return new UnreachableError(`The Flink cluster at ${root} is not reachable through its proxy (HTTP ${status}).`, { details });
  }
  return classifyFlinkError(status, body, { endpoint });
}

function unreachable(send: Send, root: string, failure: Failure, tries: number, cause: unknown): UnreachableError {
  const neverSent = tries === 1 && (neverConnected.has(failure.code) || failure.code === 'UND_ERR_CONNECT_TIMEOUT');
  const details = {
    url: root,
    endpoint: `${send.method ?? 'GET'} ${send.path}`,
    code: failure.code,
    // A refusal after a socket that died proves nothing about the first try: the process may have acted before it went.
    refused: tries === 1 && failure.code === 'ECONNREFUSED',
    sent: !neverSent,
    timedOut: failure.timedOut,
  };
  const why = failure.timedOut
    ? `gave no answer within ${Math.round(send.timeoutMs / 100) / 10} s`
    : failure.code === 'ECONNREFUSED'
      ? 'refuses connections'
      : failure.code === 'ENOTFOUND' || failure.code === 'EAI_AGAIN'
        ? 'has no address (its name is not known here)'
        : 'did not answer';
  const hint = failure.code === 'ECONNREFUSED' ? 'Its JobManager is not running there, or is starting.' : undefined;
  return new UnreachableError(`The Flink cluster at ${root} ${why}.`, { hint, details, cause });
}

const neverConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** A JobManager restarted on the same port leaves sockets that fail on their next use. */
function isDeadSocket(code: string): boolean {
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof Error && error.cause) return codeOf(error.cause);
  return error instanceof Error ? error.name : 'unknown';
}

function parse<T extends z.ZodType>(schema: T, body: string, send: Send, root: string): z.output<T> {
  const endpoint = `${send.method ?? 'GET'} ${send.path}`;
  const bad = (cause: unknown) =>
    new FlinkError(
      `${root} answered something that is not Flink's.`,
      { kind: 'unexpected-answer', rootCause: body.slice(0, 200) },
      { hint: 'Check the address of the cluster.', details: { endpoint }, cause },
    );
  let value: unknown;
  try {
    // Nothing of an answer may be lost for that.
    value = body.includes('\\u') && mayNotBeStored.test(body) ? JSON.parse(body, storable) : JSON.parse(body);
  } catch (cause) {
    throw bad(cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw bad(parsed.error);
  return parsed.data;
}

async function readAll(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`answer larger than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads a whole stream but keeps only its end: Flink serves log files whole, without ranges. */
async function readTail(body: AsyncIterable<Buffer>, tailBytes: number): Promise<LogTail> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let totalBytes = 0;
  for await (const chunk of body) {
    totalBytes += chunk.length;
    keptBytes += chunk.length;
    kept.push(chunk);
    while (kept.length > 1 && keptBytes - (kept[0]?.length ?? 0) >= tailBytes) keptBytes -= kept.shift()?.length ?? 0;
  }
  const all = Buffer.concat(kept);
  kept = [];
  if (all.length <= tailBytes && totalBytes === all.length) return { text: all.toString('utf8'), totalBytes, truncated: false };
  const end = all.subarray(Math.max(0, all.length - tailBytes));
  // Whole lines only, unless the end is one line longer than the limit.
  const firstBreak = end.indexOf(10);
  const lines = firstBreak >= 0 && firstBreak < end.length - 1 ? end.subarray(firstBreak + 1) : end;
  return { text: lines.toString('utf8'), totalBytes, truncated: true };
}
