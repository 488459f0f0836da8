import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'node:querystring';

export interface FakeCall {
  method: string;
  args: Record<string, string>;
}
/** An answer: JSON with status 200, or a whole HTTP answer, or no answer at all. */
export type FakeAnswer = { json: object } | { status: number; headers?: Record<string, string>; body?: string } | 'cut' | 'hang';
export interface FakeSlack {
  apiUrl: string;
  calls: FakeCall[];
  /** How a method answers from now on; the function sees the call. */
  on(method: string, answer: FakeAnswer | ((args: Record<string, string>) => FakeAnswer)): void;
  callsOf(method: string): Record<string, string>[];
  close(): Promise<void>;
}

/** The smallest Slack Web API: every method answers what the test says, unexpected ones answer `unknown_method`. */
export async function fakeSlack(): Promise<FakeSlack> {
  const calls: FakeCall[] = [];
  const answers = new Map<string, FakeAnswer | ((args: Record<string, string>) => FakeAnswer)>();
  const hanging = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const method = (request.url ?? '').replace(/^\/api\//, '');
      const args = { ...parse(Buffer.concat(chunks).toString()) } as Record<string, string>;
      calls.push({ method, args });
      const rule = answers.get(method) ?? { json: { ok: false, error: 'unknown_method' } };
      const answer = typeof rule === 'function' ? rule(args) : rule;
      if (answer === 'cut') return void request.socket.destroy();
      if (answer === 'hang') return void hanging.add(response);
      if ('json' in answer) return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
      response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`,
    calls,
    on: (method, answer) => void answers.set(method, answer),
    callsOf: (method) => calls.filter((c) => c.method === method).map((c) => c.args),
    close: async () => {
      for (const response of hanging) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
