import { App } from '@slack/bolt';
import type { Directory } from '../access/directory.ts';
import type { Pickers } from '../commands/picker.ts';
import type { HandleCommand } from '../commands/request.ts';
import type { Log } from '../core/log.ts';
import type { RawRoute } from '../core/route.ts';
import type { Sender } from '../outbox/sender.ts';
import { boltLog } from './bolt-log.ts';
import { clientOptions, webClient } from './client.ts';
import { createDirectory } from './directory.ts';
import { createDroppedEvents } from './dropped-events.ts';
import { HttpReceiver } from './http-receiver.ts';
import { createIdentity } from './identity.ts';
import { answerCache, type ListenerContext, within } from './listener-context.ts';
import { onAction } from './on-action.ts';
import { onCommand } from './on-command.ts';
import { onEvent } from './on-event.ts';
import { onOptions } from './on-options.ts';
import { onShortcut } from './on-shortcut.ts';
import { createReplies } from './replies.ts';
import { createSender } from './sender.ts';
import { openSocket, type Socket } from './socket.ts';

export interface SlackOptions {
  botToken: string;
  /** Set for HTTP: requests are checked with it, and `route` is there. */
  signingSecret?: string | undefined;
  /** Set for Socket Mode: two connections are kept. Both transports may be on. */
  appToken?: string | undefined;
  /** Base of the Web API, for example `https://slack.com/api/`; every call follows it. */
  apiUrl: string;
  /** Our workspace; without it, what `auth.test` says. */
  teamId?: string | undefined;
  /** Slash commands that are ours, `/flink` by default. */
  commandNames?: readonly string[] | undefined;
  handle: HandleCommand;
  /** What the forms offer that ask for a job. */
  pickers?: Pickers | undefined;
  /** The id of the incident that the message at this place tells of, or whose thread it begins. */
  incidentAt?: ((channel: string, ts: string) => Promise<string | undefined>) | undefined;
  /** A channel takes messages again: the app was invited, or it is archived no more. */
  onChannelOpened?: ((channel: string) => Promise<void>) | undefined;
  /** Slack takes a bot token again that it had refused: what waits can be sent. */
  onUsable?: (() => Promise<void>) | undefined;
  log: Log;
  now?: (() => number) | undefined;
  onState?: ((state: SlackState) => void) | undefined;
}

/** How it stands with Slack, for the health check and the page. */
export interface SlackState {
  /** What Slack calls us, once it has accepted the bot token. */
  teamId: string | undefined;
  botUserId: string | undefined;
  http: boolean;
  sockets: { wanted: number; connected: number };
  /** What is wrong, in a sentence; undefined if nothing is. */
  problem: string | undefined;
  /** That Slack drops events, in a sentence; it is over by itself. Undefined if it does not. */
  droppedEvents: string | undefined;
  /** From the arrival of a request to its acknowledgement. */
  lastAckMs: number | undefined;
}

export interface Slack {
  /** `POST /slack/events`; there if a signing secret was given. */
  route: RawRoute | undefined;
  /** Begins: resolves after the first attempts, whether they succeeded or not; what failed is tried again until `stop`. Never rejects. */
  start(): Promise<void>;
  /** Ends connections and waits shortly for answers that are under way. */
  stop(): Promise<void>;
  sender: Sender;
  directory: Directory;
  state(): SlackState;
}

/** So that one is there while Slack renews the other. */
const socketCount = 2;
const drainMs = 3_000;

