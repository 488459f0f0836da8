import { newId } from '../../core/ids.ts';
import type { PracticeClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import type { AppSetup } from '../manifest.ts';
import type { Ack, Json } from '../types.ts';
import { addressOf, type DeliveryKind } from './addresses.ts';
import { createDisorder } from './disorder.ts';
import { postSigned } from './http-link.ts';
import type { Envelope, SocketHub } from './socket-hub.ts';

export interface LinkOptions {
  transport: 'http' | 'socket';
  signingSecret: string;
  setup: AppSetup;
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
  /** Events API: tries again at once, after 1 and after 5 minutes of the workspace's clock (slack.md 1.1). `bare`: without an event id. */
  event(body: Json, what: string, options?: { bare?: boolean }): Promise<void>;
  /** The url_verification handshake; true when the app echoes the challenge. */
  verifyRequestUrl(): Promise<boolean>;
}

const retryAfterMs = [0, 60_000, 300_000];
const form = 'application/x-www-form-urlencoded';
const json = 'application/json';
const unreachable: Ack = { ok: false, error: 'dispatch_failed', durationMs: 0 };

/** A link to the app over signed HTTP or Socket Mode. */
export function createAppLink(options: LinkOptions): AppLink {
  const { journal, faults, hub, setup, ackTimeoutMs } = options;
  const { inTurn, slowed } = createDisorder(faults, ackTimeoutMs);
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
  const post = async (kind: DeliveryKind, body: string, contentType: string, headers: Record<string, string> = {}): Promise<Ack> => {
    const url = addressOf(setup, kind, options.requestUrl());
    if (url === undefined || faults.outage) return unreachable;
    const { signingSecret } = options;
    return slowed(await postSigned(url, { signingSecret, body, contentType, timeoutMs: ackTimeoutMs, headers }));
  };
  const push = (envelope: Envelope): Promise<Ack> =>
    faults.outage ? Promise.resolve(unreachable) : hub.send(envelope, faults.deliverTimes);
  /** The first good answer of several deliveries of the same thing counts. */
  const several = async (what: string, request: unknown, deliver: () => Promise<Ack>): Promise<Ack> => {
    const all = Array.from({ length: Math.max(1, faults.deliverTimes) }, async () => note(what, request, await deliver()));
    return Promise.any(
      all.map(async (one) => {
        const ack = await one;
        if (!ack.ok) throw ack;
        return ack;
      }),
    ).catch((error: AggregateError) => error.errors[0] as Ack);
  };
  /** A command or an interaction: one form to one address, or one envelope. */
  const deliver = (what: string, kind: DeliveryKind, payload: Json, fields: Record<string, string>, type: Envelope['type']) =>
    inTurn(async () => {
      if (options.transport === 'http') return several(what, payload, () => post(kind, new URLSearchParams(fields).toString(), form));
      return note(what, payload, await push({ type, payload, acceptsResponse: true }));
    });
  const attempt = (what: string, body: Json, retry: number, reason: string): Promise<Ack> =>
    inTurn(async () => {
      if (options.transport === 'socket')
        return note(
          what,
          body,
          await push({ type: 'events_api', payload: body, acceptsResponse: false, retryAttempt: retry, retryReason: reason }),
        );
      const headers: Record<string, string> = retry === 0 ? {} : { 'x-slack-retry-num': String(retry), 'x-slack-retry-reason': reason };
      return several(what, body, () => post('events', JSON.stringify(body), json, headers));
    });
  return {
    command: (fields) =>
      deliver(`slash command ${fields['command'] ?? ''}`, { command: fields['command'] ?? '' }, fields, fields, 'slash_commands'),
    interaction(payload) {
      const what = String(payload['type']);
      const kind = what === 'block_suggestion' ? 'options' : 'interactivity';
      return deliver(what, kind, payload, { payload: JSON.stringify(payload) }, 'interactive');
    },
    async event(body, what, { bare = false } = {}) {
      const ids = { event_id: `Ev${newId('').slice(1).toUpperCase()}`, event_time: Math.floor(options.clock.now() / 1000) };
      const full = bare ? body : { ...body, ...ids };
      const go = async (retry: number, reason: string): Promise<void> => {
        const at = options.clock.now();
        const ack = await attempt(`event ${what}${retry === 0 ? '' : ` (retry ${retry})`}`, full, retry, reason);
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
      const body = JSON.stringify({ type: 'url_verification', challenge, token: 'practice' });
      const ack = note('url_verification', { challenge }, await post('events', body, json));
      return ack.ok && (ack.body?.['challenge'] === challenge || ack.body?.['text'] === challenge);
    },
  };
}
