import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse } from 'node:querystring';
import type { App, Receiver, ReceiverEvent } from '@slack/bolt';
import type { Log } from '../core/log.ts';
import { isRateLimitNotice } from './dropped-events.ts';
import { OnceCache } from './once-cache.ts';
import { signatureFault } from './signature.ts';

export interface HttpReceiverOptions {
  signingSecret: string;
  log: Log;
  now?: () => number;
  /** Slack sends no events of this minute (Unix seconds) any more, because there were too many. */
  onRateLimited?: (minute: number) => void;
}
interface Answer {
  status: number;
  type?: 'application/json' | 'text/plain';
  body?: string;
}

/** Largest request; Slack's are a few kilobytes, a submitted form at most 250 kB before encoding. */
const bodyLimit = 1024 * 1024;
/** A request signed at the far end of the window (5 min ahead) can come again for this long. */
const replayMs = 10 * 60 * 1000;
/** Slack waits 3 s; events are answered when their listeners are done, but not later than this. */
const answerWithinMs = 2_600;

/**
 * Slack's HTTP requests for Bolt, with the guards that Bolt lacks: a bound on timestamps ahead of us, and a replay cache, from which an
 * exact repetition gets the first delivery's answer without a second effect. Takes the raw request: the body is signed byte by byte.
 */
export class HttpReceiver implements Receiver {
  private readonly options: HttpReceiverOptions;
  private readonly now: () => number;
  private readonly seen: OnceCache<Answer>;
  private app: App | undefined;
  constructor(options: HttpReceiverOptions) {
    this.options = options;
    this.now = options.now ?? Date.now;
    this.seen = new OnceCache({ ttlMs: replayMs, limit: 20_000, now: this.now });
  }
  init(app: App): void {
    this.app = app;
  }
  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  /** Answers one request to `/slack/events`; never throws. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedAt = Date.now();
    let answer: Answer;
    try {
      const body = await readBody(request);
      answer = body === undefined ? { status: 413, type: 'text/plain', body: 'too large' } : await this.answer(request, body, receivedAt);
    } catch (err) {
      this.options.log.error({ err }, 'a Slack request failed');
      answer = { status: 500 };
    }
    if (response.headersSent || response.destroyed) return;
    if (answer.status === 413) response.setHeader('connection', 'close');
    response.writeHead(answer.status, answer.type ? { 'content-type': answer.type } : {});
    response.end(answer.body);
  }

  private async answer(request: IncomingMessage, body: Buffer, receivedAt: number): Promise<Answer> {
    const contentType = request.headers['content-type'];
    // Slack sends exactly these two; anything else was altered on its way, or is not Slack's.
    const form = contentType === 'application/x-www-form-urlencoded';
    if (!form && contentType !== 'application/json') return refusal(400, 'content type is not one of Slack');
    if (form && parse(body.toString('utf8'))['ssl_check'] === '1') return { status: 200 };
    const timestamp = header(request, 'x-slack-request-timestamp');
    const signature = header(request, 'x-slack-signature');
    const fault = signatureFault(this.options.signingSecret, timestamp, signature, body, this.now());
    if (fault !== undefined) {
      this.options.log.warn({ fault }, 'a request to the Slack address was refused');
      return refusal(401, 'not signed by Slack');
    }
    const { first, result } = this.seen.run(`${timestamp}:${signature}`, () => this.process(request, body, form, receivedAt));
    if (!first) this.options.log.warn({ retry: header(request, 'x-slack-retry-num') }, 'an exact replay of a Slack request');
    return result;
  }

  private async process(request: IncomingMessage, body: Buffer, form: boolean, receivedAt: number): Promise<Answer> {
    const parsed = parseBody(body.toString('utf8'), form);
    if (parsed === undefined) return refusal(400, 'body cannot be read');
    if (parsed['type'] === 'url_verification') return toAnswer({ challenge: parsed['challenge'] });
    if (isRateLimitNotice(parsed)) {
      this.options.onRateLimited?.(parsed.minute_rate_limited);
      return { status: 200 };
    }
    const app = this.app;
    if (app === undefined) return refusal(503, 'not ready');
    const isEvent = parsed['type'] === 'event_callback';
    return new Promise((resolve) => {
      let acked: Answer | undefined;
      const timer = setTimeout(() => resolve(acked ?? refusal(503, 'no answer in time')), answerWithinMs);
      const finish = (answer: Answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const event: ReceiverEvent = {
        body: parsed,
        customProperties: { receivedAt },
        // Bolt acks events before their listeners run; the answer waits for them, so that a crash makes Slack deliver again.
        ack: async (reply: unknown) => {
          acked ??= toAnswer(reply);
          if (!isEvent) finish(acked);
        },
      };
      const retry = Number(header(request, 'x-slack-retry-num'));
      if (Number.isInteger(retry)) event.retryNum = retry;
      app.processEvent(event).then(
        () => finish(acked ?? refusal(404, 'nothing here handles this')),
        (err) => {
          this.options.log.error({ err }, 'Bolt failed on a Slack request');
          finish(acked ?? { status: 500 });
        },
      );
    });
  }
}

function refusal(status: number, body: string): Answer {
  return { status, type: 'text/plain', body };
}
function toAnswer(reply: unknown): Answer {
  if (reply === undefined || reply === '') return { status: 200 };
  if (typeof reply === 'string') return { status: 200, type: 'text/plain', body: reply };
  return { status: 200, type: 'application/json', body: JSON.stringify(reply) };
}
function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
function parseBody(text: string, form: boolean): Record<string, unknown> | undefined {
  try {
    const fields = form ? parse(text) : undefined;
    if (fields && fields['payload'] === undefined) return { ...fields };
    const value: unknown = JSON.parse(fields ? String(fields['payload']) : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
/** The raw body, undefined if it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read on a little so that the answer gets through, but keep nothing.
    if (size > 4 * bodyLimit) return undefined;
    if (size <= bodyLimit) chunks.push(chunk);
  }
  return size > bodyLimit ? undefined : Buffer.concat(chunks);
}
