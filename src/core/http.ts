import { request } from 'undici';
import { UnreachableError } from './errors.ts';

export interface HttpOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  body?: string | Uint8Array;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Largest body that is read, 32 MiB by default. */
  maxBytes?: number;
}
export interface HttpAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/**
 * One HTTP request with a time limit over everything, the body read as text up to a limit.
 * @throws UnreachableError when no complete answer came (refused, reset, timed out, too large): the effect is unknown.
 */
export async function http(url: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const { origin, pathname } = new URL(url);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 10_000);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  try {
    const answer = await request(url, {
      method: options.method ?? 'GET',
      headers: { ...(options.json === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
      body: options.json === undefined ? (options.body ?? null) : JSON.stringify(options.json),
      signal,
    });
    return { status: answer.statusCode, headers: answer.headers, body: await readBody(answer.body, options.maxBytes ?? 32 * 1024 * 1024) };
  } catch (cause) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw new UnreachableError(`${origin} did not answer.`, { cause, details: { url: origin + pathname, timedOut: timeout.aborted } });
  }
}
async function readBody(body: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new Error(`answer larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
