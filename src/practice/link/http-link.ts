import { UnreachableError } from '../../core/errors.ts';
import { http } from '../../core/http.ts';
import { type Ack, isObject, type Json } from '../types.ts';
import { signedHeaders } from './sign.ts';

/** One signed POST to the app and its answer within the ack window; never throws. */
export async function postSigned(
  url: string,
  options: { signingSecret: string; body: string; contentType: string; timeoutMs: number; headers?: Record<string, string> },
): Promise<Ack> {
  const started = performance.now();
  const duration = () => performance.now() - started;
  try {
    const answer = await http(url, {
      method: 'POST',
      headers: { ...signedHeaders(options.signingSecret, options.body, options.contentType), ...options.headers },
      body: options.body,
      timeoutMs: options.timeoutMs,
    });
    const ok = answer.status >= 200 && answer.status < 300;
    const body = ok ? ackBody(answer.body, String(answer.headers['content-type'] ?? '')) : undefined;
    return {
      ok,
      status: answer.status,
      durationMs: duration(),
      ...(ok ? {} : { error: 'dispatch_failed' }),
      ...(body === undefined ? {} : { body }),
      ...(answer.headers['x-slack-no-retry'] === '1' ? { noRetry: true } : {}),
    };
  } catch (error) {
    const timedOut = error instanceof UnreachableError && error.details['timedOut'] === true;
    return { ok: false, error: timedOut ? 'operation_timeout' : 'dispatch_failed', durationMs: duration() };
  }
}

/** Slack shows a plain text answer as it is, and reads JSON only when the content type says so. */
function ackBody(body: string, contentType: string): Json | undefined {
  if (body.trim() === '') return undefined;
  if (!contentType.includes('json')) return { text: body };
  try {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return { text: body };
  }
}
