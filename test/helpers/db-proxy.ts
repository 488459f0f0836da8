import { createConnection, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { Target } from '../../src/db/connection.ts';

export interface DbProxy {
  target: Target;
  /** Nothing passes any more in either direction, and nothing is closed: a frozen server. */
  freeze(): void;
  /** Lets everything pass again. */
  thaw(): void;
  /** Nothing passes any more on the connections there are, for good and without a word; new ones work: the server came back at another place. */
  abandon(): void;
  /** Closes every connection when the client's next message that holds this text has gone to the server. */
  cutAfter(text: string): void;
}

/** A proxy on loopback before the test's database, to lose connections in every way there is. */
export async function startDbProxy(t: TestContext, target: Target): Promise<DbProxy> {
  const url = 'url' in target ? new URL(target.url) : undefined;
  const pairs = new Set<[Socket, Socket]>();
  const abandoned: Socket[] = [];
  let frozen = false;
  let cutText: string | undefined;
  const server = createServer((client) => {
    const upstream = url
      ? createConnection(Number(url.port || 5432), url.hostname)
      : createConnection(`${'connection' in target ? target.connection.host : ''}/.s.PGSQL.5432`);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    const close = () => {
      client.destroy();
      upstream.destroy();
      pairs.delete(pair);
    };
    for (const socket of pair) socket.on('error', close).on('close', close);
    if (frozen) for (const socket of pair) socket.pause();
    client.on('data', (chunk) => {
      if (cutText === undefined || !chunk.includes(cutText)) return void upstream.write(chunk);
      cutText = undefined;
      // The answer's first byte proves that the server has done it.
      upstream.removeAllListeners('data').once('data', close);
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => void client.write(chunk));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    for (const socket of abandoned) socket.destroy();
    for (const [client, upstream] of pairs) {
      client.destroy();
      upstream.destroy();
    }
    server.close();
  });
  const { port } = server.address() as { port: number };
  if (url) {
    url.host = `127.0.0.1:${port}`;
  }
  return {
    target: 'connection' in target ? { connection: { ...target.connection, host: '127.0.0.1', port } } : { url: String(url) },
    freeze() {
      frozen = true;
      for (const socket of [...pairs].flat()) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of [...pairs].flat()) socket.resume();
    },
    abandon() {
      for (const socket of [...pairs].flat()) socket.pause();
      for (const pair of pairs) abandoned.push(...pair);
      pairs.clear();
    },
    cutAfter(text) {
      cutText = text;
    },
  };
}
