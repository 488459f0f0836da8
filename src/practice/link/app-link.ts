import { newId } from '../../core/ids.ts';
import type { PracticeClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import type { Ack, Json } from '../types.ts';
import { postSigned } from './http-link.ts';
import type { SocketHub } from './socket-hub.ts';

export interface LinkOptions {
  transport: 'http' | 'socket';
  signingSecret: string;
  requestUrl: () => string | undefined;
  ackTimeoutMs: number;
  clock: PracticeClock;
  journal: Journal;
  faults: Faults;
  hub: SocketHub;
}
/** How the workspace reaches the app. Each call waits for the app's acknowledgement, 3 s at most, and never throws. */
export interface AppLink {
  command(form: Record<string, string>): Promise<Ack>;
  interaction(payload: Json): Promise<Ack>;
  /** Events API: tries again at once, after 1 and after 5 minutes of the workspace's clock (slack.md 1.1). */
  event(body: Json, what: string): Promise<void>;
  /** The url_verification handshake; true when the app echoes the challenge. */
  verifyRequestUrl(): Promise<boolean>;
}

const retryAfterMs = [0, 60_000, 300_000];
const form = 'application/x-www-form-urlencoded';

/** A link to the app over signed HTTP or Socket Mode. */
export function createAppLink(options: LinkOptions): AppLink {
  const { journal, faults, hub } = options;
  const note = (what: string, request: unknown, ack: Ack) => {
    journal.add({
      direction: 'out',
      what,
      transport: options.transport,
      request,
      status: ack.ok ? String(ack.status ?? 'acknowledged') : (ack.error ?? String(ack.status)),
      answer: ack.body,
      durationMs: ack.durationMs,
      refused: !ack.ok,
    });
    return ack;
  };
  const post = (body: string, contentType: string, headers: Record<string, string> = {}): Promise<Ack> => {
    const url = options.requestUrl();
    if (url === undefined) return Promise.resolve({ ok: false, error: 'dispatch_failed', durationMs: 0 });
    return postSigned(url, { signingSecret: options.signingSecret, body, contentType, timeoutMs: options.ackTimeoutMs, headers });
  };
  /** The first good answer of several deliveries of the same thing counts. */
  const several = async (what: string, request: unknown, body: string): Promise<Ack> => {
    const all = Array.from({ length: Math.max(1, faults.deliverTimes) }, async () => note(what, request, await post(body, form)));
    return Promise.any(
      all.map(async (one) => {
        const ack = await one;
        if (!ack.ok) throw ack;
        return ack;
      }),
    ).catch((error: AggregateError) => error.errors[0] as Ack);
  };
  const attempt = async (body: Json, retry: number, reason: string): Promise<Ack> => {
    if (options.transport === 'socket')
      return hub.send({ type: 'events_api', payload: body, acceptsResponse: false, retryAttempt: retry, retryReason: reason });
    const headers: Record<string, string> = retry === 0 ? {} : { 'x-slack-retry-num': String(retry), 'x-slack-retry-reason': reason };
    return post(JSON.stringify(body), 'application/json', headers);
  };
  return {
    async command(fields) {
      const what = `slash command ${fields['command'] ?? ''}`;
      if (options.transport === 'http') return several(what, fields, new URLSearchParams(fields).toString());
      return note(what, fields, await hub.send({ type: 'slash_commands', payload: fields, acceptsResponse: true }, faults.deliverTimes));
    },
    async interaction(payload) {
      const what = String(payload['type']);
      if (options.transport === 'http') return several(what, payload, new URLSearchParams({ payload: JSON.stringify(payload) }).toString());
      return note(what, payload, await hub.send({ type: 'interactive', payload, acceptsResponse: true }, faults.deliverTimes));
    },
    async event(body, what) {
      const full = { ...body, event_id: `Ev${newId('').slice(1).toUpperCase()}`, event_time: Math.floor(options.clock.now() / 1000) };
      const go = async (retry: number, reason: string): Promise<void> => {
        const at = options.clock.now();
        const ack = note(`event ${what}${retry === 0 ? '' : ` (retry ${retry})`}`, full, await attempt(full, retry, reason));
        if (ack.ok || ack.noRetry || retry >= retryAfterMs.length) return;
        const next = ack.error === 'operation_timeout' ? 'http_timeout' : ack.status === undefined ? 'connection_failed' : 'http_error';
        const wait = retryAfterMs[retry] ?? 0;
        if (wait === 0) return go(retry + 1, next);
        options.clock.at(at + wait, () => void go(retry + 1, next));
      };
      await go(0, '');
    },
    async verifyRequestUrl() {
      const challenge = newId('challenge');
      const ack = note(
        'url_verification',
        { challenge },
        await post(JSON.stringify({ type: 'url_verification', challenge, token: 'practice' }), 'application/json'),
      );
      return ack.ok && (ack.body?.['challenge'] === challenge || ack.body?.['text'] === challenge);
    },
  };
}