/** The Slack adapter: commands, clicks, forms and mentions in by HTTP, Socket Mode or both; messages and look-ups out by the Web API. */
export function createSlack(options: SlackOptions): Slack {
  const { botToken, apiUrl, log } = options;
  const web = webClient(botToken, apiUrl, log);
  const status = {
    lastAckMs: undefined as number | undefined,
    blocked: undefined as string | undefined,
    sockets: [] as { connected: boolean; problem: string | undefined }[],
  };
  const underway = new Set<Promise<unknown>>();
  const background = (work: Promise<unknown>, failure: string) => {
    const done = work.catch((err) => log.error({ err }, failure)).finally(() => underway.delete(done));
    underway.add(done);
  };
  const usable = async () => options.onUsable?.();
  const identity = createIdentity({
    web,
    log,
    onChange: changed,
    onUsable: () => background(usable(), 'what waited for the bot token was not resumed'),
  });
  const dropped = createDroppedEvents({ log, ...(options.now ? { now: options.now } : {}) });
  const noteDropped = (minute: number) => {
    dropped.note(minute);
    changed();
  };
  const teamId = () => options.teamId ?? identity.current()?.teamId;
  const directory = createDirectory({ web, log, teamId });
  const receiver = new HttpReceiver({ signingSecret: options.signingSecret ?? '', log, onRateLimited: noteDropped });
  const app = new App({
    receiver,
    // Our own identity look-up is tried again and again; Bolt's fails the start, or every request after it.
    authorize: async () => ({ botToken, ...identity.forBolt() }),
    clientOptions: clientOptions(apiUrl, log),
    logger: boltLog(log),
    convoStore: false,
    deferInitialization: true,
  });
  app.error(async (err) => log.error({ err }, 'a Slack listener failed'));

  const ctx: ListenerContext = {
    handle: options.handle,
    pickers: options.pickers,
    log,
    web,
    replies: createReplies({ web, apiUrl, log }),
    commandNames: options.commandNames ?? ['/flink'],
    botUserId: () => identity.current()?.botUserId,
    groupChanged: directory.forgetGroup,
    incidentAt: async (channel, ts) => options.incidentAt?.(channel, ts),
    channelOpened: async (channel) => options.onChannelOpened?.(channel),
    tokenLost: identity.doubt,
    acknowledged: (ms) => {
      status.lastAckMs = ms;
    },
    answers: answerCache(),
    clicks: new Map(),
    opened: answerCache(),
    background: (work) => background(work, 'an answer to Slack failed'),
  };
  onCommand(app, ctx);
  onAction(app, ctx);
  onOptions(app, ctx);
  onEvent(app, ctx);
  onShortcut(app, ctx);

  let sockets: Socket[] = [];
  function changed(): void {
    options.onState?.(state());
  }
  function state(): SlackState {
    return {
      teamId: teamId(),
      botUserId: identity.current()?.botUserId,
      http: options.signingSecret !== undefined,
      sockets: { wanted: options.appToken === undefined ? 0 : socketCount, connected: status.sockets.filter((s) => s.connected).length },
      problem: identity.problem() ?? status.blocked ?? status.sockets.find((s) => s.problem !== undefined)?.problem,
      droppedEvents: dropped.words(),
      lastAckMs: status.lastAckMs,
    };
  }
  function openSockets(appToken: string): Socket[] {
    return Array.from({ length: socketCount }, (_, i) => {
      const socket = { connected: false, problem: undefined as string | undefined };
      status.sockets[i] = socket;
      return openSocket({
        appToken,
        apiUrl,
        app,
        log: log.child({ socket: i + 1 }),
        onRateLimited: noteDropped,
        onChange: (connected, problem) => {
          Object.assign(socket, {
            connected,
            problem: problem === undefined ? undefined : `Slack's Socket Mode is not connected: ${problem}`,
          });
          changed();
        },
      });
    });
  }

  // Nothing is asked of Slack here: an authorize function of ours leaves Bolt nothing to look up.
  const initialised = app.init();
  return {
    route:
      options.signingSecret === undefined
        ? undefined
        : { method: 'POST', path: '/slack/events', handle: (request, response) => receiver.handle(request, response) },
    start: async () => {
      await initialised;
      sockets = options.appToken === undefined ? [] : openSockets(options.appToken);
      await Promise.all([identity.start(), ...sockets.map((s) => s.firstAttempt)]);
    },
    stop: async () => {
      await Promise.all([identity.stop(), ...sockets.map((s) => s.stop())]);
      await within(Promise.all(underway), drainMs);
    },
    sender: createSender({
      botToken,
      apiUrl,
      log,
      token: identity,
      onBlocked: (problem) => {
        if (problem === status.blocked) return;
        status.blocked = problem;
        if (problem !== undefined) log.error({ problem }, 'Slack refuses what is sent');
        changed();
      },
    }),
    directory,
    state,
  };
}
