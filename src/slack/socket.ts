import { type App, SocketModeReceiver } from '@slack/bolt';
import type { Log } from '../core/log.ts';
import { sleep } from '../core/time.ts';
import { boltLog } from './bolt-log.ts';
import { clientOptions } from './client.ts';
import { isRateLimitNotice } from './dropped-events.ts';

export interface SocketOptions {
  appToken: string;
  apiUrl: string;
  app: App;
  log: Log;
  /** Slack sends no events of this minute (Unix seconds) any more, because there were too many. */
  onRateLimited?(minute: number): void;
  /** Told when the connection comes or goes, with what is wrong if something is. */
  onChange(connected: boolean, problem: string | undefined): void;
}
export interface Socket {
  /** Settles once the first attempt has succeeded or failed; never rejects. */
  firstAttempt: Promise<void>;
  /** Closes the connection and ends the supervision. */
  stop(): Promise<void>;
}

const helloWithinMs = 15_000;
const stableAfterMs = 10_000;
const longestPauseMs = 30_000;

/**
 * One supervised Socket Mode connection (Slack `apps.connections.open`, then its web socket). The library's own reconnection is off: it
 * waits five seconds and ends in an unhandled rejection when Slack refuses the token meanwhile. Each attempt has a client of its own.
 */
export function openSocket(options: SocketOptions): Socket {
  const stopping = new AbortController();
  let first = () => {};
  const firstAttempt = new Promise<void>((resolve) => {
    first = resolve;
  });
  const running = supervise(options, stopping.signal, first);
  return {
    firstAttempt,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function supervise(options: SocketOptions, stopping: AbortSignal, attempted: () => void): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    let connectedAtMs: number | undefined;
    const problem = await connectOnce(options, stopping, () => {
      connectedAtMs = Date.now();
      options.onChange(true, undefined);
      attempted();
    });
    if (stopping.aborted) break;
    options.onChange(false, problem);
    attempted();
    // Slack renews connections after hours: that is no failure, so come back at once. One that ends early is.
    const stable = connectedAtMs !== undefined && Date.now() - connectedAtMs > stableAfterMs;
    failures = stable ? 0 : failures + 1;
    if (!stable) options.log.warn({ problem, failures }, 'Slack socket is not connected, trying again');
    const pauseMs = stable ? 50 : Math.min(longestPauseMs, 250 * 2 ** failures) * (0.75 + Math.random() / 2);
    await sleep(pauseMs, stopping).catch(() => undefined);
  }
  options.onChange(false, undefined);
  attempted();
}

/** Connects and stays until the connection ends; returns why, undefined for an orderly end. */
async function connectOnce(options: SocketOptions, stopping: AbortSignal, connected: () => void): Promise<string | undefined> {
  const receiver = new SocketModeReceiver({
    appToken: options.appToken,
    logger: boltLog(options.log),
    autoReconnectEnabled: false,
    installerOptions: {
      clientOptions: {
        ...clientOptions(options.apiUrl, options.log),
        // A stop must not wait for a Slack that does not answer.
        fetch: (url, init) => fetch(url, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, stopping]) : stopping }),
      },
    },
    customPropertiesExtractor: () => ({ receivedAt: Date.now() }),
  });
  receiver.init(options.app);
  const { client } = receiver;
  surviveMalformed(client, options);
  const closed = new Promise<void>((resolve) => client.once('disconnected', () => resolve()));
  const close = () => void client.disconnect().catch(() => undefined);
  const hello = setTimeout(close, helloWithinMs);
  stopping.addEventListener('abort', close, { once: true });
  try {
    await client.start();
    clearTimeout(hello);
    if (stopping.aborted) close();
    else connected();
    await closed;
    return undefined;
  } catch (error) {
    close();
    return error instanceof Error ? error.message : 'the connection ended before Slack greeted';
  } finally {
    clearTimeout(hello);
    stopping.removeEventListener('abort', close);
  }
}

/**
 * The library reads frames in an async listener and does not catch what that throws: a frame of `null`, or an event without its inner
 * event, would end the process as an unhandled rejection. Here such a frame is logged and dropped.
 */
function surviveMalformed(client: SocketModeReceiver['client'], options: SocketOptions): void {
  const listeners = client.listeners('ws_message');
  client.removeAllListeners('ws_message');
  for (const listener of listeners) {
    client.on('ws_message', async (...frame: unknown[]) => {
      if (takeNotice(client, options, frame)) return;
      try {
        await (listener as (...args: unknown[]) => unknown)(...frame);
      } catch (err) {
        options.log.warn({ err }, 'a malformed Socket Mode message was dropped');
      }
    });
  }
}

/**
 * A notice of dropped events has no inner event, so the library cannot tell what it is: it is read from the frame, and acknowledged, or Slack would send
 * it again. True when the frame was one.
 */
function takeNotice(client: SocketModeReceiver['client'], options: SocketOptions, [data, isBinary]: unknown[]): boolean {
  const text = isBinary === true ? '' : String(data);
  if (!text.includes('app_rate_limited')) return false;
  const frame = tryJson(text) as { envelope_id?: unknown; payload?: unknown } | null | undefined;
  if (typeof frame?.envelope_id !== 'string' || !isRateLimitNotice(frame.payload)) return false;
  const { send } = client as unknown as { send(id: string): Promise<void> };
  send.call(client, frame.envelope_id).catch((err: unknown) => options.log.warn({ err }, 'a Socket Mode message was not acknowledged'));
  options.onRateLimited?.(frame.payload.minute_rate_limited);
  return true;
}
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
