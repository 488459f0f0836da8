import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { AppError, ConfigError } from '../core/errors.ts';
import { changeFaults } from './change-faults.ts';
import { createChanges } from './changes.ts';
import { createClock } from './clock.ts';
import type { Context } from './context.ts';
import { type Faults, noFaults } from './faults.ts';
import { createJournal, type JournalEntry } from './journal.ts';
import { createLimiter, type Limits } from './limits.ts';
import { createAppLink } from './link/app-link.ts';
import { createSocketHub } from './link/socket-hub.ts';
import { readManifest } from './manifest.ts';
import { manifestProblems } from './manifest-problems.ts';
import { pageRoutes } from './page-routes.ts';
import { createPageSockets } from './page-socket.ts';
import { errorStatus } from './people/acting.ts';
import { loadState, saveOnChange } from './persist.ts';
import { practiceRoutes } from './practice-routes.ts';
import { defaultSeed } from './seed.ts';
import { slackRoutes } from './slack-routes.ts';
import { meta } from './snapshot.ts';
import { createTickets } from './tickets.ts';
import type { Json, StoredMessage, WorkspaceSeed } from './types.ts';
import { createWorkspace, freshState } from './workspace.ts';

export { defaultSeed } from './seed.ts';
export type { WorkspaceSeed } from './types.ts';

