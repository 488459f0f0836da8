import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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

export interface Received {
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
      const item = { headers: request.headers, body, form: new URLSearchParams(body) };
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
