import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectPractice } from '../../src/practice/client.ts';
import { createPractice, type Practice, type PracticeOptions } from '../../src/practice/server.ts';

export const botToken = 'xoxb-practice';
export const appToken = 'xapp-practice';
export const signingSecret = 'practice-secret';

export interface Ending {
  after(run: () => Promise<void>): void;
}
const endings = new WeakMap<Ending, (() => unknown)[]>();
/** Runs at the end of the test, what was added last first: an app must stop before the workspace it is connected to. */
export function atEnd(t: Ending, run: () => unknown): void {
  const list = endings.get(t);
  if (list) return void list.push(run);
  const fresh = [run];
  endings.set(t, fresh);
  t.after(async () => {
    for (const end of fresh.reverse()) await end();
  });
}

/** A practice workspace for one test, ended with it. */
export async function startPractice(t: Ending, options: Partial<PracticeOptions> = {}): Promise<Practice> {
  const practice = await createPractice({ port: 0, botToken, appToken, signingSecret, transport: 'http', ...options });
  atEnd(t, () => practice.close());
  return practice;
}

const here = 'http://127.0.0.1/slack/events';
/** A manifest that Slack would take, with the parts given here in place of its own. */
export function manifest(
  parts: { commands?: object[]; shortcuts?: object[]; scopes?: string[]; events?: string[]; interactivity?: object; socket?: boolean } = {},
) {
  const url = parts.socket ? {} : { url: here };
  const requestUrl = parts.socket ? {} : { request_url: here };
  return {
    display_information: { name: 'Sluice' },
    features: {
      app_home: { home_tab_enabled: true },
      slash_commands: (parts.commands ?? [{ command: '/flink', should_escape: true }]).map((c) => ({ description: 'd', ...url, ...c })),
      shortcuts: parts.shortcuts ?? [],
    },
    oauth_config: { scopes: { bot: parts.scopes ?? ['commands', 'chat:write', 'app_mentions:read', 'usergroups:read'] } },
    settings: {
      event_subscriptions: { ...requestUrl, bot_events: parts.events ?? ['app_mention', 'subteam_members_changed'] },
      interactivity: parts.interactivity ?? { is_enabled: true, ...requestUrl },
      socket_mode_enabled: parts.socket === true,
    },
  };
}

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  form: URLSearchParams;
}
export type Answerer = (request: Received, response: ServerResponse, nth: number) => void;

/** A bare HTTP app: keeps what it receives and answers as told; the empty 200 by default. */
export async function startBareApp(t: Ending, practice: Practice, answer: Answerer = (_r, res) => res.end()) {
  const received: Received[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const item = { path: request.url ?? '', headers: request.headers, body, form: new URLSearchParams(body) };
      received.push(item);
      answer(item, response, received.length);
      for (const wake of waiting.splice(0)) wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`;
  practice.setRequestUrl(url);
  atEnd(t, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url,
    received,
    /** Resolves when so many requests have come. */
    async until(count: number): Promise<void> {
      while (received.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

export type Answer = Record<string, unknown> & { ok: boolean; error?: string };
/** One Web API call with a form, as WebClient sends it: nested values as JSON text. */
export async function api(
  practice: Practice,
  method: string,
  args: Record<string, unknown> = {},
  token: string | undefined = botToken,
): Promise<Answer> {
  return (await rawApi(practice, method, args, token)).json() as Promise<Answer>;
}
export function rawApi(
  practice: Practice,
  method: string,
  args: Record<string, unknown> = {},
  token: string | undefined = botToken,
): Promise<Response> {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(args)) form.set(key, typeof value === 'string' ? value : JSON.stringify(value));
  return fetch(practice.apiUrl + method, { method: 'POST', body: form, headers: token === '' ? {} : { authorization: `Bearer ${token}` } });
}
export function plain(text: string) {
  return { type: 'plain_text', text };
}
export function section(text: string) {
  return { type: 'section', text: { type: 'mrkdwn', text } };
}
export function modal(extra: Record<string, unknown> = {}) {
  return { type: 'modal', callback_id: 'm', title: plain('Title'), blocks: [section('text')], ...extra };
}

export function withButton(text: string) {
  return [section(text), { type: 'actions', elements: [{ type: 'button', action_id: 'go', text: plain('Go'), value: 'v' }] }];
}

/** A workspace over HTTP, a bare app and three of its people; without rate limits unless given. */
export async function startHttpPractice(t: Ending, options: Partial<PracticeOptions> = {}, answer?: Answerer) {
  const practice = await startPractice(t, { limits: 'off', ...options });
  const app = await startBareApp(t, practice, answer);
  const people = connectPractice(practice.url);
  atEnd(t, () => people.close());
  return { practice, app, people, emma: people.as('emma'), lena: people.as('lena') };
}

/** Asserts that Slack's error answers this call, and that the inspector marks it. */
export async function refuses(
  practice: Practice,
  method: string,
  args: Record<string, unknown>,
  error: string,
  token?: string,
): Promise<Answer> {
  const answer = await api(practice, method, args, token);
  assert.deepEqual([answer.ok, answer.error], [false, error], `${method} ${JSON.stringify(args).slice(0, 300)}`);
  const entry = practice.journal().at(-1);
  assert.deepEqual([entry?.what, entry?.status, entry?.refused], [method, error, true], 'the inspector marks it');
  return answer;
}
/** A POST to a response URL. */
export async function respond(url: string, body: object): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

/** A small workspace with each kind of channel: the bot in #in and #old (archived), not in #out and #secret (private). */
export const fourChannels = {
  team: { id: 'T1', name: 'T', domain: 't' },
  appUserId: 'UBOT',
  people: [
    { id: 'UBOT', name: 'bot', realName: 'Bot', bot: { botId: 'B1', appId: 'A1' } },
    { id: 'U1', name: 'ann', realName: 'Ann' },
  ],
  channels: [
    { id: 'C1', name: 'in', members: ['UBOT', 'U1'] },
    { id: 'C2', name: 'out', members: ['U1'] },
    { id: 'C3', name: 'old', archived: true, members: ['UBOT', 'U1'] },
    { id: 'C4', name: 'secret', private: true, members: ['U1'] },
  ],
  groups: [{ id: 'S1', handle: 'leads', name: 'Leads', users: ['U1'] }],
};