export interface PracticeOptions {
  /** 0 for a free one. */
  port: number;
  /** Loopback only; 127.0.0.1 by default. */
  host?: string;
  botToken: string;
  signingSecret: string;
  /** App-level token, for Socket Mode. */
  appToken?: string;
  transport: 'http' | 'socket';
  /** Where signed requests go; may be set later. */
  requestUrl?: string;
  /** The app's Slack manifest: its commands, events and scopes. */
  manifest?: object;
  workspace?: WorkspaceSeed;
  /** Where the workspace is kept over restarts. */
  dataFile?: string;
  /** Rate limits; Slack's by default. */
  limits?: Partial<Limits> | 'off';
  /** How long the app may take to acknowledge; Slack's 3000 by default. */
  ackTimeoutMs?: number;
  /** The running program's mode (NODE_ENV), which must not be `production`. */
  nodeEnv?: string | undefined;
}
export interface Practice {
  url: string;
  /** Base address of the Web API, ends in `/api/`. */
  apiUrl: string;
  setRequestUrl(url: string): void;
  /** The url_verification handshake of the Events API. */
  verifyRequestUrl(): Promise<boolean>;
  /** Every message of a channel (id or name), oldest first, ephemeral ones included. */
  messages(channel: string): StoredMessage[];
  journal(): JournalEntry[];
  faults(change: Partial<Faults>): void;
  /** Moves the workspace's clock forward. */
  advance(ms: number): void;
  /** Open Socket Mode connections. */
  sockets(): number;
  dropSockets(): void;
  close(): Promise<void>;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** @throws ConfigError when this is the program's mode (NODE_ENV) `production` */
export function refuseProduction(nodeEnv: string | undefined): void {
  if (nodeEnv === 'production')
    throw new ConfigError('The practice workspace does not start in production.', {
      hint: 'Use a real Slack workspace, or unset NODE_ENV.',
    });
}

/** True unless a page of another site, or a name that only leads here, makes the request. */
function isFromHere(request: IncomingMessage): boolean {
  const { origin, host: asked = '' } = request.headers;
  const name = asked.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return loopback.has(name) && (origin === undefined || origin === `http://${asked}`);
}

/**
 * Starts the practice workspace: a stand-in for Slack that a Bolt app reaches by `slackApiUrl`.
 * @throws ConfigError when it would listen beyond this machine, or in production.
 */
export async function createPractice(options: PracticeOptions): Promise<Practice> {
  const host = options.host ?? '127.0.0.1';
  if (!loopback.has(host))
    throw new ConfigError(`The practice workspace listens on loopback only, not on ${host}.`, { hint: 'Leave the host out.' });
  refuseProduction(options.nodeEnv);
  if (options.transport === 'socket' && options.appToken === undefined) throw new ConfigError('Socket Mode needs an app-level token.');
  const [problem] = options.manifest === undefined ? [] : manifestProblems(options.manifest as Json, options.transport);
  if (problem !== undefined)
    throw new ConfigError(`Slack would not take this manifest: ${problem}.`, { hint: 'Correct the manifest; see its reference at Slack.' });

  const saved = options.dataFile === undefined ? undefined : await loadState(options.dataFile);
  const state = saved ?? freshState(options.workspace ?? defaultSeed);
  const clock = createClock(state.clockOffsetMs);
  const changes = createChanges(Math.max(0, ...Object.values(state.messages).map((list) => Math.max(0, ...list.map((m) => m.seq)))));
  const journal = createJournal(clock, changes);
  const faults: Faults = { ...noFaults };
  const ws = createWorkspace(state, clock, changes);
  const ackTimeoutMs = options.ackTimeoutMs ?? 3000;
  const setup = readManifest(options.manifest);
  const hub = createSocketHub({
    appId: ws.app.bot.appId,
    ackTimeoutMs,
    enabled: options.transport === 'socket',
    slowAckMs: () => faults.slowAckMs,
    onChange: () => changes.emit({ type: 'meta', data: meta(ctx) }),
    onStray: (what, request) =>
      journal.add({
        direction: 'in',
        what,
        transport: 'socket',
        request,
        status: 'ignored',
        answer: undefined,
        durationMs: 0,
        refused: true,
      }),
  });
  let requestUrl = options.requestUrl;
  let url = '';
  const { signingSecret, transport } = options;
  const ctx: Context = {
    ws,
    setup,
    clock,
    changes,
    journal,
    faults,
    limiter: createLimiter(clock, options.limits),
    tickets: createTickets(clock, state.team.id),
    hub,
    link: createAppLink({ transport, signingSecret, setup, requestUrl: () => requestUrl, ackTimeoutMs, clock, journal, faults, hub }),
    tokens: { bot: options.botToken, app: options.appToken },
    url: () => url,
  };

  const streams = new Set<() => void>();
  const server = fastify({ bodyLimit: 4 * 1024 * 1024, forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setErrorHandler((error, _request, reply) => {
    const known = error instanceof AppError;
    void reply
      .code(known ? errorStatus(error) : ((error as { statusCode?: number }).statusCode ?? 500))
      .send({ error: (error as Error).message });
  });
  // a page of another site must not drive this one: browsers say where a request comes from
  server.addHook('onRequest', async (request, reply) => {
    if (!isFromHere(request.raw)) return reply.code(403).send({ error: 'Only this page may do that.' });
  });
  slackRoutes(server, ctx);
  practiceRoutes(server, ctx, streams);
  pageRoutes(server, ctx);
  const pages = createPageSockets(ctx, isFromHere);
  server.server.on('upgrade', (request, socket, head) => {
    if (pages.upgrade(request, socket, head)) return;
    if (faults.outage) socket.destroy();
    else hub.upgrade(request, socket, head);
  });
  await server.listen({ port: options.port, host });
  url = `http://${host.includes(':') ? `[${host}]` : host}:${(server.server.address() as AddressInfo).port}`;
  const saver = options.dataFile === undefined ? undefined : saveOnChange(options.dataFile, state, changes);

  return {
    url,
    apiUrl: `${url}/api/`,
    setRequestUrl(next) {
      requestUrl = next;
    },
    verifyRequestUrl: () => ctx.link.verifyRequestUrl(),
    messages: (channel) => [...ws.messages(ws.channel(channel)?.id ?? channel)],
    journal: () => journal.entries(),
    faults: (change) => {
      changeFaults(ctx, change);
      journal.intervened('faults', change);
      changes.emit({ type: 'meta', data: meta(ctx) });
    },
    advance: (ms) => {
      clock.advance(ms);
      state.clockOffsetMs = clock.offsetMs();
      journal.intervened('clock', { advanceMs: ms });
      changes.emit({ type: 'meta', data: meta(ctx) });
    },
    sockets: () => hub.connections(),
    dropSockets: () => hub.drop(),
    async close() {
      for (const end of [...streams]) end();
      pages.close();
      await hub.close();
      clock.stop();
      await saver?.stop();
      await server.close();
    },
  };
}
