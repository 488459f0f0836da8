import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Ack, isObject, type Json } from '../types.ts';

export interface Envelope {
  type: 'slash_commands' | 'interactive' | 'events_api';
  payload: Json;
  acceptsResponse: boolean;
  retryAttempt?: number;
  retryReason?: string;
}
export type DisconnectReason = 'warning' | 'refresh_requested' | 'link_disabled' | 'too_many_websockets';
export interface SocketHub {
  /** Path of a new single-use ticket, for apps.connections.open. */
  newTicket(): string;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Sends an envelope to exactly one socket (`times` > 1: that often, as duplicates) and waits for its acknowledgement. */
  send(envelope: Envelope, times?: number): Promise<Ack>;
  connections(): number;
  /** Tells every socket to go; `refresh_requested` closes after a second, `warning` after ten. */
  disconnect(reason: DisconnectReason): void;
  /** Cuts every socket without a word. */
  drop(): void;
  /** Ends every connection properly: a client whose closing handshake is not answered waits 30 s for it (@slack/socket-mode 3.1). */
  close(): Promise<void>;
}

const maxConnections = 10;
const serverPingMs = 10_000;
const closeMs = 500;
const rememberedEnvelopes = 1000;

/** The far side of Socket Mode (slack.md 1.4). */
export function createSocketHub(options: {
  appId: string;
  ackTimeoutMs: number;
  enabled: boolean;
  /** How much longer acknowledgements take on their way. */
  slowAckMs?: () => number;
  /** Told of what a socket said that acknowledges nothing: no JSON, no envelope id, an unknown or late one. */
  onStray?: (what: string, data: unknown) => void;
  /** The number of connections has changed. */
  onChange?: () => void;
}): SocketHub {
  const server = new WebSocketServer({ noServer: true });
  const tickets = new Set<string>();
  const sockets: WebSocket[] = [];
  /** Envelopes on their way, by id: how to finish one, and which socket has it. */
  const waiting = new Map<string, { acknowledge(body: Json | undefined): void; socket: WebSocket; lost(): void }>();
  /** Envelopes that were acknowledged in time: their duplicates are acknowledged too. */
  const acknowledged = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  let turn = 0;
  const later = (ms: number, run: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
    return timer;
  };
  const pings = setInterval(() => {
    for (const socket of sockets) socket.ping();
  }, serverPingMs);
  pings.unref();

  const say = (socket: WebSocket, message: Json) => socket.send(JSON.stringify(message));
  const bye = (socket: WebSocket, reason: DisconnectReason) =>
    say(socket, { type: 'disconnect', reason, debug_info: { host: 'practice' } });

  function accept(socket: WebSocket): void {
    socket.on('error', () => {});
    if (!options.enabled || sockets.length >= maxConnections) {
      bye(socket, options.enabled ? 'too_many_websockets' : 'link_disabled');
      socket.close();
      return;
    }
    sockets.push(socket);
    options.onChange?.();
    socket.on('message', (data) => receive(String(data)));
    socket.on('close', () => {
      const index = sockets.indexOf(socket);
      if (index >= 0) sockets.splice(index, 1);
      options.onChange?.();
      for (const entry of [...waiting.values()]) if (entry.socket === socket) entry.lost();
    });
    say(socket, {
      type: 'hello',
      num_connections: sockets.length,
      debug_info: { host: 'practice', build_number: 1, approximate_connection_time: 18060 },
      connection_info: { app_id: options.appId },
    });
  }
  function receive(data: string): void {
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch {
      options.onStray?.('socket message that is no JSON', data.slice(0, 1000));
      return;
    }
    if (!isObject(message) || typeof message['envelope_id'] !== 'string') {
      options.onStray?.('socket message without an envelope id', message);
      return;
    }
    const id = message['envelope_id'];
    const body = isObject(message['payload']) ? message['payload'] : undefined;
    const arrive = () => {
      const entry = waiting.get(id);
      if (entry) entry.acknowledge(body);
      else if (!acknowledged.has(id)) options.onStray?.('acknowledgement that is late or of no envelope', message);
    };
    const slowMs = options.slowAckMs?.() ?? 0;
    if (slowMs > 0) later(slowMs, arrive).unref();
    else arrive();
  }
  function pick(): WebSocket | undefined {
    const open = sockets.filter((s) => s.readyState === 1);
    turn++;
    return open[turn % Math.max(1, open.length)];
  }

  function send(envelope: Envelope, times = 1): Promise<Ack> {
    const started = performance.now();
    const id = randomUUID();
    const frame: Json = {
      envelope_id: id,
      type: envelope.type,
      payload: envelope.payload,
      accepts_response_payload: envelope.acceptsResponse,
      ...(envelope.type === 'events_api' || envelope.retryAttempt
        ? { retry_attempt: envelope.retryAttempt ?? 0, retry_reason: envelope.retryReason ?? '' }
        : {}),
    };
    return new Promise((resolve) => {
      let redelivered = false;
      const finish = (ack: Omit<Ack, 'durationMs'>) => resolve({ ...ack, durationMs: performance.now() - started });
      const deliver = () => {
        const socket = pick();
        if (!socket) {
          waiting.delete(id);
          return finish({ ok: false, error: 'dispatch_failed' });
        }
        const timer = later(options.ackTimeoutMs, expired);
        waiting.set(id, {
          socket,
          acknowledge(body) {
            clearTimeout(timer);
            timers.delete(timer);
            waiting.delete(id);
            acknowledged.add(id);
            if (acknowledged.size > rememberedEnvelopes) acknowledged.delete([...acknowledged][0] ?? '');
            finish(body === undefined ? { ok: true } : { ok: true, body });
          },
          lost() {
            // the socket went away with the envelope: another one gets it, with the same id
            clearTimeout(timer);
            timers.delete(timer);
            deliver();
          },
        });
        say(socket, frame);
      };
      const expired = () => {
        waiting.delete(id);
        finish({ ok: false, error: 'operation_timeout' });
        // Slack re-sends commands and clicks that nobody acknowledged, also with retry_attempt 0 (bolt-js #2188, #2487)
        if (envelope.type === 'events_api' || redelivered) return;
        redelivered = true;
        frame['retry_attempt'] = 0;
        frame['retry_reason'] = 'timeout';
        deliver();
      };
      deliver();
      for (let i = 1; i < times; i++) {
        const socket = pick();
        if (socket) say(socket, frame);
      }
    });
  }

  return {
    newTicket() {
      const ticket = randomBytes(24).toString('base64url');
      tickets.add(ticket);
      return `/link/?ticket=${ticket}&app_id=${options.appId}`;
    },
    upgrade(request, socket, head) {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const ticket = url.searchParams.get('ticket') ?? '';
      if (url.pathname !== '/link/' || !tickets.delete(ticket)) {
        socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
        return;
      }
      server.handleUpgrade(request, socket, head, accept);
    },
    send,
    connections: () => sockets.length,
    disconnect(reason) {
      for (const socket of [...sockets]) {
        bye(socket, reason);
        later(reason === 'warning' ? 10_000 : 1000, () => socket.close()).unref();
      }
    },
    drop() {
      for (const socket of [...sockets]) socket.terminate();
    },
    async close() {
      clearInterval(pings);
      for (const timer of timers) clearTimeout(timer);
      const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      for (const socket of sockets) socket.close(1001);
      const tooLong = setTimeout(() => {
        for (const socket of sockets) socket.terminate();
      }, closeMs);
      await Promise.all(closed);
      clearTimeout(tooLong);
      server.close();
    },
  };
}
