import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** A server before another one: it passes requests on and notes how each was made. */
export async function recorded(t: TestContext, target: string): Promise<{ url: string; methods: Set<string> }> {
  const methods = new Set<string>();
  const server = createServer((incoming, answer) => {
    methods.add(incoming.method ?? '');
    const onward = forward(
      new URL(incoming.url ?? '/', target),
      { method: incoming.method ?? 'GET', headers: incoming.headers },
      (back) => {
        answer.writeHead(back.statusCode ?? 502, back.headers);
        back.pipe(answer);
      },
    );
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, methods };
}
