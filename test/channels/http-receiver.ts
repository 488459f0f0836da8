import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body, parsed. */
  json: Record<string, unknown>;
}
/** `cut`: the connection ends after the request was read; `hang`: no answer; `torn`: half of an answer. */
export type Reply = { status?: number; headers?: Record<string, string>; body?: string } | 'cut' | 'hang' | 'torn';
export interface Receiver {
  url: string;
  received: Received[];
  /** How it answers from now on. */
  reply: Reply | ((received: Received) => Reply);
}

/** A real HTTP server on loopback that notes what it gets and answers as told; closed after the test. */
export async function startReceiver(t: TestContext, reply: Receiver['reply'] = { body: '{}' }): Promise<Receiver> {
  const hanging = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const received: Received = { path: request.url ?? '', headers: request.headers, body, json: JSON.parse(body) };
      receiver.received.push(received);
      const answer = typeof receiver.reply === 'function' ? receiver.reply(received) : receiver.reply;
      if (answer === 'cut') return void request.socket.destroy();
      if (answer === 'hang') return void hanging.add(response);
      if (answer === 'torn') {
        response.writeHead(200, { 'content-length': '1000' }).write('{"half":');
        return void setTimeout(() => request.socket.destroy(), 20);
      }
      response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const response of hanging) response.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const receiver: Receiver = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received: [], reply };
  return receiver;
}
/** A port of loopback that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
